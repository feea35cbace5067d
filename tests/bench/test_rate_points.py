"""What single holds say of a rate: carried, refused, or nothing; and what follows for a load."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.judging.advice import advise, known_within, table
from chinwag_bench.judging.bounds import Bounds
from chinwag_bench.judging.evidence import load
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Matrix, RatePoint
from chinwag_bench.judging.rate_points import (
    bracket,
    highest_rate,
    highest_rates,
    ladder,
    looked_near,
    of_column,
    over_rounds,
)
from chinwag_bench.judging.rules import Rules
from chinwag_bench.judging.searches import (
    breaks,
    ended_by,
    highest_unrefuted,
    of_search,
    point_of,
    result_of,
    steps_of,
)
from chinwag_bench.judging.sustained import DEFAULTS, SustainedLimits
from chinwag_bench.metrics.throughput import Throughput
from chinwag_bench.records import Step
from chinwag_bench.render import headline

from .result_builder import build, hold

REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"
LIMIT_MS = 10.0
RULES = Rules(DEFAULTS, generator_cores=1, server_cores=1)


def point(
    rate: float, p99_ms: float, *, kept: bool = True, index: int = 1, hold_s: float = 1.5
) -> RatePoint:
    return RatePoint(
        column="x",
        round=index,
        deliveries_per_s=rate,
        p50_ms=p99_ms / 3,
        p99_ms=(p99_ms * 0.9, p99_ms),
        kept=kept,
        by_server=not kept,
        messages=1000,
        hold_s=hold_s,
        cpu_us_per_delivery=None,
    )


def test_a_rate_lies_between_the_hold_that_kept_it_and_the_next_that_did_not() -> None:
    found = bracket([point(100, 3), point(200, 5), point(400, 60)], LIMIT_MS)
    assert found == Bounds(200, 400)


def test_a_step_of_the_search_is_as_near_as_a_rate_is_known() -> None:
    found = bracket([point(200, 5), point(230, 60)], LIMIT_MS)
    assert found == Bounds(200, 200, step_end=230)
    assert found.reach == 230


def test_without_a_hold_that_did_not_keep_it_the_rate_is_open_above() -> None:
    assert bracket([point(200, 5)], LIMIT_MS) == Bounds(200, math.inf)


def test_without_a_hold_that_kept_it_only_what_is_too_much_is_known() -> None:
    assert bracket([point(200, 50)], LIMIT_MS) == Bounds(0, 200)
    assert bracket([], LIMIT_MS) is None


def test_a_rate_counts_as_it_was_delivered() -> None:
    late = point(200, 5)
    late.delivered_per_s = 194.0
    assert bracket([late, point(400, 60)], LIMIT_MS) == Bounds(194, 400)


def test_a_hold_of_less_than_a_second_keeps_no_limit() -> None:
    assert bracket([point(100, 4), point(200, 5, hold_s=0.7)], LIMIT_MS) == Bounds(100, math.inf)


def test_a_delay_that_may_be_the_generator_s_refuses_nothing() -> None:
    unsure = point(200, 12)
    unsure.p99_ms = (2.0, 12.0)
    assert bracket([point(100, 5), unsure, point(400, 50)], LIMIT_MS) == Bounds(100, 400)


def test_a_short_hold_is_refuted_by_one_as_long_at_no_higher_a_rate() -> None:
    short, long = point(200, 5, hold_s=1.5), point(190, 300, hold_s=2.5)
    assert bracket([point(100, 4), short, long], LIMIT_MS) == Bounds(100, 190)
    assert bracket([point(100, 4), short, point(190, 300, hold_s=1.2)], LIMIT_MS) == Bounds(
        200, math.inf
    )


def test_a_round_that_jumped_over_the_limit_counts_like_the_others() -> None:
    """The only one that looked near its limit is the best one here, too: its rate is no median."""
    near = [point(2_760, 9), point(3_000, 50)]
    far = [point(840, 5, index=2), point(4_000, 500, index=2)]
    farther = [point(1_290, 5, index=3), point(6_000, 500, index=3)]
    found = highest_rates(near + far + farther, LIMIT_MS)
    assert [looked_near(one) for one in found.values()] == [True, False, False]
    both = over_rounds(found.values())
    assert (both.low, both.high) == (1_290, 4_000)


def test_where_no_round_looked_near_its_limit_their_holds_are_taken_together() -> None:
    far = [point(90, 5, index=2), point(4000, 500, index=2)]
    pooled = highest_rates([*far, point(300, 50, index=3)], LIMIT_MS)
    assert pooled == {0: Bounds(90, 300)}


def test_where_nothing_was_too_much_each_round_tells_what_it_kept() -> None:
    """One bracket of all would be the best round's, above what the searches found by medians."""
    points = [point(rate, 3, index=index) for index, rate in enumerate((100, 300, 200), 1)]
    found = highest_rates(points, LIMIT_MS)
    both = over_rounds(found.values())
    assert (both.low, both.high) == (200, math.inf)


def test_a_round_that_kept_none_below_what_others_kept_widens_the_cell() -> None:
    """One round keeps 1,000; another one does not keep 700: the truth may be lower than 1,000."""
    found = over_rounds([Bounds(1000, 1000), Bounds(0, 700)])
    assert (found.low, found.high) == (850, 1000)


def test_a_hold_beyond_the_rate_that_its_search_confirmed_keeps_no_limit() -> None:
    beyond = msgspec.structs.replace(point(400, 5), beyond_result=True)
    assert bracket([point(200, 5), beyond], LIMIT_MS) == Bounds(200, math.inf)


@pytest.mark.parametrize(
    ("strict", "loose"),
    [
        ("rate_p99_10", "rate_p99_100"),
        ("rate_p99_100", "throughput_deliveries"),
        ("load_direct_rate_p99_100", "load_direct_deliveries"),
        ("load_many-rooms_rate_p99_100", "load_many-rooms_deliveries"),
    ],
)
def test_a_stricter_limit_is_kept_at_no_higher_a_rate(
    reference: Matrix, strict: str, loose: str
) -> None:
    rates = {(cell.row, cell.column): cell.low for cell in reference.cells if cell.low is not None}
    pairs = {
        column.id: (rates[strict, column.id], rates[loose, column.id])
        for column in reference.columns
        if (strict, column.id) in rates and (loose, column.id) in rates
    }
    assert len(pairs) > len(reference.columns) / 2
    assert [column for column, (within, above) in pairs.items() if within > above] == []


def test_of_two_holds_of_one_rate_the_confirmed_one_says_what_was_delivered(
    tmp_path: Path,
) -> None:
    """The search went up to 200,000, and confirmed it with a little less."""
    evidence = load(build(tmp_path / "run"))
    column = evidence.run.columns[0].id
    made = search((200_000, 5, 1.5), (240_000, 1200, 1.5), (200_000, 5, 2.5), best=2)
    assert made.best is not None
    made.best.hold.deliveries_per_s = 199_000
    evidence.records = {"throughput": [msgspec.structs.replace(made, column=column)], "latency": []}
    within = highest_rates(list(of_column(evidence, column)), LIMIT_MS)
    assert within[1].low == 199_000


def test_a_round_whose_search_has_no_result_keeps_no_limit(tmp_path: Path) -> None:
    """Its hold at the common rate would count as the highest that it kept."""
    evidence = load(build(tmp_path / "run"))
    column = evidence.run.columns[0].id
    common = [one for one in evidence.of("common", column) if one.round == 2]
    made = search((200_000, 5, 1.5), (240_000, 1200, 1.5), (200_000, 5, 2.5), best=2)
    failed = msgspec.structs.replace(made, round=2, status="failed", steps=[], best=None)
    searches = [msgspec.structs.replace(one, column=column) for one in (made, failed)]
    evidence.records = {"throughput": list(searches), "latency": common}
    points = list(of_column(evidence, column))
    assert [one.round for one in points] == [1, 1, 1, 2]
    assert list(highest_rates(points, math.inf)) == [1]


def random_holds(seed: int) -> list[RatePoint]:
    """Of three rounds, each with a limit of its own near 1,000 and delays that go up to it."""
    draw = random.Random(seed)
    made = []
    for index in (1, 2, 3):
        limit = 1000 * draw.uniform(0.5, 1.5)
        for _ in range(draw.randint(0, 5)):
            rate = draw.uniform(10, 2000)
            p99_ms = draw.lognormvariate(1, 2) / max(0.01, 1 - rate / limit)
            found = point(rate, p99_ms, kept=rate < limit, index=index)
            found.beyond_result = draw.random() < 0.1
            made.append(found)
    return made


@pytest.mark.parametrize("seed", range(200))
def test_a_looser_limit_is_kept_at_no_lower_a_rate(seed: int) -> None:
    holds = random_holds(seed)
    rungs = ladder(holds)
    for (_, strict), (_, loose) in pairwise(rungs):
        assert strict.low <= loose.low
        assert strict.reach <= loose.reach
    assert all(one.low <= one.high <= one.reach for _, one in rungs)
    known = [one for _, one in table(holds)]
    for before, after in pairwise(known):
        assert (before.carried or 0.0) <= (after.carried or 0.0)


def test_what_one_round_kept_within_a_limit_is_kept_within_a_looser_one() -> None:
    """Within 5 ms the rounds are pooled; within 20 ms the second one looked near its limit."""
    first = [point(400, 4), point(3_000, 400)]
    second = [point(40, 15, index=2), point(100, 30, index=2), point(3_000, 400, index=2)]
    assert over_rounds(highest_rates(first + second, 20.0).values()).low < 400
    rungs = ladder(first + second)
    assert [found.low for limit in (5.0, 20.0) if (found := highest_rate(rungs, limit))] == [
        400,
        400,
    ]


def test_a_round_that_shows_only_what_is_too_much_bears_on_the_high_side() -> None:
    """As two rounds: one found 100 to 800, the other kept nothing and failed at 300."""
    wide = [point(100, 5), point(390, 50)]
    below = [point(300, 50, index=2)]
    found = highest_rates(wide + below, LIMIT_MS)
    assert found == {1: Bounds(100, 390), 2: Bounds(0, 300)}
    assert over_rounds(found.values()) == Bounds(100, 345, 345)


def test_a_generator_that_was_the_limit_refuses_nothing() -> None:
    """Neither a rate that was delivered late nor one that was not delivered."""
    times = {"mean": 50.0, "p50": 40.0, "p99": 300.0, "max": 400.0}
    slow = hold(200, times, hold_s=1.5, generator_cpu=0.97)
    step = Step(hold=slow, server_cpu_s=1.0, cpu_us_per_delivery=1.0, sustained=True)
    found = point_of("x", 1, step, RULES)
    assert found.kept
    assert not breaks(found, LIMIT_MS)
    fair = msgspec.structs.replace(slow, generator_cpu=0.5)
    assert breaks(point_of("x", 1, msgspec.structs.replace(step, hold=fair), RULES), LIMIT_MS)


def search(*steps: tuple[float, float, float], best: int | None = None) -> Throughput:
    """Steps of (rate, p99 in ms, seconds)."""
    made = []
    for rate, p99_ms, hold_s in steps:
        times = {"mean": p99_ms, "p50": p99_ms / 2, "p99": p99_ms, "max": p99_ms}
        good = p99_ms <= 1000
        found = hold(rate, times, hold_s=hold_s)
        made.append(
            Step(
                hold=found,
                server_cpu_s=1.0,
                cpu_us_per_delivery=1.0,
                sustained=good,
                why_not=None if good else "too slow",
            )
        )
    return Throughput(
        column="x",
        round=1,
        started_at=0,
        seconds=1,
        status="ok",
        steps=made,
        best=None if best is None else made[best],
        limited_by="server",
    )


def test_the_hold_that_is_read_whole_says_nothing_of_a_rate() -> None:
    """Its generator has several times the work of the others: it neither keeps a rate nor breaks
    one, and the search does not steer by it.
    """
    record = search((100_000, 5, 1.5), (115_000, 6, 1.5), (115_000, 6, 2.5), best=2)
    whole = search((90_000, 1500, 2.5)).steps[0]
    whole.kind = "whole"
    with_it = msgspec.structs.replace(record, steps=[*record.steps, whole])
    assert of_search(with_it, RULES) == of_search(record, RULES)
    assert whole not in steps_of(with_it)
    assert highest_unrefuted(with_it.steps, RULES) in record.steps[1:]
    alone = msgspec.structs.replace(whole, hold=record.steps[0].hold)
    assert highest_unrefuted([alone], RULES) is None


def test_a_result_that_the_generator_held_back_ends_where_the_server_failed() -> None:
    """Its own lag is no reason to doubt a failure that was none of the generator's."""
    record = search((100_000, 5, 1.5), (104_000, 1200, 2.5), (100_000, 30, 2.5), best=2)
    assert record.best is not None
    record.best.hold.receive_lag_ms["p99"] = 3.1
    assert RULES.is_limited(record.best)
    found = of_search(record, RULES)
    assert found is not None
    assert (found.low, found.high) == (100_000, 100_000)
    assert ended_by(record, RULES) == "latency"
    open_above = msgspec.structs.replace(record, steps=record.steps[:1])
    assert of_search(open_above, RULES) == Bounds(100_000, math.inf)
    assert ended_by(open_above, RULES) == "generator"
    capped = msgspec.structs.replace(open_above, limited_by="cap")
    assert ended_by(capped, RULES) == "cap"


def test_a_search_that_the_server_ended_is_exact_to_its_step() -> None:
    found = of_search(
        search((100_000, 5, 1.5), (115_000, 1200, 1.5), (100_000, 5, 2.5), best=2), RULES
    )
    assert found is not None
    assert (found.low, found.high) == (100_000, 100_000)
    assert found.reach == pytest.approx(115_000, rel=0.01)


def test_a_search_whose_time_ran_out_is_open_or_ends_at_the_rate_that_failed() -> None:
    cut = of_search(search((100_000, 5, 1.5), (115_000, 6, 1.5), (115_000, 6, 2.5), best=2), RULES)
    assert cut == Bounds(115_000, math.inf)
    coarse = of_search(
        search((100_000, 5, 0.7), (400_000, 1500, 1.5), (100_000, 5, 2.5), best=2), RULES
    )
    assert coarse is not None
    assert (coarse.low, coarse.high) == (100_000, pytest.approx(400_000, rel=0.01))


def test_a_search_that_confirmed_nothing_keeps_what_no_longer_hold_refuted() -> None:
    found = of_search(
        search((100_000, 5, 1.5), (120_000, 6, 1.5), (140_000, 6, 1.5), (120_000, 1500, 2.5)), RULES
    )
    assert found is not None
    assert (found.low, found.high) == (100_000, 100_000)
    assert of_search(search((100_000, 1500, 1.5)), RULES) is None


def test_a_shorter_hold_is_refuted_by_one_at_least_as_long() -> None:
    kept, fast, failed = search((100, 5, 1.5), (120, 5, 1.5), (110, 1500, 2.5)).steps
    briefly = search((110, 1500, 1.2)).steps[0]
    assert highest_unrefuted([fast, kept, failed], RULES) is kept
    assert highest_unrefuted([fast, kept, briefly], RULES) is fast
    assert highest_unrefuted([failed], RULES) is None


def test_a_warm_up_shows_what_a_server_carries_and_refutes_nothing() -> None:
    cold, failed = search((50, 5, 1.5), (100, 1500, 1.5)).steps
    cold.kind = "warm-up"
    assert highest_unrefuted([cold, failed], RULES) is cold
    slow, kept = search((100, 1500, 1.5), (120, 5, 1.5)).steps
    slow.kind = "warm-up"
    assert highest_unrefuted([slow, kept], RULES) is kept


def test_a_hold_that_the_generator_spoilt_refutes_no_result_of_a_search() -> None:
    """Neither of a search that confirmed none nor of a row with a limit on p99."""
    found = search((40_000, 1, 1.0), (80_000, 52, 1.0), (80_000, 1500, 1.5))
    found.steps[2].hold.generator_cpu = 0.98
    # What a search of older rules took for its best.
    found.best, found.reason = found.steps[0], "time ran out before a confirmation"
    assert of_search(found, RULES) == Bounds(80_000, math.inf)
    points = [point_of("x", 1, step, RULES) for step in found.steps]
    within = bracket(points, 100.0)
    assert within is not None
    assert (within.low, within.high) == (pytest.approx(80_000, rel=0.01), math.inf)
    found.steps[2].hold.generator_cpu = 0.5
    fair = of_search(found, Rules(DEFAULTS, generator_cores=1, server_cores=1))
    assert fair is not None and (fair.low, fair.high) == (40_000, pytest.approx(80_000, rel=0.01))


def test_a_stored_result_that_a_longer_hold_refuted_is_no_floor() -> None:
    """A search without a confirmation chose it by an older rule, or by a narrower tolerance."""
    record = search((100_000, 5, 1.5), (120_000, 6, 1.5), (120_002, 1500, 2.5), best=1)
    record.reason = "time ran out before a confirmation"
    assert result_of(record, RULES) is record.steps[0]
    apart = msgspec.structs.replace(record, steps=[record.steps[0], record.steps[2]])
    assert result_of(apart, RULES) is record.steps[0]
    record.reason = None
    assert result_of(record, RULES) is record.best, "a search knows what it confirmed"


def test_a_warm_up_that_a_search_stored_counts_until_a_hold_refutes_it() -> None:
    record = search((50_000, 5, 0.5), (100_000, 1500, 1.5), best=0)
    record.steps[0].kind = "warm-up"
    record.reason = "time ran out before a confirmation"
    assert result_of(record, RULES) is record.best
    record.steps[1] = search((50_001, 1500, 1.5)).steps[0]
    assert result_of(record, RULES) is None


HOLDS = [point(50, 3), point(100, 6), point(200, 40), point(400, 2000, kept=False)]


@pytest.mark.parametrize(
    ("rate", "p99_ms", "cores", "one_thread", "kind"),
    [
        (100, 10, 1, False, "enough"),
        (101, 10, 1, False, "unknown"),
        (199, 10, 1, False, "unknown"),
        (200, 10, 1, False, "not_enough"),
        (200, 50, 1, False, "enough"),
        (200, 10, 2, False, "if_it_scales"),
        (300, 10, 2, False, "unknown"),
        (400, 10, 2, False, "not_enough"),
        (200, 10, 2, True, "not_enough"),
        (150, 10, 2, True, "unknown"),
        (40, 1, 1, False, "unknown"),
        (60, 1, 1, False, "not_enough"),
    ],
)
def test_a_load_is_looked_up(
    rate: float, p99_ms: float, cores: int, one_thread: bool, kind: str
) -> None:
    found = advise(HOLDS, rate, p99_ms, cores=cores, one_thread=one_thread)
    assert found.kind == kind


def test_a_load_that_one_hold_carried_and_a_longer_one_did_not_is_not_known() -> None:
    mixed = [point(100, 5), point(200, 8), point(200, 12, hold_s=2.5)]
    assert advise(mixed, 200, 10, cores=1).kind == "unknown"
    assert advise(mixed, 100, 10, cores=1).kind == "enough"
    assert advise(mixed, 201, 10, cores=1).kind == "not_enough"


def test_the_table_answers_as_a_question_does() -> None:
    rows = table(HOLDS)
    for p99_ms in (0.0, 1.0, 2.8, 3.0, 6.0, 39.0, 40.0, 1e6):
        known = next(known for from_ms, known in reversed(rows) if from_ms <= p99_ms)
        assert known == known_within(HOLDS, p99_ms)


@pytest.fixture(scope="module", params=sorted(REFERENCE.glob("*/run.json")), ids=lambda p: p.parent)
def reference(request: pytest.FixtureRequest) -> Matrix:
    return judge(request.param.parent)


def test_no_server_is_not_enough_for_a_load_that_a_hold_carried(reference: Matrix) -> None:
    carried = [one for one in reference.rate_points if one.kept]
    assert len(carried) > 100
    for one in carried:
        own = [other for other in reference.rate_points if other.column == one.column]
        found = advise(own, one.deliveries_per_s, one.p99_ms[1], cores=1)
        assert found.kind != "not_enough", one


def test_the_adviser_answers_as_the_rows_say(reference: Matrix) -> None:
    rows = {"rate_p99_10": 10.0, "rate_p99_100": 100.0}
    cells = [cell for cell in reference.cells if cell.row in rows and cell.value is not None]
    assert len(cells) > 10
    for cell in cells:
        own = [one for one in reference.rate_points if one.column == cell.column]
        assert cell.low is not None

        def kind(rate: float, own: list[RatePoint] = own, row: str = cell.row) -> str:
            return advise(own, rate, rows[row], cores=1).kind

        assert kind(cell.low) == "enough"
        assert kind(cell.low * 1.001) in ("unknown", "not_enough")
        if cell.reach is not None:
            seen = known_within(own, rows[cell.row]).seen
            assert kind(max(cell.reach, seen) * 1.001) == "not_enough"


def test_no_cell_claims_more_than_its_rounds(reference: Matrix) -> None:
    valued = [cell for cell in reference.cells if cell.value is not None]
    assert len(valued) > 200
    for cell in valued:
        lows = sorted(low for low, _ in cell.bounds)
        highs = sorted(math.inf if high is None else high for _, high in cell.bounds)
        assert cell.low is not None
        assert lows[0] <= cell.low <= lows[-1]
        assert highs[0] <= (math.inf if cell.high is None else cell.high) <= highs[-1]
        assert cell.low <= (math.inf if cell.high is None else cell.high)


def test_the_headline_of_the_reference_run_names_those_that_are_not_told_apart(
    reference: Matrix,
) -> None:
    """chinwagd's worst round is 1.19 times cpp-beast:tuned's best, but less than what that one
    failed at; within 100 ms there is nobody between.
    """
    cells = {c.column: c for c in reference.cells if c.row == "throughput_deliveries" and c.value}
    best = [column for column, cell in cells.items() if cell.tie_with_best is not False]
    assert best == ["chinwagd", "cpp-beast:tuned"]
    mine, other = cells["chinwagd"], cells["cpp-beast:tuned"]
    assert min(mine.samples) > max(other.samples)
    assert other.interval is not None and other.interval[1] is not None
    assert min(mine.samples) < other.interval[1] * reference.aa["apart"]["throughput_deliveries"]
    said = headline.headline(reference)
    assert said.startswith("On one core chinwagd (6,380,000 deliveries/s) and cpp-beast:tuned (")
    assert said.endswith(" deliver the most and are not told apart")
    within = {c.column for c in reference.cells if c.row == "rate_p99_100" and c.tie_with_best}
    assert within == {"chinwagd"}


def test_points_are_in_order_of_rates(reference: Matrix) -> None:
    for column in reference.columns:
        rates = [o.deliveries_per_s for o in reference.rate_points if o.column == column.id]
        assert rates == sorted(rates)


def test_a_result_that_these_rules_do_not_call_sustained_is_none() -> None:
    """Whatever the search made of it: the judge looks at the stored hold."""
    record = search((100_000, 5, 1.5), (115_000, 6, 1.5), (115_000, 6, 2.5), best=2)
    strict = Rules(SustainedLimits(p99_ms_max=5.5), generator_cores=1, server_cores=1)
    found = of_search(record, strict)
    assert found is not None
    assert (found.low, found.reach) == (100_000, pytest.approx(115_000, rel=0.01))
