"""Raw records: whole lines or none, also on a full disk and after a power cut."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from chinwag_bench.errors import HostError, UsageError
from chinwag_bench.metrics.latency import Latency
from chinwag_bench.metrics.start import Start
from chinwag_bench.runs import rawlog
from chinwag_bench.runs.rawlog import (
    append_record,
    drop_torn_line,
    metric_of,
    read_records,
    replace_file,
)

ENV = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "bench")}


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
    fresh = tmp_path / f"run.json.{os.getpid()}.new"
    fresh.symlink_to("/dev/full")
    (tmp_path / "run.json").write_bytes(b"old")
    with pytest.raises(HostError, match="No space left"):
        replace_file(tmp_path / "run.json", b"new")
    assert (tmp_path / "run.json").read_bytes() == b"old"
    assert not fresh.is_symlink()


def test_a_replaced_file_is_whole(tmp_path):
    replace_file(tmp_path / "a" / "run.json", b"one")
    replace_file(tmp_path / "a" / "run.json", b"two")
    assert (tmp_path / "a" / "run.json").read_bytes() == b"two"
    assert os.listdir(tmp_path / "a") == ["run.json"]


def test_each_of_several_writers_replaces_the_whole_file(tmp_path):
    program = (
        "import pathlib, sys; from chinwag_bench.runs.rawlog import replace_file\n"
        "for _ in range(200): replace_file(pathlib.Path(sys.argv[1]), sys.argv[2].encode() * 5000)"
    )
    path = tmp_path / "matrix.json"
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(path), letter], env=ENV)
        for letter in "abc"
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    content = path.read_bytes()
    assert content in {letter * 5000 for letter in (b"a", b"b", b"c")}
    assert os.listdir(tmp_path) == ["matrix.json"]


def test_what_a_killed_writer_left_goes_with_the_next_one(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    (tmp_path / f"run.json.{ended.pid}.new").write_bytes(b"half")
    (tmp_path / f"run.json.{os.getppid()}.new").write_bytes(b"of one that goes on writing")
    replace_file(tmp_path / "run.json", b"one")
    assert sorted(os.listdir(tmp_path)) == ["run.json", f"run.json.{os.getppid()}.new"]


def test_a_line_that_is_no_record_is_named(tmp_path):
    path = tmp_path / "start.ndjson"
    append_record(path, record("go"))
    for broken in (b"{]", b'{"metric":"start"}', b'"\xff"'):
        path.write_bytes(path.read_bytes().splitlines(keepends=True)[0] + broken + b"\n")
        with pytest.raises(UsageError, match=r"start.ndjson:2: "):
            read_records(path)
