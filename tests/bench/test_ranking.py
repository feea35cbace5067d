"""Who wins, who ties, and what a bound may do."""

from __future__ import annotations

from chinwag_bench.judging.ranking import Entry, rank
from chinwag_bench.judging.stats import median
from chinwag_bench.records import Cell


def entry(
    column: str, *samples: float, leads: bool = True, lower: bool = False, upper: bool = False
) -> Entry:
    cell = Cell(
        row="r",
        column=column,
        value=median(samples),
        unit="",
        interval=(min(samples), max(samples)) if len(samples) > 1 else None,
        lower_bound=lower,
        upper_bound=upper,
    )
    return Entry(cell, dict(enumerate(samples, 1)), leads)


def flags(*entries: Entry, better: str = "higher", aa: float = 0.0) -> list[bool | None]:
    rank(entries, better, aa, seed=1)  # type: ignore[arg-type]
    return [entry.cell.tie_with_best for entry in entries]


def test_the_best_wins_and_a_beaten_cell_loses() -> None:
    assert flags(entry("a", 10, 11, 12), entry("b", 5, 6, 7)) == [True, False]
    assert flags(entry("a", 10, 11, 12), entry("b", 5, 6, 7), better="lower") == [False, True]


def test_what_changes_sides_between_rounds_is_a_tie() -> None:
    assert flags(entry("a", 10, 11, 12), entry("b", 11, 10, 11)) == [True, True]


def test_pairs_decide_even_where_intervals_overlap() -> None:
    # Each round b is 10 % below a, though the ranges overlap widely.
    assert flags(entry("a", 10, 20, 30), entry("b", 9, 18, 27)) == [True, False]


def test_aa_widens_ties() -> None:
    assert flags(entry("a", 10, 20, 30), entry("b", 9, 18, 27), aa=0.12) == [True, True]


def test_rows_without_a_better_side_are_not_ranked() -> None:
    assert flags(entry("a", 1, 2), entry("b", 5, 6), better="none") == [None, None]


def test_the_second_name_of_an_aa_cannot_lead() -> None:
    assert flags(entry("a", 10, 11), entry("a (again)", 12, 13, leads=False)) == [True, False]


def test_a_lower_bound_beyond_all_intervals_wins() -> None:
    assert flags(entry("a", 100, 101, 99, lower=True), entry("b", 5, 6, 7)) == [True, False]


def test_a_lower_bound_never_loses_or_ties() -> None:
    assert flags(entry("a", 5, 5, 5, lower=True), entry("b", 5, 6, 7)) == [None, True]
    assert flags(entry("a", 6.5, 6.5, 6.5, lower=True), entry("b", 5, 6, 7)) == [None, True]


def test_two_lower_bounds_have_no_order() -> None:
    first, second = entry("a", 100, 101, lower=True), entry("b", 300, 301, lower=True)
    third = entry("c", 5, 6)
    assert flags(first, second, third) == [None, None, False]
    assert "the order among bounds is not known" in first.cell.notes


def test_only_bounds() -> None:
    assert flags(entry("a", 9, 9, lower=True), entry("b", 5, 5, lower=True)) == [None, None]


def test_a_cell_that_a_winning_bound_does_not_reach_stays_open() -> None:
    wide = entry("b", 1, 6, 200)
    assert flags(entry("a", 50, 51, lower=True), entry("c", 7, 7.1, 7.2), wide)[2] is None


def test_an_upper_bound_of_a_latency_may_win() -> None:
    assert flags(entry("a", 1, 1.1, upper=True), entry("b", 5, 6), better="lower") == [True, False]
    assert flags(entry("a", 9, 9, upper=True), entry("b", 5, 6), better="lower") == [None, True]
