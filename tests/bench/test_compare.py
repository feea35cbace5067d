"""Two runs side by side: what is called a change, and what never is."""

from __future__ import annotations

import io
import random
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.compare import Comparison, compare
from chinwag_bench.compare.difference import Difference, decide, difference
from chinwag_bench.compare.verdicts import verdicts
from chinwag_bench.judging.matrix import (
    QUEUE_OVERFLOWED,
    Cell,
    Claim,
    Note,
    Row,
    Verdict,
    VerdictKind,
)
from chinwag_bench.metrics.throughput import Throughput
from chinwag_bench.records import Run
from chinwag_bench.render.comparison import print_comparison
from rich.console import Console

from .result_builder import build, made_cell, rewrite

RATE = Row(id="rate", title="Rate", unit="1/s", better="higher", definition="", group="G")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return build(tmp_path / "before")


@pytest.fixture
def after(tmp_path: Path) -> Path:
    """The same machine and servers, other noise."""
    return build(tmp_path / "after", seed=8)


def change_run(directory: Path, change: dict[str, object]) -> None:
    path = directory / "run.json"
    run = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode(run | change))
    msgspec.json.decode(path.read_bytes(), type=Run)


def faster(record: object) -> Throughput:
    assert isinstance(record, Throughput)
    if record.column == "rust" and record.best is not None:
        record.best.hold.deliveries_per_s *= 1.5
    return record


def printed(found: Comparison, *, whole: bool = True, **options: object) -> str:
    out = io.StringIO()
    console = Console(file=out, width=80, **options)  # type: ignore[arg-type]
    print_comparison(found, console, whole=whole)
    return out.getvalue()


def cell(samples: list[float], *, opened: bool = False) -> Cell:
    if not samples:
        return Cell(row="rate", column="go", unit="1/s", reason=Note(code="not_in_run"))
    rounds = [(value, None if opened else value) for value in samples]
    return made_cell("rate", *rounds, unit="1/s")


def judged(before: Cell, after: Cell, row: Row = RATE, aa: float = 0.0) -> Difference:
    found = difference(row, (before, after), aa_spread=aa, rates=None, seed=1)
    (decided,) = decide([found], {row.id: row})
    return decided


def test_noise_is_no_change(before: Path, after: Path) -> None:
    found = compare(before, after)
    assert found.significant == []
    assert printed(found).splitlines()[0].startswith("no significant change (")
    assert found.warnings == []


def test_a_change_is_found_where_it_is_and_nowhere_else(before: Path, after: Path) -> None:
    rewrite(after, "throughput", faster)
    found = compare(before, after)
    assert [(one.row, one.column, one.kind) for one in found.significant] == [
        ("throughput_deliveries", "rust", "better")
    ]
    (one,) = found.significant
    assert one.interval is not None and one.ratio is not None
    assert one.interval[0] < one.ratio < one.interval[1]
    assert printed(found).splitlines()[0].startswith("1 significant change: 1 better (")


def test_what_share_of_the_changes_may_be_noise_is_said(before: Path, after: Path) -> None:
    rewrite(after, "throughput", faster)
    assert "of what is called changed, 5% is expected" in printed(compare(before, after))


def test_only_what_changed_is_shown_unless_all_is_asked_for(before: Path, after: Path) -> None:
    cells, statements = printed(compare(before, before), whole=False).splitlines()
    assert cells.startswith("no significant change")
    assert statements.startswith("statements: ") and statements.endswith(" with the same verdict")
    rewrite(after, "throughput", faster)
    shown = printed(compare(before, after), whole=False)
    assert "rust" in shown
    assert "chinwagd" not in shown
    assert "elixir" in printed(compare(before, after))


def test_nothing_is_compared_across_machines(before: Path, after: Path) -> None:
    rewrite(after, "throughput", faster)
    change_run(after, {"machine": {"cpu": {"model": "Another", "logical": 64}}})
    found = compare(before, after)
    assert found.significant == []
    measured = [one for one in found.differences if not one.row.startswith("effort")]
    assert {one.kind for one in measured} == {"unclear", "absent"}
    assert "? measured on another machine: " in printed(found)


def test_nothing_is_compared_where_the_settings_differ(before: Path, after: Path) -> None:
    rewrite(after, "throughput", faster)
    run = msgspec.json.decode((after / "run.json").read_bytes())
    run["plan"]["settings"]["throughput"]["connections"] = 17
    change_run(after, {"plan": run["plan"]})
    found = compare(before, after)
    assert found.significant == []
    assert "? measured under other settings: throughput: " in printed(found)
    assert [one for one in found.differences if one.row == "start_health" and one.kind == "same"]


def test_a_bound_is_never_a_change(before: Path, after: Path) -> None:
    found = compare(before, after)
    mine = [one for one in found.differences if one.column == "chinwagd"]
    rates = [one for one in mine if one.row in ("throughput_deliveries", "throughput_messages")]
    assert {one.kind for one in rates} == {"unclear"}
    assert judged(cell([1, 1, 1]), cell([9, 9, 9], opened=True)).kind == "unclear"
    assert "? before is open: ended by the load generator: chinwagd" in printed(found)


def test_what_ranks_nobody_is_no_change() -> None:
    """A storm that timed the kernel's timer in one of two runs, for one."""
    timed, served = cell([10, 11, 12]), cell([1, 1.1, 1.2])
    timed.notes.append(Note(code=QUEUE_OVERFLOWED))
    found = judged(timed, served)
    assert (found.kind, found.reason) == ("unclear", "before ranks nobody: its remarks say why")
    assert judged(served, timed).kind == "unclear"
    timed.notes.clear()
    assert judged(timed, served).kind == "worse"


@pytest.mark.parametrize(
    ("samples", "kind"),
    [
        (([10, 11, 12], [14, 15, 16]), "better"),
        (([14, 15, 16], [10, 11, 12]), "worse"),
        (([10, 11, 12], [12, 14, 15]), "same"),
        (([10, 11], [13, 14]), "same"),  # Too few to tell.
        (([10, 10.1], [13, 13.1]), "better"),
        (([10], [11.2]), "unclear"),
        (([10, 11, 12], []), "absent"),
        (([0, 11, 12], [13, 14, 15]), "unclear"),
        (([0, 0, 0], [0, 0, 0]), "same"),
        (([0], [0]), "same"),
        ((list(range(100, 110)), list(range(110, 120))), "better"),
        ((list(range(100, 110)), list(range(101, 111))), "same"),
    ],
)
def test_what_counts_as_a_change(samples: tuple[list[float], list[float]], kind: str) -> None:
    assert judged(cell(samples[0]), cell(samples[1])).kind == kind


def test_what_one_server_differs_from_itself_is_no_change() -> None:
    old, new = cell([10, 10.1, 10.2]), cell([10.5, 10.6, 10.7])
    assert judged(old, new).kind == "better"
    assert judged(old, new, aa=0.05).kind == "same"


def test_a_size_is_compared_though_measured_once() -> None:
    size = msgspec.structs.replace(RATE, unit="B", better="lower")
    assert judged(cell([10]), cell([10.9]), size).kind == "same"
    assert judged(cell([10]), cell([11.2]), size).kind == "worse"
    assert judged(cell([10]), cell([11.2]), size, aa=0.2).kind == "same"


def test_memory_measured_once_changes_by_more_than_it_moves_between_runs() -> None:
    memory = msgspec.structs.replace(RATE, unit="MB", better="lower")
    assert judged(cell([10]), cell([10.9]), memory).kind == "same"
    assert judged(cell([10]), cell([19.4]), memory).kind == "unclear"
    assert judged(cell([10]), cell([31]), memory).kind == "worse"


def test_of_many_cells_without_a_change_none_is_called_changed() -> None:
    rng = random.Random(5)

    def noise() -> list[float]:
        return [rng.lognormvariate(0, 0.1) for _ in range(3)]

    made = [
        difference(RATE, (cell(noise()), cell(noise())), aa_spread=0.0, rates=None, seed=1)
        for _ in range(300)
    ]
    assert min(one.p for one in made if one.p is not None) < 0.05
    assert not any(one.significant for one in decide(made, {RATE.id: RATE}))


def test_a_count_has_no_noise_and_a_row_without_direction_only_changes() -> None:
    count = msgspec.structs.replace(RATE, unit="", better="none")
    assert judged(cell([400]), cell([401]), count).kind == "changed"
    assert judged(cell([400]), cell([400]), count).kind == "same"


def test_what_one_fault_cost_is_no_exact_count() -> None:
    lost = msgspec.structs.replace(RATE, unit="", better="lower")
    assert judged(cell([4]), cell([416]), lost).kind == "unclear"
    assert judged(cell([0]), cell([0]), lost).kind == "same"


def judged_claim(name: str, kind: VerdictKind, within_noise: bool = False) -> Claim:
    verdict = Verdict(kind=kind, text="", within_noise=within_noise)
    place = {"id": name, "article": "A", "item": name, "lines": [(1, 1)]}
    return Claim(**place, statement=f"says {name}", kind="rule", verdict=verdict)


def test_another_verdict_is_a_change_where_both_runs_decide() -> None:
    before = [
        judged_claim("a", "holds"),
        judged_claim("b", "differs"),
        judged_claim("c", "holds"),
        judged_claim("d", "holds"),
        judged_claim("tested once", "holds"),
        judged_claim("of the articles alone", "opinion"),
    ]
    after = [
        judged_claim("a", "holds"),
        judged_claim("b", "holds", within_noise=True),
        judged_claim("c", "reversed"),
        judged_claim("d", "undecided"),
        judged_claim("tested once", "untested"),
        judged_claim("of the articles alone", "opinion"),
        judged_claim("new", "holds"),
    ]
    found = verdicts(before, after)
    assert found.summary() == (
        "statements: 1 of 4 with the same verdict, 2 undecided in one of the runs, 1 changed"
    )
    assert [one.claim for one in found.changes] == ["b", "c", "d"]
    assert [one.claim for one in found.decided] == ["c"]
    assert verdicts([], after).summary() == ""


def test_verdicts_stand_below_the_cells(before: Path, after: Path) -> None:
    found = compare(before, after)
    found.verdicts = verdicts([judged_claim("c", "holds")], [judged_claim("c", "reversed")])
    shown = printed(found, whole=False)
    assert shown.endswith("1 changed\n  c: says c: holds -> reversed\n")


def test_latencies_at_other_rates_are_not_compared() -> None:
    old, new = cell([1, 1, 1]), cell([2, 2, 2])
    found = difference(RATE, (old, new), aa_spread=0, rates=(20_000, 30_000), seed=1)
    assert (found.kind, found.reason) == ("unclear", "measured at 20,000 and 30,000 deliveries/s")


@pytest.mark.parametrize("row", ["common_rate", "max_connections_projected"])
def test_what_is_no_outcome_of_a_server_is_not_compared(row: str) -> None:
    chosen = msgspec.structs.replace(RATE, id=row)
    assert judged(cell([10, 10, 10]), cell([20, 20, 20]), chosen).kind == "unclear"


def test_what_else_differs_is_named(before: Path, after: Path) -> None:
    run = msgspec.json.decode((after / "run.json").read_bytes())
    run["machine"]["cpu"]["model"] = "Another CPU"
    run["columns"][2]["versions"]["go"] = "go2"
    run["columns"] = [column for column in run["columns"] if column["id"] != "rust"]
    change_run(after, run | {"profile": "full", "finished_at": None})
    warnings = compare(before, after).warnings
    assert "profile: quick against full" in warnings
    assert "machine.cpu.model: Example CPU @ 2.50GHz against Another CPU" in warnings
    assert "go: version of go: go1.26.8 against go2" in warnings
    assert "column rust is only in the first run" in warnings
    assert f"{run['id']} was not finished" in warnings


def test_it_fits_80_columns_and_obeys_no_color(
    before: Path, after: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(after, "throughput", faster)
    found = compare(before, after)
    assert max(map(len, printed(found).splitlines())) <= 80
    assert "better" in printed(found), "no word is cut"
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[32m" in printed(found, force_terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in printed(found, force_terminal=True)
