"""Verdicts, from cells that are known: each kind, the tolerance, and what noise would change."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from chinwag_bench.claims import catalog as catalogs
from chinwag_bench.claims.catalog import Catalog, Statement
from chinwag_bench.claims.judged import judge_of
from chinwag_bench.claims.load import stated_load
from chinwag_bench.judging.matrix import Cell, Note, Verdict

from .result_builder import made_cell

CATALOG = Catalog(
    articles={"A": catalogs.Article(title="A", lines=9)},
    columns=["go", "rust"],
    facts={"bits": catalogs.Fact(value=8, says="bits of a byte")},
    remarks={"load": "The loads differ."},
    claim=[],
)


def cell(row: str, *rounds: float | tuple[float, float | None], column: str = "go") -> Cell:
    if not rounds:
        return Cell(row=row, column=column, unit="ms", reason=Note(code="not_in_run"))
    return made_cell(row, *rounds, column=column)


def verdict(*cells: Cell, **claim: object) -> Verdict:
    given = {"id": "A1", "lines": [(1, 1)], "says": "x", "kind": "figure", "untested": "Later."}
    statement = msgspec.convert({**given, **claim}, type=Statement)
    catalog = msgspec.structs.replace(CATALOG, claim=[statement])
    return judge_of(catalog, cells).verdict(statement)


def twice(sides: float | tuple[float, float]) -> list[float | tuple[float, float]]:
    """Two rounds that agree: a single one would have 10 % for its noise."""
    return [sides, sides]


def by_p99(published: float | str, *rounds: float | tuple[float, float | None]) -> Verdict:
    return verdict(cell("common_p99", *rounds), published=published, readings=["common_p99[go]"])


def test_the_stated_load_by_hand() -> None:
    # 10,000 x 10 = 100,000 messages/s; half of them direct, half to 100 members each.
    load = stated_load()
    assert (load.connections, load.messages) == (10_000, 100_000)
    assert load.deliveries == 50_000 + 5_000_000


@pytest.mark.parametrize(
    ("sides", "kind"),
    [
        ((89.0, 89.0), "holds"),
        ((112.0, 112.0), "differs"),
        ((111.0, 111.0), "holds"),
        ((71.3, 71.3), "holds"),
        ((71.0, 71.0), "differs"),
        ((50.0, 80.0), "holds"),
        ((55.0, 70.0), "differs"),
        ((0.0, 500.0), "undecided"),
    ],
)
def test_the_tolerance_is_a_factor_around_the_pair(sides: tuple[float, float], kind: str) -> None:
    found = by_p99(89, *twice(sides))
    assert found.kind == kind
    assert found.factor == pytest.approx(sides[1] / 89)
    assert found.measured == sides


@pytest.mark.parametrize(
    ("published", "sides", "kind"),
    [
        ("<1", (1.03, 1.18), "differs"),
        ("<1", (0.9, 1.18), "holds"),
        (1, (1.03, 1.18), "holds"),
        ("1-10", (4.0, 4.0), "holds"),
        ("1-10", (2.9, 5.8), "holds"),
    ],
)
def test_a_figure_that_is_a_limit_allows_no_tolerance(
    published: float | str, sides: tuple[float, float], kind: str
) -> None:
    assert by_p99(published, *twice(sides)).kind == kind


def test_memory_per_connection_becomes_megabytes_per_ten_thousand() -> None:
    # 2 KB x 10,000 = 20 MB.
    def by_memory(published: str, megabytes: float) -> Verdict:
        return verdict(
            cell("memory_joined", megabytes, megabytes),
            published=published,
            per=0.01,
            measured_per=10,
            readings=["memory_joined[go]"],
        )

    assert by_memory("~2KB", 21.0).kind == "holds"
    found = by_memory("~2KB", 153.0)
    assert (found.kind, found.factor) == ("differs", pytest.approx(7.65))
    assert found.measured == (pytest.approx(15.3), pytest.approx(15.3)), "KB beside KB"
    assert by_memory("~100KB+", 4000.0).kind == "holds"
    assert by_memory("~100KB+", 999.0).kind == "differs"


def test_the_rounds_say_whether_the_verdict_is_within_noise() -> None:
    quiet = by_p99(89, 10.0, 11.0, 12.0)
    assert (quiet.kind, quiet.within_noise) == ("differs", False)
    spread = by_p99(89, 10.0, 11.0, 89.0)
    assert (spread.kind, spread.within_noise) == ("undecided", True)
    assert spread.text == (
        "Measured is 0.12 x the published figure. By the medians it differs; noise allows both "
        "(10.0 to 89.0 with noise)."
    )


def test_one_round_has_ten_percent_for_its_noise() -> None:
    # 100 x 1.25 = 125; 130 / 1.1 = 118 may hold, 150 / 1.1 = 136 does not.
    assert [by_p99(100, value).within_noise for value in (130.0, 150.0)] == [True, False]


def test_what_one_server_differs_from_itself_is_noise() -> None:
    claim = Statement(
        id="A1", lines=[(1, 1)], says="x", kind="figure", untested="Later.",
        published=100, readings=["common_p99[go]"],
    )  # fmt: skip
    catalog = msgspec.structs.replace(CATALOG, claim=[claim])
    cells = [cell("common_p99", 149.0, 150.0, 151.0)]
    found = [
        judge_of(catalog, cells, aa={"range": itself}).verdict(claim).within_noise
        for itself in ({}, {"common_p99": (0.9, 1.1)}, {"common_p99": (0.7, 1.1)})
    ]
    assert found == [False, False, True]


@pytest.mark.parametrize(
    ("go", "rust", "kind"),
    [
        (200.0, 100.0, "holds"),
        (50.0, 100.0, "reversed"),
        (400.0, 100.0, "differs"),
        (120.0, 100.0, "differs"),
        ((105.0, 250.0), 100.0, "holds"),
        ((90.0, 250.0), 100.0, "undecided"),
    ],
)
def test_a_ratio_is_another_number_or_on_the_other_side_of_one(
    go: float | tuple[float, float], rust: float, kind: str
) -> None:
    found = verdict(
        cell("memory_joined", *twice(go)),
        cell("memory_joined", *twice(rust), column="rust"),
        kind="relation",
        published=2.0,
        readings=["memory_joined[go] / memory_joined[rust]"],
    )
    assert found.kind == kind


@pytest.mark.parametrize(
    ("go", "kind"), [(90.0, "holds"), (110.0, "reversed"), ((90.0, 110.0), "undecided")]
)
def test_a_comparison_of_servers_holds_is_reversed_or_stays_open(
    go: float | tuple[float, float], kind: str
) -> None:
    cells = (cell("memory_joined", *twice(go)), cell("memory_joined", *twice(100.0), column="rust"))
    assert verdict(*cells, test="memory_joined[go] < memory_joined[rust]").kind == kind


def test_a_comparison_with_a_number_differs_by_a_factor() -> None:
    found = verdict(cell("memory_joined", 139.0), test="memory_joined[go] < 15")
    assert (found.kind, found.factor) == ("differs", pytest.approx(139 / 15))


def test_a_measurement_that_ended_early_is_not_at_this_size() -> None:
    cells = (cell("max_connections", (19_500.0, None)), cell("max_connections_projected", 1.1e6))
    claim = {
        "published": 1_210_000,
        "readings": ["max_connections[go]"],
        "needs": "It takes 32 GB.",
        "projection": "max_connections_projected[go]",
        "unit": "connections",
    }
    found = verdict(*cells, **claim)
    assert found.kind == "too_small"
    assert "It takes 32 GB. Projected, not measured: 1,100,000 connections, which would agree" in (
        found.text
    )
    claim["published"] = 5_000_000
    assert "which would not agree" in verdict(*cells, **claim).text
    claim["published"] = 10_000
    assert verdict(*cells, **claim).kind == "differs", "an open value refutes what is below it"
    ended = cell("max_connections", 19_500.0)
    claim["published"] = 1_210_000
    assert verdict(ended, **claim).kind == "differs", "the server itself was the limit"


def test_a_comparison_beyond_this_machine_is_not_at_this_size() -> None:
    claim = {"test": "max_connections[go] >= 100000", "needs": "It takes ports."}
    assert verdict(cell("max_connections", (19_500.0, None)), **claim).kind == "too_small"
    assert verdict(cell("max_connections", 19_500.0), **claim).kind == "differs"
    assert verdict(cell("max_connections", (200_000.0, None)), **claim).kind == "holds"


def test_a_sum_of_the_article_goes_before_what_was_measured() -> None:
    claim = {
        "published": 100,
        "readings": ["common_p99[go]"],
        "because": "{said[A1] * fact.bits} bits.",
        "kinder": "Over a wider network it fits.",
    }
    measured = cell("common_p99", 50.0)
    found = verdict(measured, sum="said[A1] * fact.bits <= 799", **claim)
    assert found.kind == "impossible"
    assert found.text == "800 bits. Over a wider network it fits. Measured: 0.5 x that figure."
    assert verdict(measured, sum="said[A1] * fact.bits <= 800", **claim).kind == "differs"


def test_a_sum_alone_measures_nothing() -> None:
    found = verdict(sum="fact.bits <= 8", because="{fact.bits} bits.")
    assert found.kind == "holds"
    assert found.text == "8 bits. Right by this sum, which measures nothing."
    assert verdict(sum="fact.bits <= 7").kind == "impossible"


def test_the_kindest_reading_counts_and_one_that_is_missing_says_nothing() -> None:
    claim = {"published": 100, "readings": ["common_p99[go]", "broadcast_p99[go]"]}
    near, far = cell("broadcast_p99", 101.0), cell("common_p99", 10.0)
    assert verdict(far, near, **claim).kind == "holds"
    assert verdict(far, cell("broadcast_p99"), **claim).kind == "differs"


def test_without_a_value_nothing_is_compared() -> None:
    found = verdict(cell("common_p99"), published=89, readings=["common_p99[go]"])
    assert found.kind == "untested"
    assert found.text == "Later. Here go has no value in common_p99."
    assert verdict(published=89, readings=["common_p99[go]"]).text == (
        "Later. Here this run has no common_p99 of go."
    )
    assert verdict(test="common_p99[go] < 1").kind == "untested"


@pytest.mark.parametrize(
    ("claim", "kind", "text"),
    [
        ({"kind": "opinion"}, "opinion", ""),
        ({"kind": "no_claim"}, "no_claim", ""),
        ({"kind": "setup"}, "no_claim", "Taken as the article tells it."),
        ({"source": "none"}, "no_source", "The article does not say where this comes from."),
        ({"source": "none", "because": "Of {fact.bits}."}, "no_source", "Of 8."),
        ({"remark": "load"}, "untested", "Later. The loads differ."),
    ],
)
def test_what_is_not_measured_says_so(claim: dict[str, str], kind: str, text: str) -> None:
    found = verdict(**claim)
    assert (found.kind, found.text) == (kind, text)


def ratio(
    go: list[float], rust: list[float], published: float, again: Sequence[float] = (), **aa: object
) -> Verdict:
    claim = Statement(
        id="A1", lines=[(1, 1)], says="x", kind="relation", untested="Later.", unit="times",
        published=published, readings=["common_p99[go] / common_p99[rust]"],
    )  # fmt: skip
    catalog = msgspec.structs.replace(CATALOG, claim=[claim])
    cells = [cell("common_p99", *go), cell("common_p99", *rust, column="rust")]
    if again:
        cells.append(cell("common_p99", *again, column="go (again)"))
        aa["pairs"] = [{"column": "go", "again": "go (again)"}]
    return judge_of(catalog, cells, aa=aa).verdict(claim)


@pytest.mark.parametrize("published", [1.05, 1.17, 1.25])
def test_a_relation_with_the_other_sign_never_holds(published: float) -> None:
    """0.96 is within a factor of 1.25 of all of them, and says the opposite."""
    assert ratio([96.0, 96.0], [100.0, 100.0], published).kind == "reversed"
    assert ratio([96.0, 102.0], [100.0, 101.0], published).kind == "undecided"


def test_a_relation_that_may_be_none_is_not_told_apart() -> None:
    found = ratio([80.0, 117.0, 118.0], [100.0, 100.0, 100.0], 0.9)
    assert (found.kind, found.within_noise) == ("undecided", True)
    assert found.text == (
        "Measured: 1.17 times, published: 0.9. By the medians it is reversed; noise allows both "
        "(0.800 to 1.18 with noise)."
    )
    assert found.interval == (pytest.approx(0.8), pytest.approx(1.18))


def test_what_noise_can_t_explain_differs_even_if_its_sign_is_not_known() -> None:
    found = ratio([98.0, 108.0, 109.0], [100.0, 100.0, 100.0], 0.53)
    assert (found.kind, found.within_noise) == ("differs", True)
    assert "Measured: 1.08 times, published: 0.53." in found.text
    assert "not told apart (0.980 to 1.09 with noise)" in found.text


def test_an_interval_has_what_a_second_measurement_of_the_same_server_showed() -> None:
    rounds = [600.0, 650.0, 700.0], [100.0, 100.0, 100.0]
    assert ratio(*rounds, 0.11).interval == (pytest.approx(6), pytest.approx(7))
    found = ratio(*rounds, 0.11, again=[440.0, 500.0, 550.0])
    assert (found.kind, found.interval) == ("reversed", (pytest.approx(4.4), pytest.approx(7)))


def test_of_two_values_that_are_compared_each_has_the_root_of_the_noise() -> None:
    """That is of two measurements: applied to both of them it would count twice."""
    found = ratio([200.0, 200.0], [100.0, 100.0], 2.0, range={"common_p99": (0.64, 1.2)})
    assert found.interval == (pytest.approx(2 * 0.64), pytest.approx(2 / 0.64))


def test_the_noise_of_a_delay_that_was_not_measured_twice_is_that_of_one_that_was() -> None:
    cells = [cell("broadcast_p99", 20.0, 20.0), cell("storm", 20.0, 20.0)]
    rounds = judge_of(CATALOG, cells, aa={"range": {"common_p99": (0.5, 1.1)}}).rounds
    assert rounds.cell("broadcast_p99", "go").pair == (10, 40)
    assert rounds.cell("storm", "go").pair == (20, 20)


def test_below_what_is_resolved_a_figure_is_only_bounded() -> None:
    found = by_p99(12, *twice((0.0, 10.3)))
    assert found.kind == "undecided"
    assert found.text == "Measured: at most 10.3, which is all that can be told."
    assert by_p99(1200, *twice((0.0, 10.3))).kind == "differs"
    assert by_p99("<100", *twice((0.0, 10.3))).kind == "holds", "a bound keeps a limit"


def test_code_that_does_not_do_what_is_said_is_no_impossible_figure() -> None:
    claim = {"kind": "listing", "works": "fact.bits <= 7", "because": "{fact.bits} bits."}
    assert (verdict(**claim).kind, verdict(**claim).text) == ("faulty", "8 bits.")
    fine = verdict(**{**claim, "works": "fact.bits <= 8"})
    assert (fine.kind, fine.text) == ("holds", "8 bits. By reading, which measures nothing.")


def test_a_figure_in_words_has_no_multiple() -> None:
    claim = {"published": "yes", "test": "cores_2_used[go] > 1.5", "readings": ["cores_2_used[go]"]}
    found = verdict(cell("cores_2_used", *twice(1.8)), **claim)
    assert (found.kind, found.factor, found.measured) == ("holds", None, (1.8, 1.8))


def test_where_two_rows_may_be_meant_the_other_one_s_verdict_is_told() -> None:
    other = {
        "memory_after_rest": catalogs.OtherRow(row="memory_joined", means="after a rest"),
        "memory_joined": catalogs.OtherRow(row="memory_after_rest", means="of joined ones"),
    }
    claim = Statement(
        id="A1", lines=[(1, 1)], says="x", kind="figure", untested="Later.",
        published=100, readings=["memory_after_rest[go]"],
    )  # fmt: skip
    catalog = msgspec.structs.replace(CATALOG, claim=[claim], other_rows=other)

    def said(joined: float) -> str:
        cells = [cell("memory_after_rest", *twice(100.0)), cell("memory_joined", *twice(joined))]
        return judge_of(catalog, cells).verdict(claim).text

    assert said(101.0).endswith("Memory is that after a rest.")
    assert said(300.0).endswith(
        "Memory is that after a rest; by that of joined ones it differs: 300."
    )
