"""Raw records: whole lines or none, also on a full disk and after a power cut."""

import os

import pytest
from chinwag_bench.errors import HostError
from chinwag_bench.records import Latency, Start
from chinwag_bench.runs import rawlog
from chinwag_bench.runs.rawlog import (
    append_record,
    drop_torn_line,
    metric_of,
    read_records,
    replace_file,
)


def record(column="go", **more):
    return Start(column=column, round=1, started_at=0.0, seconds=1.0, status="ok", **more)


def test_records_come_back_as_they_were(tmp_path):
    path = tmp_path / "raw" / "start.ndjson"
    written = [record("go", health_s=0.5), record("rust")]
    for one in written:
        append_record(path, one)
    assert read_records(path) == written
    assert read_records(tmp_path / "absent") == []


def test_metrics_are_named_by_their_tag():
    latency = Latency(column="go", round=1, started_at=0.0, seconds=1.0, status="ok")
    assert (metric_of(record()), metric_of(latency)) == ("start", "latency")


def test_a_torn_line_is_left_out_and_cut_off(tmp_path):
    path = tmp_path / "start.ndjson"
    append_record(path, record("go"))
    with path.open("ab") as file:
        file.write(b'{"metric":"start","col')
    assert [one.column for one in read_records(path)] == ["go"]
    drop_torn_line(path)
    append_record(path, record("rust"))
    assert [one.column for one in read_records(path)] == ["go", "rust"]


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "start.ndjson"
    append_record(path, record("go"))
    before = path.read_bytes()
    write = os.write
    room = [10, 0]

    def write_a_little(number, data):
        if not (left := room.pop(0)):
            raise OSError(28, "No space left on device")
        return write(number, data[:left])

    monkeypatch.setattr(rawlog.os, "write", write_a_little)
    with pytest.raises(HostError, match="No space left on device") as caught:
        append_record(path, record("rust"))
    assert caught.value.hint.startswith("free some space")
    assert path.read_bytes() == before


def test_a_real_full_device_is_reported(tmp_path):
    (tmp_path / "run.json.new").symlink_to("/dev/full")
    (tmp_path / "run.json").write_bytes(b"old")
    with pytest.raises(HostError, match="No space left"):
        replace_file(tmp_path / "run.json", b"new")
    assert (tmp_path / "run.json").read_bytes() == b"old"
    assert not (tmp_path / "run.json.new").is_symlink()


def test_a_replaced_file_is_whole(tmp_path):
    replace_file(tmp_path / "a" / "run.json", b"one")
    replace_file(tmp_path / "a" / "run.json", b"two")
    assert (tmp_path / "a" / "run.json").read_bytes() == b"two"
    assert os.listdir(tmp_path / "a") == ["run.json"]
