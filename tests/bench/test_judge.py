"""From a result directory to cells, A/A, checks and curves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from chinwag_bench.judging.evidence import UnreadableResult
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Cell, Matrix
from chinwag_bench.judging.repeats import kept
from chinwag_bench.metrics.broadcast import Broadcast
from chinwag_bench.metrics.latency import Latency
from chinwag_bench.metrics.memory import Memory
from chinwag_bench.metrics.throughput import Throughput
from chinwag_bench.records import Record, Status
from chinwag_bench.render import notes

from .result_builder import append, build, fail, rewrite


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("judge") / "run")


@pytest.fixture(scope="module")
def matrix(built: Path) -> Matrix:
    return judge(built)


@pytest.fixture
def result(built: Path, tmp_path: Path) -> Path:
    """A copy of one's own, to change."""
    return shutil.copytree(built, tmp_path / "run")


def cell(matrix: Matrix, row: str, column: str) -> Cell:
    return next(c for c in matrix.cells if (c.row, c.column) == (row, column))


def reason(matrix: Matrix, row: str, column: str) -> str:
    return notes.sentence(cell(matrix, row, column).reason)


def said(found: Cell) -> list[str]:
    return [notes.sentence(note) for note in found.notes]


def remarks(matrix: Matrix, row: str, column: str) -> list[str]:
    return said(cell(matrix, row, column))


def checks(matrix: Matrix) -> dict[str, bool]:
    return {check["name"].split(" (")[0]: check["ok"] for check in matrix.checks}


def of_go(record: Record, round_: int = 1) -> bool:
    return record.column == "go" and record.round == round_


def test_every_row_has_a_cell_for_every_column(matrix: Matrix) -> None:
    assert len(matrix.cells) == len(matrix.rows) * len(matrix.columns)
    for one in matrix.cells:
        assert (one.value is None) == (one.reason is not None)


def test_a_cell_is_the_median_with_the_range_of_its_rounds(matrix: Matrix) -> None:
    found = cell(matrix, "throughput_deliveries", "go")
    assert found.rounds == 3
    assert found.value == sorted(found.samples)[1]
    assert found.interval is not None and found.interval[1] is not None
    assert found.interval[0] == min(found.samples)
    assert found.interval[1] > max(found.samples), "no narrower than a step of the search"
    assert found.coverage == 0.75


def test_from_eight_rounds_intervals_are_bootstrapped(tmp_path: Path) -> None:
    found = cell(judge(build(tmp_path / "run", rounds=8)), "throughput_deliveries", "go")
    assert (found.rounds, found.coverage) == (8, 0.95)


def test_the_column_that_the_generator_ended_is_open_and_wins(matrix: Matrix) -> None:
    found = cell(matrix, "throughput_deliveries", "chinwagd")
    assert (found.is_open, found.limited_by) == (True, "generator")
    assert found.tie_with_best is True
    assert not cell(matrix, "cpu_per_delivery", "chinwagd").is_open


def test_a_latency_is_known_but_for_the_generators_lags(matrix: Matrix) -> None:
    found = cell(matrix, "common_p99", "chinwagd")
    assert found.low is not None and found.high is not None
    assert found.high - found.low == pytest.approx(0.11 + 0.15)


def test_failed_and_missing_columns_have_their_reason(matrix: Matrix) -> None:
    assert reason(matrix, "common_p99", "node-ws") == (
        "3 of 61 conformance cases failed, so it was not measured"
    )
    assert "Boost 1.81" in reason(matrix, "start_health", "cpp-beast")


def test_unmeasured_rows_appear_with_what_was_published(matrix: Matrix) -> None:
    found = cell(matrix, "learning", "rust")
    assert (found.value, notes.sentence(found.reason)) == (None, "not measurable")
    assert found.verdict is not None
    assert found.verdict.kind == "no_source"
    assert [quote.value for quote in found.published] == [8]


def test_rows_that_nobody_published_and_nobody_measures_are_left_out(result: Path) -> None:
    run = (result / "run.json").read_text().replace('"published":"', '"published_not":"')
    (result / "run.json").write_text(run)
    rows = {row.id for row in judge(result).rows}
    assert "learning" not in rows
    assert "effort_lines_of_code" in rows


def test_aa_is_printed_and_its_second_name_is_not_ranked_first(matrix: Matrix) -> None:
    pair = matrix.aa["pairs"][0]
    assert (pair["column"], pair["again"]) == ("go", "go (again)")
    ratios = pair["ratios"]["common_cpu_per_delivery"]
    assert len(ratios) == 3 and all(0.9 < ratio < 1.1 for ratio in ratios)
    assert matrix.aa["range"]["common_cpu_per_delivery"] == [min(ratios), max(ratios)]
    # Of all rows only the largest of some thousand delays differs more than twice.
    assert matrix.aa["unranked"] == ["common_max"]


def test_other_versions_are_noted(matrix: Matrix) -> None:
    go = next(column for column in matrix.columns if column.id == "go")
    assert any("Go 1.24" in caveat and "go1.26.8" in caveat for caveat in go.caveats)


def test_disturbed_rounds_show(matrix: Matrix) -> None:
    assert remarks(matrix, "throughput_deliveries", "elixir") == [
        "round 2 was disturbed (steal 7 % is over 2 %) and kept"
    ]


def test_a_repeated_round_replaces_the_disturbed_one(result: Path) -> None:
    seen: list[Throughput] = []

    def change(record: Record) -> Record:
        assert isinstance(record, Throughput)
        if of_go(record):
            seen.append(record)
            record.disturbance = {"reasons": ["swap"], "attempt": 1}
        return record

    rewrite(result, "throughput", change)
    again = seen[0]
    assert again.best is not None
    again.best.hold.deliveries_per_s, again.disturbance = 1.0, {"reasons": [], "attempt": 2}
    append(result, "throughput", again)
    found = cell(judge(result), "throughput_deliveries", "go")
    assert found.rounds == 3
    assert found.samples[0] == 1.0
    assert "round 1 was disturbed (swap) and repeated" in said(found)
    assert "4 rounds were made, 3 are used" in said(found)


def test_a_good_record_is_kept_before_a_failed_repeat() -> None:
    def record(status: Status) -> Latency:
        return Latency(column="x", round=1, started_at=0, seconds=1, status=status)

    good = record("ok")
    assert kept([good, record("failed")]) == [good]
    assert kept([record("failed"), good]) == [good]


def test_a_failed_latency_round_is_the_reason_of_its_rows(result: Path) -> None:
    def change(record: Record) -> Record | None:
        assert isinstance(record, Latency)
        if record.column == "go":
            record.status, record.reason, record.step = "failed", "the server died", None
            return record if record.point == "common" else None
        return record

    rewrite(result, "latency", change)
    matrix = judge(result)
    assert reason(matrix, "common_p99", "go") == "the server died"
    assert reason(matrix, "common_cpu_per_delivery", "go") == "the server died"


def test_who_cannot_sustain_the_common_rate_says_so(result: Path) -> None:
    def change(record: Record) -> Record:
        assert isinstance(record, Latency)
        if record.column == "go" and record.point == "common" and record.round > 1:
            assert record.step is not None
            fail(record.step)
        return record

    rewrite(result, "latency", change)
    matrix = judge(result)
    assert reason(matrix, "common_p99", "go") == "can't keep this rate: p99 1420 ms is over 1000 ms"
    assert cell(matrix, "common_rate", "go").value is not None


def test_a_single_unsustained_round_is_kept_and_noted(result: Path) -> None:
    def change(record: Record) -> Record:
        assert isinstance(record, Latency)
        if of_go(record) and record.point == "common":
            assert record.step is not None
            fail(record.step)
        return record

    rewrite(result, "latency", change)
    found = cell(judge(result), "common_p99", "go")
    assert found.rounds == 3
    assert "round 1 was not kept up: p99 1420 ms is over 1000 ms" in said(found)


def test_a_rate_that_the_generator_did_not_keep_says_nothing_of_the_server(result: Path) -> None:
    def change(record: Record) -> Record:
        assert isinstance(record, Latency)
        if record.column in ("go", "rust") and record.point == "common":
            assert record.step is not None
            if record.column == "go" or record.round == 1:
                fail(record.step)
                record.step.hold.generator_cpu = 0.99
        return record

    rewrite(result, "latency", change)
    matrix = judge(result)
    why = "p99 1420 ms is over 1000 ms"
    assert reason(matrix, "common_p99", "go") == (
        f"says nothing of the server: the load generator was the limit: {why}"
    )
    assert f"round 1 was not kept up, the load generator being the limit: {why}" in remarks(
        matrix, "common_p99", "rust"
    )


def test_a_throughput_without_a_sustained_step_has_its_reason(result: Path) -> None:
    def change(record: Record) -> Record:
        assert isinstance(record, Throughput)
        if record.column == "go":
            record.best, record.reason = None, "no rate was sustained; last: lost 3"
            for step in record.steps:
                fail(step)
        return record

    rewrite(result, "throughput", change)
    assert reason(judge(result), "cpu_per_delivery", "go") == "no rate was sustained; last: lost 3"


def test_an_unconfirmed_search_counts_by_its_highest_hold_that_was_kept(result: Path) -> None:
    def change(record: Record) -> Record:
        assert isinstance(record, Throughput)
        if record.column == "go":
            record.best, record.reason = None, "no rate was sustained; last: no time"
        return record

    before = cell(judge(result), "throughput_deliveries", "go")
    rewrite(result, "throughput", change)
    found = cell(judge(result), "throughput_deliveries", "go")
    assert found.samples == before.samples
    assert any("confirmed none" in remark for remark in said(found))


def test_memory_says_how_the_kernels_part_was_taken(result: Path) -> None:
    def change(record: Record) -> Record:
        assert isinstance(record, Memory)
        record.points["joined"].kernel_method = "estimate"
        return record

    rewrite(result, "memory", change)
    assert "kernel memory by estimate" in remarks(judge(result), "memory_kernel", "go")


def test_memory_that_did_not_grow_is_no_value_and_not_the_best(result: Path) -> None:
    def change(record: Record) -> Record:
        assert isinstance(record, Memory)
        if record.column == "go":
            record.points["joined"].kernel_bytes = record.points["empty"].kernel_bytes
        return record

    rewrite(result, "memory", change)
    matrix = judge(result)
    assert cell(matrix, "memory_kernel", "go").value is None
    assert "too few connections to stand out" in reason(matrix, "memory_kernel", "go")
    assert cell(matrix, "memory_kernel", "rust").value is not None


def test_each_hold_counts_once_and_what_was_only_counted_is_told(result: Path) -> None:
    """A search's result is one of its steps."""
    holds = []
    for name in ("throughput", "latency", "broadcast"):
        for line in (result / "raw" / f"{name}.ndjson").read_text("utf-8").splitlines():
            record = json.loads(line)
            steps = record.get("steps", [record.get("step")])
            best = record.get("best")
            steps += [best] if best is not None and best not in steps else []
            holds += [step["hold"] for step in steps if step is not None]
    text = next(c["text"] for c in judge(result).checks if c["name"].startswith("Deliveries arr"))
    assert text.startswith(f"{sum(hold['delivered'] for hold in holds):,} deliveries in ")
    assert f"in {len(holds)} holds" in text

    def count(record: Record) -> Record:
        assert isinstance(record, Latency)
        if record.step is not None:
            record.step.hold.parsed = record.step.hold.delivered // 8
        return record

    rewrite(result, "latency", count)
    text = next(c["text"] for c in judge(result).checks if c["name"].startswith("Deliveries arr"))
    assert "were read one by one" in text


def test_checks_pass_on_consistent_records(matrix: Matrix) -> None:
    found = checks(matrix)
    assert found.pop("Conformance before measuring") is False
    assert found and all(found.values())


@pytest.mark.parametrize(
    ("check", "field", "value"),
    [
        ("Little's law", "little", {"outstanding_mean": 2.0, "predicted": 1.0, "ratio": 2.0}),
        ("Delivered at most what was sent", "delivered", 10**9),
        ("Deliveries arrive once, in order, whole", "duplicated", 1),
        ("Deliveries arrive once, in order, whole", "corrupted", 1),
    ],
)
def test_each_check_can_fail(result: Path, check: str, field: str, value: object) -> None:
    def change(record: Record) -> Record:
        assert isinstance(record, Latency)
        if of_go(record):
            assert record.step is not None
            setattr(record.step.hold, field, value)
        return record

    rewrite(result, "latency", change)
    matrix = judge(result)
    assert checks(matrix)[check] is False
    assert "go, round 1" in next(c["text"] for c in matrix.checks if c["name"] == check)


def test_the_aa_check_can_fail(result: Path) -> None:
    def change(record: Record) -> Record:
        assert isinstance(record, Latency)
        if record.column == "go (again)" and record.step is not None:
            assert record.step.cpu_us_per_delivery is not None
            record.step.cpu_us_per_delivery *= 1.2
        return record

    rewrite(result, "latency", change)
    assert checks(judge(result))["Noise of CPU per delivery"] is False


def test_a_rate_that_was_not_sustained_has_no_cpu_per_delivery(result: Path) -> None:
    def change(record: Record) -> Record:
        assert isinstance(record, Latency)
        if record.column == "go" and record.step is not None:
            fail(record.step)
        return record

    rewrite(result, "latency", change)
    found = cell(judge(result), "common_cpu_per_delivery", "go")
    assert (found.value, notes.sentence(found.reason)) == (None, "p99 1420 ms is over 1000 ms")


def test_curves_add_up_the_rounds_histograms(matrix: Matrix) -> None:
    curve = next(c for c in matrix.curves if (c.column, c.point) == ("go", "common"))
    points = dict(curve.points)
    assert points[0.5] == pytest.approx(cell(matrix, "common_p50", "go").value, rel=0.1)
    assert points[0.99] == pytest.approx(cell(matrix, "common_p99", "go").value, rel=0.25)
    assert points[1.0] == pytest.approx(max(cell(matrix, "common_max", "go").samples), rel=0.01)
    milliseconds = [ms for _, ms in curve.points]
    assert milliseconds == sorted(milliseconds)


def test_a_histogram_of_another_time_is_not_added(result: Path) -> None:
    def change(record: Record) -> Record:
        if of_go(record):
            record.started_at -= 1000
        return record

    rewrite(result, "latency", change)
    curve = next(c for c in judge(result).curves if (c.column, c.point) == ("go", "common"))
    assert [q for q, _ in curve.points] == [0.5, 0.9, 0.99, 0.999, 1.0]


def test_a_maximum_says_what_ended_it_and_is_ranked_as_a_bound(matrix: Matrix) -> None:
    found = cell(matrix, "max_connections", "go")
    assert (found.value, found.is_open, found.limited_by) == (19_500, True, "open files")
    assert "ended by: open files of the generator: 19,500 connections" in said(found)
    quotes = {quote.where: quote.verdict.kind for quote in found.published if quote.verdict}
    assert quotes == {"A5.go": "too_small"}


def test_a_projection_is_marked_and_not_ranked(matrix: Matrix) -> None:
    found = cell(matrix, "max_connections_projected", "go")
    assert found.tie_with_best is None
    assert any(note.startswith("a projection, not measured") for note in said(found))


def test_a_percentile_needs_ten_messages_beyond_it(result: Path) -> None:
    """Deliveries of one message are one event, however many they are."""

    def sending(messages: int) -> None:
        def change(record: Record) -> Record:
            assert isinstance(record, Broadcast)
            if record.step is not None:
                record.step.hold.sent = messages
            return record

        rewrite(result, "broadcast", change)

    sending(999)
    assert reason(judge(result), "broadcast_p99", "go").startswith("999 messages in all rounds")
    sending(1000)
    found = cell(judge(result), "broadcast_p99", "go")
    assert found.value is not None
    assert "10 messages/s, each to 1,000 members" in said(found)
    assert [quote.where for quote in found.published] == ["A7.go"]


def test_cpu_at_n_adds_user_and_system(matrix: Matrix) -> None:
    whole, user, system = (
        cell(matrix, f"cpu_at_n{part}", "elixir").value for part in ("", "_user", "_system")
    )
    assert whole is not None and user is not None and system is not None
    assert whole == pytest.approx(user + system)


def test_a_run_without_a_metric_says_so(result: Path) -> None:
    (result / "raw" / "connections.ndjson").unlink()
    assert reason(judge(result), "max_connections", "go") == "not measured in this run"


def test_judging_twice_gives_the_same(tmp_path: Path) -> None:
    result = build(tmp_path / "run", rounds=8)
    assert judge(result) == judge(result)


def test_a_line_cut_off_at_the_end_is_noted(result: Path) -> None:
    with (result / "raw" / "start.ndjson").open("ab") as file:
        file.write(b'{"metric":"start","col')
    assert "start.ndjson: the last line was cut off and is left out" in judge(result).run.notes


def test_a_broken_line_inside_says_where(result: Path) -> None:
    path = result / "raw" / "start.ndjson"
    path.write_bytes(b"{}\n" + path.read_bytes())
    with pytest.raises(UnreadableResult, match=r"start\.ndjson:1: "):
        judge(result)


def test_a_directory_without_a_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnreadableResult) as caught:
        judge(tmp_path)
    assert "chinwag matrix" in caught.value.text()
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UnreadableResult, match=r"run\.json"):
        judge(tmp_path)


def test_an_empty_run_is_all_reasons(result: Path) -> None:
    for path in (result / "raw").glob("*.ndjson"):
        path.unlink()
    matrix = judge(result)
    assert reason(matrix, "common_p99", "go") == "not measured in this run"
    assert matrix.curves == []
