"""Who wins and who ties, by the sides of each round."""

from __future__ import annotations

import random

import pytest
from chinwag_bench.judging.bounds import Bounds
from chinwag_bench.judging.matrix import Note
from chinwag_bench.judging.ranking import Entry, is_ahead, rank, threshold

from .result_builder import Side, made_cell


def entry(column: str, *rounds: float | Side, leads: bool = True) -> Entry:
    pairs = [r if isinstance(r, tuple) else (r, r) for r in rounds]
    sides = {
        number: Bounds(low, float("inf") if high is None else high)
        for number, (low, high) in enumerate(pairs, 1)
    }
    return Entry(made_cell("r", *rounds, column=column, unit="1/s"), sides, leads)


def flags(*entries: Entry, better: str = "higher", apart: float = 1.01) -> list[bool | None]:
    rank(entries, better, apart)  # type: ignore[arg-type]
    return [entry.cell.tie_with_best for entry in entries]


def test_the_best_wins_and_a_beaten_cell_loses() -> None:
    assert flags(entry("a", 10, 11, 12), entry("b", 5, 6, 7)) == [True, False]
    assert flags(entry("a", 10, 11, 12), entry("b", 5, 6, 7), better="lower") == [False, True]


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_who_has_a_round_without_a_value_is_ahead_of_nobody(better: str) -> None:
    """In it somebody never heard again, or no rate was sustained: that is worse than any value."""
    best, other = entry("a", 10, 11), entry("b", 5, 6, 7)
    if better == "lower":
        best, other = entry("a", 5, 6), entry("b", 10, 11, 12)
    best.cell.notes.append(Note(code="rounds_without_value", args={"missing": 1, "used": 3}))
    assert flags(best, other, better=better) == [True, True]
    other.cell.notes, best.cell.notes = best.cell.notes, []
    assert flags(best, other, better=better) == [True, False], "the other may still be beaten"


def test_what_changes_sides_between_rounds_is_a_tie() -> None:
    assert flags(entry("a", 10, 11, 12), entry("b", 11, 10, 11)) == [True, True]


def test_rounds_that_overlap_are_a_tie() -> None:
    """Though b is behind in each: what is printed has to show it."""
    assert flags(entry("a", 10, 20, 30), entry("b", 9, 18, 27)) == [True, True]
    assert flags(entry("a", 10, 20, 30), entry("b", 9, 9.5, 9.8)) == [True, False]


def test_rounds_wholly_apart_by_more_than_one_server_from_itself_are_no_tie() -> None:
    wide, far = entry("wide", 1_300, 1_300, 1_680), entry("far", 204, 355, 680)
    assert flags(wide, far, apart=1.24) == [True, False]
    assert flags(wide, far, apart=1.92) == [True, True]
    assert flags(far, wide, better="lower", apart=1.24) == [True, False]


def test_whose_value_is_behind_a_beaten_one_s_is_not_best_for_rounds_that_lie_far_apart() -> None:
    first, beaten, restless = entry("a", 7, 7, 7), entry("b", 8, 8, 8), entry("c", 7, 12, 16)
    assert flags(first, beaten, restless, better="lower") == [True, False, None]
    high, low = entry("a", 24, 51, 60), entry("b", 13, 13, 14)
    assert flags(high, low, entry("c", 1, 10, 28)) == [True, False, None]
    assert flags(high, low, entry("c", 1, 14, 28)) == [True, False, True]


def test_a_row_s_threshold_is_what_one_server_was_of_itself_either_way() -> None:
    several, once = [entry("a", 1, 2)], [entry("a", 1)]
    assert threshold([0.5, 1.2], several) == 2.0
    assert threshold([0.9, 1.2], several) == 1.2
    assert threshold([1.0, 1.0], several) == pytest.approx(1.01)
    assert threshold([1.0, 1.02], once) == pytest.approx(1.1)
    assert threshold(None, several) == pytest.approx(1.1)


def test_a_single_round_needs_more_than_the_noise() -> None:
    assert flags(entry("a", 10), entry("b", 9.5)) == [True, True]
    assert flags(entry("a", 10), entry("b", 8.5)) == [True, False]
    assert flags(entry("a", 10), entry("b", 8.5), apart=1.3) == [True, True]


def test_rows_without_a_better_side_are_not_ranked() -> None:
    assert flags(entry("a", 1, 2), entry("b", 5, 6), better="none") == [None, None]


def test_the_second_name_of_an_aa_cannot_lead() -> None:
    assert flags(entry("a", 10, 11), entry("a (again)", 12, 13, leads=False)) == [True, True]
    assert flags(entry("a", 10, 11), entry("a (again)", 5, 6, leads=False)) == [True, False]


def test_an_open_rate_beyond_all_others_wins() -> None:
    open_ended = entry("a", (100, None), (101, None), (99, None))
    assert flags(open_ended, entry("b", 5, 6, 7)) == [True, False]


def test_one_cut_round_does_not_leave_the_lead_open() -> None:
    fast = entry("a", (1_600, None), (1_400, None), (1_780, None))
    cut_once = entry("b", (76, None), 88, 93)
    assert flags(fast, cut_once) == [True, False]


CUT = (50, None), (51, None), (52, None)


def test_beside_a_column_cut_in_every_round_nobody_is_best() -> None:
    """It may do twice as much as the one that met its limit."""
    assert flags(entry("a", 100, 101, 99), entry("b", *CUT)) == [None, None]
    assert flags(entry("a", 100, 101, 99), entry("b", *CUT), entry("c", 5, 6, 7)) == [
        None,
        None,
        False,
    ]


def test_of_two_open_rates_neither_may_be_called_best() -> None:
    low, high = entry("a", (100, None), (101, None)), entry("b", (300, None), (301, None))
    assert flags(low, high, entry("c", 5, 6)) == [None, None, False]


def test_the_only_one_that_met_a_limit_is_not_best_for_that() -> None:
    """Of a single round each: within 10 % of the one that showed most, and below another."""
    shown = {"a": 523, "b": 468, "c": 415, "d": 120}
    cut = [entry(name, (rate, None)) for name, rate in shown.items()]
    assert flags(*cut, entry("closed", 480)) == [None] * 5


def test_beside_one_open_rate_that_showed_most_a_closed_one_may_be_far_behind() -> None:
    assert flags(entry("a", (523, None)), entry("closed", 500), entry("c", 300)) == [
        True,
        None,
        False,
    ]


def test_the_second_name_of_an_aa_leaves_nobody_s_place_open() -> None:
    again = entry("b (again)", (50, None), (51, None), leads=False)
    assert flags(entry("a", 100, 101), entry("b", 80, 81), again) == [True, False, None]


def test_who_is_behind_an_open_row_is_so_by_at_least_that() -> None:
    loser = entry("c", 50, 51)
    assert flags(entry("a", 100, 101), entry("b", (90, None), (91, None)), loser)[2] is False
    assert loser.cell.behind is not None and loser.cell.behind.at_least


def test_latencies_whose_sides_overlap_are_a_tie() -> None:
    first = entry("a", (1.0, 3.0), (1.1, 3.1), (0.9, 2.9))
    second = entry("b", (2.0, 4.0), (2.1, 4.1), (1.9, 3.9))
    third = entry("c", (5.0, 6.0), (5.1, 6.1), (4.9, 5.9))
    assert flags(first, second, third, better="lower") == [True, True, False]


def test_a_search_s_step_is_no_difference() -> None:
    cell = made_cell("r", 100, 100, 100, unit="1/s")
    cell.interval = (100, 115)
    coarse = Entry(cell, {number: Bounds(100, 100, step_end=115) for number in (1, 2, 3)})
    assert flags(coarse, entry("b", 110, 110, 110)) == [True, True]
    assert flags(coarse, entry("b", 120, 120, 120)) == [False, True]


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_nobody_is_beaten_by_somebody_who_could_be_worse(better: str) -> None:
    rng = random.Random(20261126)
    beaten = 0
    for _ in range(500):
        entries = [_random_entry(str(column), rng) for column in range(rng.randint(2, 7))]
        rank(entries, better, rng.choice([1.01, 1.05]))  # type: ignore[arg-type]
        unbeaten = [one.cell for one in entries if one.cell.tie_with_best is not False]
        is_open = better == "higher" and any(cell.is_open for cell in unbeaten)
        sign = 1 if better == "higher" else -1
        lost = [sign * (e.cell.value or 0.0) for e in entries if e.cell.tie_with_best is False]
        told = [one for one in unbeaten if sign * (one.value or 0.0) >= max(lost, default=-1e9)]
        assert is_open or (all(cell.tie_with_best for cell in told) and told)
        for loser in (one for one in entries if one.cell.tie_with_best is False):
            beaten += 1
            sure = [is_ahead(one, loser, better, 1.0) for one in entries]  # type: ignore[arg-type]
            ahead = [one for one, is_sure in zip(entries, sure, strict=True) if is_sure]
            assert ahead
            for winner in ahead:
                if better == "higher":
                    assert winner.ends[0] > loser.ends[1]
                else:
                    assert winner.ends[1] < loser.ends[0]
    assert beaten > 100, "the rows are too tame to prove anything"


def rows_with_somebody_beaten(rates: list[float], noise: float, rounds: int = 3) -> float:
    """Share of 200 rows; what a round does to all is drawn, too, and a second measurement of the
    first server, which gives the threshold.
    """
    rng = random.Random(20261126)
    found = 0
    for _ in range(200):
        of_round = [rng.lognormvariate(0, noise) for _ in range(rounds)]
        drawn = [
            [rate * each * rng.lognormvariate(0, noise) for each in of_round]
            for rate in [rates[0], *rates]
        ]
        ratios = [again / first for again, first in zip(drawn[0], drawn[1], strict=True)]
        entries = [entry(str(n), *own) for n, own in enumerate(drawn[1:])]
        apart = threshold([min(ratios), max(ratios)], entries)
        found += False in flags(*entries, apart=apart)
    return found / 200


@pytest.mark.parametrize("columns", [2, 10, 16])
def test_of_equal_servers_hardly_ever_one_is_called_beaten(columns: int) -> None:
    """However many there are: the more, the further apart the luckiest and the unluckiest."""
    assert rows_with_somebody_beaten([100.0] * columns, noise=0.1) < 0.12


def test_servers_further_apart_than_noise_are_told_apart() -> None:
    assert rows_with_somebody_beaten([100.0] * 9 + [40.0], noise=0.1) > 0.95
    assert rows_with_somebody_beaten([100.0] * 9 + [90.0], noise=0.01) > 0.95


def test_a_restless_server_is_told_from_nobody_within_its_rounds() -> None:
    calm = [entry(str(n), rate, rate * 1.01, rate * 0.99) for n, rate in enumerate((100, 80, 60))]
    restless = entry("restless", 90, 30, 300)
    assert flags(*calm, restless) == [True, False, False, True]


def _random_entry(column: str, rng: random.Random) -> Entry:
    middle = rng.choice([1.0, 1.1, 2.0, 10.0])
    rounds: list[float | Side] = []
    for _ in range(rng.choice([1, 3, 9])):
        low = middle * rng.uniform(0.8, 1.25)
        rounds.append((low, rng.choice([low, low, low * 1.5, None])))
    return entry(column, *rounds)


def behind(*entries: Entry, better: str = "higher") -> list[tuple[str, float, bool] | None]:
    rank(entries, better, 1.01)  # type: ignore[arg-type]
    found = [entry.cell.behind for entry in entries]
    return [one and (one.best, pytest.approx(one.factor), one.at_least) for one in found]


def test_the_beaten_are_behind_by_the_rounds_that_lie_nearest() -> None:
    assert behind(entry("a", 12, 15), entry("b", 5, 6)) == [None, ("a", 2.0, False)]
    assert behind(entry("a", 2, 3), entry("b", 6, 7), better="lower") == [None, ("a", 2.0, False)]
    assert behind(entry("a", (12, 15), (13, 15)), entry("b", (4, 6), (4, 5))) == [
        None,
        ("a", 2.0, False),
    ]


def test_the_best_s_worst_round_counts_not_its_median() -> None:
    """Of two that are tied the steadier one tells how far behind a third is for certain."""
    restless, steady = entry("restless", 100, 190, 200), entry("steady", 150, 151, 152)
    assert behind(restless, steady, entry("c", 60, 75))[2] == ("steady", 2.0, False)


def test_an_open_lead_is_a_factor_of_at_least() -> None:
    assert behind(entry("a", (12, None), (12, None)), entry("b", 6, 6)) == [None, ("a", 2.0, True)]


def test_nobody_is_so_many_times_worse_than_nothing() -> None:
    assert behind(entry("a", 0, 0), entry("b", 6, 6), better="lower") == [None, None]
    assert behind(entry("a", 10, 11, 12), entry("b", 11, 10, 11)) == [None, None], "a tie"
