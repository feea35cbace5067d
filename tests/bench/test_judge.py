"""From a result directory to cells, A/A, checks and curves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from chinwag_bench.judging.evidence import UnreadableResult, kept
from chinwag_bench.judging.judge import judge
from chinwag_bench.records import Cell, Latency, Matrix, Memory, Raw, Status, Throughput

from .result_builder import append, build, rewrite


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


def checks(matrix: Matrix) -> dict[str, bool]:
    return {check["name"].split(" (")[0]: check["ok"] for check in matrix.checks}


def of_go(record: Raw, round_: int = 1) -> bool:
    return record.column == "go" and record.round == round_


def test_every_row_has_a_cell_for_every_column(matrix: Matrix) -> None:
    assert len(matrix.cells) == len(matrix.rows) * len(matrix.columns)
    for one in matrix.cells:
        assert (one.value is None) == (one.reason is not None)


def test_a_cell_is_the_median_with_the_range_of_its_rounds(matrix: Matrix) -> None:
    found = cell(matrix, "throughput_deliveries", "go")
    assert found.rounds == 3
    assert found.value == sorted(found.samples)[1]
    assert found.interval == (min(found.samples), max(found.samples))
    assert found.coverage == 0.75


def test_from_eight_rounds_intervals_are_bootstrapped(tmp_path: Path) -> None:
    found = cell(judge(build(tmp_path / "run", rounds=8)), "throughput_deliveries", "go")
    assert (found.rounds, found.coverage) == (8, 0.95)


def test_the_generator_limited_column_is_a_lower_bound_that_wins(matrix: Matrix) -> None:
    found = cell(matrix, "throughput_deliveries", "chinwagd")
    assert (found.lower_bound, found.limited_by) == (True, "generator")
    assert found.tie_with_best is True
    assert any("generator-limited: CPU 0.97" in note for note in found.notes)
    assert not cell(matrix, "cpu_per_delivery", "chinwagd").lower_bound


def test_a_latency_with_the_generators_lag_is_an_upper_bound(matrix: Matrix) -> None:
    assert cell(matrix, "half_p99", "chinwagd").upper_bound
    assert not cell(matrix, "common_p99", "chinwagd").upper_bound


def test_failed_and_missing_columns_have_their_reason(matrix: Matrix) -> None:
    assert cell(matrix, "common_p99", "node-ws").reason == (
        "3 of 61 conformance cases failed, so it was not measured"
    )
    assert "Boost 1.81" in (cell(matrix, "start_health", "cpp-beast").reason or "")


def test_unmeasured_rows_appear_with_what_was_published(matrix: Matrix) -> None:
    found = cell(matrix, "learning", "rust")
    assert (found.value, found.reason) == (None, "not measurable")
    assert found.verdict is not None
    assert found.verdict.kind == "not_measurable"
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
    assert 0 < pair["spread"]["cpu_per_delivery"] < 0.05
    assert matrix.aa["spread"] == pair["spread"]


def test_other_versions_are_noted(matrix: Matrix) -> None:
    go = next(column for column in matrix.columns if column.id == "go")
    assert any("Go 1.24" in caveat and "go1.26.8" in caveat for caveat in go.caveats)


def test_disturbed_rounds_show(matrix: Matrix) -> None:
    notes = cell(matrix, "throughput_deliveries", "elixir").notes
    assert notes == ["round 2 was disturbed (steal 7 % is over 2 %) and kept"]


def test_a_repeated_round_replaces_the_disturbed_one(result: Path) -> None:
    seen: list[Throughput] = []

    def change(record: Raw) -> Raw:
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
    assert "round 1 was disturbed (swap) and repeated" in found.notes
    assert "4 rounds were made, 3 are used" in found.notes


def test_a_good_record_is_kept_before_a_failed_repeat() -> None:
    def record(status: Status) -> Latency:
        return Latency(column="x", round=1, started_at=0, seconds=1, status=status)

    good = record("ok")
    assert kept([good, record("failed")]) == [good]
    assert kept([record("failed"), good]) == [good]


def test_a_failed_latency_round_is_the_reason_at_both_points(result: Path) -> None:
    def change(record: Raw) -> Raw | None:
        assert isinstance(record, Latency)
        if record.column == "go":
            record.status, record.reason, record.step = "failed", "the server died", None
            return record if record.point == "common" else None
        return record

    rewrite(result, "latency", change)
    matrix = judge(result)
    assert cell(matrix, "common_p99", "go").reason == "the server died"
    assert cell(matrix, "half_p99", "go").reason == "the server died"


def test_who_cannot_sustain_the_common_rate_says_so(result: Path) -> None:
    def change(record: Raw) -> Raw:
        assert isinstance(record, Latency)
        if record.column == "go" and record.point == "common" and record.round > 1:
            assert record.step is not None
            record.step.sustained, record.step.why_not = False, "delay grew"
        return record

    rewrite(result, "latency", change)
    matrix = judge(result)
    assert cell(matrix, "common_p99", "go").reason == "can't sustain this rate: delay grew"
    assert cell(matrix, "common_rate", "go").value is not None


def test_a_single_unsustained_round_is_kept_and_noted(result: Path) -> None:
    def change(record: Raw) -> Raw:
        assert isinstance(record, Latency)
        if of_go(record) and record.point == "common":
            assert record.step is not None
            record.step.sustained, record.step.why_not = False, "delay grew"
        return record

    rewrite(result, "latency", change)
    found = cell(judge(result), "common_p99", "go")
    assert found.rounds == 3
    assert "round 1 was not sustained: delay grew" in found.notes


def test_a_throughput_without_a_sustained_step_has_its_reason(result: Path) -> None:
    def change(record: Raw) -> Raw:
        assert isinstance(record, Throughput)
        if record.column == "go":
            record.best, record.reason = None, "no rate was sustained; last: lost 3"
        return record

    rewrite(result, "throughput", change)
    found = cell(judge(result), "throughput_deliveries", "go")
    assert found.reason == "no rate was sustained; last: lost 3"


def test_memory_says_how_the_kernels_part_was_taken(result: Path) -> None:
    def change(record: Raw) -> Raw:
        assert isinstance(record, Memory)
        record.points["joined"].kernel_method = "estimate"
        return record

    rewrite(result, "memory", change)
    assert "kernel memory by estimate" in cell(judge(result), "memory_kernel", "go").notes


def test_memory_below_zero_is_noted(result: Path) -> None:
    def change(record: Raw) -> Raw:
        assert isinstance(record, Memory)
        record.points["empty"].user_bytes = 10**12
        return record

    rewrite(result, "memory", change)
    assert any("below zero" in note for note in cell(judge(result), "memory_joined", "go").notes)


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
    def change(record: Raw) -> Raw:
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
    def change(record: Raw) -> Raw:
        assert isinstance(record, Latency)
        if record.column == "go (again)" and record.step is not None:
            assert record.step.cpu_us_per_delivery is not None
            record.step.cpu_us_per_delivery *= 1.2
        return record

    rewrite(result, "latency", change)
    assert checks(judge(result))["A/A of CPU per delivery"] is False


def test_a_rate_that_was_not_sustained_has_no_cpu_per_delivery(result: Path) -> None:
    def change(record: Raw) -> Raw:
        assert isinstance(record, Latency)
        if record.column == "go" and record.step is not None:
            record.step.sustained, record.step.why_not = False, "p99 1,420 ms is over 1,000 ms"
        return record

    rewrite(result, "latency", change)
    found = cell(judge(result), "common_cpu_per_delivery", "go")
    assert (found.value, found.reason) == (None, "p99 1,420 ms is over 1,000 ms")


def test_curves_add_up_the_rounds_histograms(matrix: Matrix) -> None:
    curve = next(c for c in matrix.curves if (c.column, c.point) == ("go", "common"))
    points = dict(curve.points)
    assert points[0.5] == pytest.approx(cell(matrix, "common_p50", "go").value, rel=0.1)
    assert points[0.99] == pytest.approx(cell(matrix, "common_p99", "go").value, rel=0.25)
    assert points[1.0] == pytest.approx(max(cell(matrix, "common_max", "go").samples), rel=0.01)
    milliseconds = [ms for _, ms in curve.points]
    assert milliseconds == sorted(milliseconds)


def test_a_histogram_of_another_time_is_not_added(result: Path) -> None:
    def change(record: Raw) -> Raw:
        if of_go(record):
            record.started_at -= 1000
        return record

    rewrite(result, "latency", change)
    curve = next(c for c in judge(result).curves if (c.column, c.point) == ("go", "common"))
    assert [q for q, _ in curve.points] == [0.5, 0.9, 0.99, 0.999, 1.0]


def test_a_maximum_says_what_ended_it_and_is_ranked_as_a_bound(matrix: Matrix) -> None:
    found = cell(matrix, "max_connections", "go")
    assert (found.value, found.lower_bound, found.limited_by) == (19_500, True, "open files")
    assert "ended by: open files of the generator: 19,500 connections" in found.notes
    assert found.tie_with_best is None
    quotes = {quote.where: quote.verdict.kind for quote in found.published if quote.verdict}
    assert quotes == {"matrix.max_connections.go": "not_measurable"}


def test_a_projection_is_marked_and_not_ranked(matrix: Matrix) -> None:
    found = cell(matrix, "max_connections_projected", "go")
    assert found.tie_with_best is None
    assert any(note.startswith("a projection, not measured") for note in found.notes)


def test_an_articles_p99_stands_beside_the_broadcast_too(matrix: Matrix) -> None:
    found = cell(matrix, "broadcast_p99", "go")
    assert "10 messages/s, each to 1,000 members" in found.notes
    assert [quote.where for quote in found.published] == ["matrix.p99_ms.go"]


def test_cpu_at_n_adds_user_and_system(matrix: Matrix) -> None:
    whole, user, system = (
        cell(matrix, f"cpu_at_n{part}", "elixir").value for part in ("", "_user", "_system")
    )
    assert whole is not None and user is not None and system is not None
    assert whole == pytest.approx(user + system)


def test_a_run_without_a_metric_says_so(result: Path) -> None:
    (result / "raw" / "connections.ndjson").unlink()
    assert cell(judge(result), "max_connections", "go").reason == "not measured in this run"


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
    assert cell(matrix, "common_p99", "go").reason == "not measured in this run"
    assert matrix.curves == []
