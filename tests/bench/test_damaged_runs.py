"""A result directory that somebody copied in part, edited or lost bits of: one message, with the
file, the line or the key, instead of a traceback or of figures that nobody measured.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chinwag_bench.judging.evidence import UnreadableResult, load
from chinwag_bench.judging.judge import judge
from chinwag_bench.validation import validate

from .result_builder import build, change_run

REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"
(STORED,) = (path.parent for path in REFERENCE.glob("*/run.json"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("damaged") / "run")


@pytest.fixture
def result(built: Path, tmp_path: Path) -> Path:
    """A copy of one's own, to damage."""
    return shutil.copytree(built, tmp_path / "run")


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """The reference run, whose plan is a whole run profile."""
    left_out = shutil.ignore_patterns("experiments", "logs", "hdr")
    return Path(shutil.copytree(STORED, tmp_path / "stored", ignore=left_out))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (Path.unlink, "throughput.ndjson is missing, and run.json says that the run is finished"),
        (lambda path: path.write_bytes(b""), "throughput.ndjson has no records, and run.json"),
        (lambda path: path.write_bytes(b"\n"), "throughput.ndjson has no records, and run.json"),
    ],
)
def test_a_finished_run_without_what_it_measured_is_refused(
    stored: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(stored / "raw" / "throughput.ndjson")
    with pytest.raises(UnreadableResult) as caught:
        load(stored)
    assert said in caught.value.message
    assert "copy the whole directory anew" in str(caught.value.hint)
    assert any("throughput was not measured" in one.what for one in validate(stored).problems)


def test_a_run_under_way_may_have_nothing_yet_and_a_finished_one_what_its_plan_leaves_out(
    stored: Path,
) -> None:
    (stored / "raw" / "start.ndjson").unlink()
    change_run(stored, lambda run: run["plan"]["settings"].update(start=None))
    assert load(stored).records["start"] == []
    for path in (stored / "raw").glob("*.ndjson"):
        path.unlink()
    change_run(stored, lambda run: run.update(finished_at=None))
    assert not any(load(stored).records.values())


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("plan.settings", [], "Expected `object`, got `array` - at `$.plan.settings`"),
        ("plan.settings.one_variant", None, "got `null` - at `$.plan.settings.one_variant`"),
        ("plan.settings.throughput", "x", "got `str` - at `$.plan.settings.throughput`"),
        ("plan.settings.robustness", {"attacks": 3}, "at `$.plan.settings.robustness.attacks`"),
        ("plan.settings.load_latency", {"profiles": 3}, "at `$.plan.settings.load_latency.pro"),
        ("plan.settings.load_throughput", {"start_deliveries_per_s": 3}, "Expected `object`, got"),
        ("plan.loads.article.room_size", -1, "Expected `int` >= 1 - at `$.plan.loads[...].room"),
        ("plan.loads", [], "got `array` - at `$.plan.loads`"),
        ("plan.loads.article", 3, "got `int` - at `$.plan.loads[...]`"),
        ("plan.loads.article.mix", {}, "Object missing required field `room`"),
        ("plan.settings.memory.connections", None, "at `$.plan.settings.memory.connections`"),
        ("plan.server_cores", None, "got `null` - at `$.plan.server_cores`"),
        ("plan.caveats", "none", "got `str` - at `$.plan.caveats`"),
        ("plan.network", 3, "got `int` - at `$.plan.network`"),
        ("machine.sysctl", [], "got `array` - at `$.machine.sysctl`"),
        ("machine.memory_bytes", "8G", "got `str` - at `$.machine.memory_bytes`"),
    ],
)
def test_a_run_json_whose_parts_have_other_types_names_the_key(
    result: Path, path: str, value: object, said: str
) -> None:
    *parents, last = path.split(".")

    def change(run: Any) -> None:
        for name in parents:
            run = run[name]
        run[last] = value

    change_run(result, change)
    with pytest.raises(UnreadableResult) as caught:
        judge(result)
    assert "run.json: " in caught.value.message
    assert said in caught.value.message
    (found,) = validate(result).problems
    assert found.file == "run.json"
    assert said in found.what


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"disturbance": {"reasons": None}}, "at `$.disturbance.reasons`"),
        ({"disturbance": {"attempt": "x"}}, "at `$.disturbance.attempt`"),
        ({"latency_ms": {}}, "latency_ms has no p99 - at `$.best.hold`"),
        ({"quarter_mean_ms": [1.0]}, "at `$.best.hold.quarter_mean_ms`"),
        ({"little": {"ratio": 1.0}}, "little lacks outstanding_mean, predicted"),
    ],
)
def test_a_record_whose_parts_have_other_types_names_line_and_key(
    result: Path, change: dict[str, Any], said: str
) -> None:
    path = result / "raw" / "throughput.ndjson"
    first, *rest = path.read_text().splitlines()
    record = json.loads(first)
    place = record if "disturbance" in change else record["best"]["hold"]
    place.update(change)
    path.write_text("\n".join([json.dumps(record), *rest]) + "\n")
    with pytest.raises(UnreadableResult, match=r"throughput\.ndjson:1: ") as caught:
        judge(result)
    assert said in caught.value.message
    (found,) = [one for one in validate(result).problems if one.file == "raw/throughput.ndjson"]
    assert found.line == 1
    assert said in found.what


@pytest.mark.parametrize("name", ["run.json", "raw/throughput.ndjson", "raw/floor.ndjson"])
@pytest.mark.parametrize("content", [b"\xff\xfe", b'{"id": "\xff"}\n', b"[" * 100_000 + b"\n"])
def test_bytes_that_are_no_text_are_named(result: Path, name: str, content: bytes) -> None:
    path = result / name
    path.write_bytes(content + (b"\n" if name.startswith("raw") else b""))
    with pytest.raises(UnreadableResult) as caught:
        judge(result)
    assert caught.value.message.startswith(str(path))
    assert caught.value.hint
    assert name in {one.file for one in validate(result).problems}


@pytest.mark.parametrize("name", ["throughput", "floor"])
def test_a_raw_file_that_is_none_is_refused(result: Path, name: str) -> None:
    path = result / "raw" / f"{name}.ndjson"
    path.unlink(missing_ok=True)
    path.symlink_to("nowhere")
    for said in ("No such file or directory, of what it links to", "Is a directory"):
        with pytest.raises(UnreadableResult, match=said) as caught:
            judge(result)
        assert caught.value.message.startswith(f"{path} can't be read: ")
        assert f"raw/{name}.ndjson" in {one.file for one in validate(result).problems}
        if path.is_symlink():
            path.unlink()
            path.mkdir()
