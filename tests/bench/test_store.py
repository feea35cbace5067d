"""Result directories: named, written, found again."""

import pytest
from chinwag_bench.errors import HostError, UsageError
from chinwag_bench.metrics.latency import Latency
from chinwag_bench.metrics.start import Start
from chinwag_bench.records import Run, Verification
from chinwag_bench.runs.store import RunStore, new_folder


def a_run():
    return Run(
        id="x",
        profile="smoke",
        seed=1,
        started_at=0.0,
        command="chinwag run",
        git_commit=None,
        kit_version="0",
        columns=[],
        machine={},
        plan={},
    )


def test_folders_are_new_and_safe_to_name(tmp_path):
    first, second = new_folder(tmp_path, "my host/1"), new_folder(tmp_path, "my host/1")
    assert first != second
    assert first.is_dir()
    assert first.name.startswith("20")
    assert "my-host-1" in first.name


def test_what_is_saved_is_found_again(tmp_path):
    store = RunStore(tmp_path, a_run())
    store.run.verifications = [Verification(column="go", passed=1, failed=0, skipped=0)]
    store.save_run()
    store.save_verifications()
    start = Start(column="go", round=1, started_at=0.0, seconds=1.0, status="ok")
    latency = Latency(column="go", round=1, started_at=0.0, seconds=1.0, status="ok")
    store.append(start)
    store.append(latency)
    again = RunStore.reopen(tmp_path)
    assert again.run == store.run
    assert again.records() == [latency, start]
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == [
        "latency.ndjson",
        "start.ndjson",
    ]


def test_another_directory_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is not a result directory"):
        RunStore.reopen(tmp_path)


def test_a_place_whose_name_is_no_utf8_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"q\\xff is not UTF-8"):
        new_folder(tmp_path / "q\udcff", "host")
    assert not list(tmp_path.iterdir())


def test_a_place_that_can_t_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="can't be written"):
        new_folder(tmp_path / "file" / "results", "host")
