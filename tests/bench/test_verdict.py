"""Verdicts: reproduced, differs, impossible, not measurable; and the arithmetic behind them."""

from __future__ import annotations

import pytest
from chinwag_bench.judging.arithmetic import gbit, load_arithmetic, rate_arithmetic, stated_load
from chinwag_bench.judging.claims import all_claims
from chinwag_bench.judging.matrix import Cell, Note, Published
from chinwag_bench.judging.verdict import judge_figure

from .result_builder import made_cell


def cell(row: str, *rounds: float | tuple[float, float | None]) -> Cell:
    if not rounds:
        return Cell(row=row, column="x", unit="ms", reason=Note(code="not_in_run"))
    return made_cell(row, *rounds)


def figure(value: float | str, unit: str = "ms") -> Published:
    return Published(article="A", value=value, unit=unit)


def test_the_stated_load_by_hand() -> None:
    # 10,000 x 10 = 100,000 messages/s; half of them direct, half to 100 members each.
    load = stated_load()
    assert load.messages == 100_000
    assert load.deliveries == 50_000 + 5_000_000
    assert load.deliveries_per_message == 50.5
    assert load.bits == 5_050_000 * 1024 * 8 == 41_369_600_000
    assert load_arithmetic(load) == (
        "50,000 + 5,000,000 deliveries/s x 1,024 B x 8 = 41 Gbit/s over 1 Gbit/s"
    )


@pytest.mark.parametrize(
    ("rate", "reading", "fits", "shown"),
    [
        (142_000, "deliveries", False, "1.16 Gbit/s"),
        (128_000, "deliveries", False, "1.05 Gbit/s"),
        (120_000, "deliveries", True, "0.98 Gbit/s"),
        (142_000, "messages", False, "59 Gbit/s"),
    ],
)
def test_rates_against_the_stated_network(
    rate: float, reading: str, fits: bool, shown: str
) -> None:
    assert (stated := rate_arithmetic(stated_load(), rate, reading))[0] is fits
    assert shown in stated[1]


def test_gbit() -> None:
    assert [gbit(1e9), gbit(1.163e9), gbit(41.37e9)] == ["1 Gbit/s", "1.16 Gbit/s", "41 Gbit/s"]


def test_throughput_is_impossible_in_both_readings() -> None:
    quote = figure(142_000, "messages/s")
    as_messages = judge_figure(cell("throughput_messages", 2840.0), quote)
    assert as_messages.kind == "impossible"
    assert "100,000 messages/s were offered" in as_messages.text
    assert as_messages.factor == pytest.approx(0.02)
    as_deliveries = judge_figure(cell("throughput_deliveries", 284_000.0), quote)
    assert as_deliveries.kind == "impossible"
    assert as_deliveries.factor == 2
    assert "Read as deliveries" in as_deliveries.text


def test_a_rate_that_fits_is_compared() -> None:
    quote = figure(100_000, "messages/s")
    found = judge_figure(cell("throughput_deliveries", 95_000.0), quote)
    assert found.kind == "reproduced"


@pytest.mark.parametrize(
    ("sides", "kind"),
    [
        ((89.0, 89.0), "reproduced"),
        ((112.0, 112.0), "differs"),
        ((111.0, 111.0), "reproduced"),
        ((71.3, 71.3), "reproduced"),
        ((71.0, 71.0), "differs"),
        ((50.0, 80.0), "reproduced"),
        ((55.0, 70.0), "differs"),
        ((0.0, 500.0), "reproduced"),
    ],
)
def test_the_tolerance_is_a_factor_around_the_pair(sides: tuple[float, float], kind: str) -> None:
    found = judge_figure(cell("common_p99", sides), figure(89))
    assert found.kind == kind
    assert found.factor == pytest.approx(sides[1] / 89)


def test_rounds_outside_the_pair_of_medians_reproduce_nothing() -> None:
    assert judge_figure(cell("common_p99", 10.0, 11.0, 89.0), figure(89)).kind == "differs"


@pytest.mark.parametrize(
    ("value", "quote", "kind"),
    [(0.7, "<1", "reproduced"), (3.0, "<1", "differs"), (4.0, "1-10", "reproduced")],
)
def test_published_ranges(value: float, quote: str, kind: str) -> None:
    assert judge_figure(cell("common_p99", value), figure(quote)).kind == kind


def test_memory_per_connection_becomes_megabytes_per_ten_thousand() -> None:
    # 2 KB x 10,000 = 20 MB.
    quote = figure("~2KB", "per connection")
    assert judge_figure(cell("memory_joined", 21.0), quote).kind == "reproduced"
    differs = judge_figure(cell("memory_joined", 153.0), quote)
    assert (differs.kind, differs.factor) == ("differs", pytest.approx(7.65))
    at_least = figure("~100KB+", "per connection")
    assert judge_figure(cell("memory_joined", 4000.0), at_least).kind == "reproduced"


def test_a_latency_known_between_two_sides_can_meet_a_published_range() -> None:
    # Three rounds of 3.45, 5.8 and 10.0 ms, of which the generator's lags may be a part.
    met = judge_figure(cell("common_p99", (2.1, 3.45), (2.9, 5.8), (5.4, 10.0)), figure("1-10"))
    assert met.kind == "reproduced"
    assert judge_figure(cell("common_p99", (2.9, 5.8)), figure("<1")).kind == "differs"


def test_an_open_rate_can_refute_but_not_confirm() -> None:
    bound = cell("throughput_deliveries", (50_000.0, None))
    assert judge_figure(bound, figure(10_000)).kind == "differs"
    above = judge_figure(bound, figure(80_000))
    assert (above.kind, above.may_agree) == ("not_measurable", True)


def test_one_cut_round_of_three_leaves_the_cell_closed() -> None:
    found = cell("throughput_deliveries", (76_000.0, None), 87_900.0, 93_000.0)
    assert (found.low, found.high) == (87_900.0, 93_000.0)
    assert judge_figure(found, figure(120_000)).kind == "differs"


def test_a_maximum_that_the_cap_ended_leaves_the_published_one_open() -> None:
    found = judge_figure(cell("max_connections", (19_500.0, None)), figure(1_210_000))
    assert found.kind == "not_measurable"
    assert "the true value may agree" in found.text
    assert "10,000 connections" in found.text
    refused = cell("max_connections", 19_500.0)
    assert judge_figure(refused, figure(1_210_000, "connections")).kind == "differs"


def test_without_a_value_nothing_is_compared() -> None:
    found = judge_figure(cell("common_p99"), figure(89))
    assert (found.kind, found.may_agree) == ("not_measurable", False)


@pytest.mark.parametrize("row", ["learning", "fault_recovery", "cpu_at_n"])
def test_what_this_version_cannot_compare(row: str) -> None:
    assert judge_figure(cell(row, 8.0), figure(8)).kind == "not_measurable"


def test_claims_by_hand() -> None:
    found = {claim.id: claim.verdict for claim in all_claims()}
    assert {name: verdict.kind for name, verdict in found.items()} == {
        "load": "impossible",  # 41 Gbit/s over 1 Gbit/s
        "connections-go": "reproduced",  # 1,210,000 / 992,000 = 1.2198
        "connections-rust": "reproduced",  # 1,210,000 / 857,000 = 1.4119
        "p99-go-rust": "reproduced",  # 1 - 112 / 987 = 0.8865
        "memory-rust": "differs",  # 1 - 12 / 22 = 0.4545, not 0.47
        "memory-elixir": "differs",  # 22 / 19 = 1.158 and 22 / 12 = 1.833, not 1.40
        "case-rust-memory": "reproduced",  # 200,000 x 12 MB / 10,000 = 240 MB
        "case-rust-p99": "differs",  # 9 ms is the table's p50
        "p99-elixir": "differs",  # 89 ms against < 1 ms
    }
    assert "-45.5 %" in found["memory-rust"].text
    assert "16 % against Go, 83 % against Rust" in found["memory-elixir"].text
    assert "= 240 MB" in found["case-rust-memory"].text
