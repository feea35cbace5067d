"""The search for the highest sustained rate, against answers made by rules."""

import math
from itertools import pairwise

import pytest
from chinwag_bench.metrics.staircase import (
    FINE,
    FINE_STEPS,
    STEP,
    Answer,
    Offer,
    Outcome,
    Verdict,
    climb,
)
from hypothesis import given, settings
from hypothesis import strategies as st

NO_TIME = Answer(Verdict.NO_TIME)
DOUBTFUL = Answer(Verdict.DOUBTFUL)
FAILED = Answer(Verdict.FAILED)
SUSTAINED = Answer(Verdict.SUSTAINED)
DOUBLE = FINE ** round(math.log(2) / math.log(FINE))
"""The approach's step on the grid."""


def drive(sustains, start=100.0, cap=1e6, offers_max=300, **more):
    """Plays a server that answers ``sustains(offer)``; returns the outcome and all offers."""
    stairs = climb(start, cap, **more)
    offers = [next(stairs)]
    try:
        while len(offers) < offers_max:
            answer = sustains(offers[-1])
            if isinstance(answer, bool):
                answer = SUSTAINED if answer else FAILED
            offers.append(stairs.send(answer))
    except StopIteration as end:
        return end.value, offers
    raise AssertionError("the search does not end")


def kinds(offers, kind):
    return [offer.rate for offer in offers if offer.kind == kind]


def test_it_doubles_then_ascends_then_refines_then_confirms():
    outcome, offers = drive(lambda offer: offer.rate <= 500)
    assert kinds(offers, "approach") == pytest.approx([100 * DOUBLE**n for n in range(4)])
    near = 100 * DOUBLE**2
    # Half of the way to the failure, then half of that, then a step.
    assert kinds(offers, "ascend") == pytest.approx([near * FINE**n for n in (10, 5, 9)])
    assert kinds(offers, "refine") == pytest.approx([near * FINE**n for n in (7, 6)])
    assert kinds(offers, "confirm") == pytest.approx([outcome.rate])
    assert (outcome.rate, outcome.ended) == (pytest.approx(near * FINE**6), "failed")


def test_after_an_offer_that_was_easy_the_approach_goes_twice_as_far():
    def answer(offer):
        return Answer(Verdict.SUSTAINED, was_easy=offer.rate < 200) if offer.rate <= 500 else FAILED

    _, offers = drive(answer)
    assert kinds(offers, "approach") == pytest.approx([100 * DOUBLE**n for n in (0, 2, 3)])


def test_an_approach_that_went_far_too_far_looks_half_of_the_way_back():
    """Four times as far, and what was carried there tells nothing."""

    def answer(offer):
        if offer.rate > 1000:
            return Answer(Verdict.FAILED, carried=offer.rate / 10)
        return Answer(Verdict.SUSTAINED, was_easy=True)

    outcome, offers = drive(answer)
    assert kinds(offers, "approach") == pytest.approx([100 * DOUBLE**n for n in (0, 2, 4, 3)])
    assert 1000 / FINE < outcome.rate <= 1000


def test_a_server_that_overload_makes_slower_is_found_in_a_few_offers():
    """It passed more than it carried there, so what it carried is not where it ends."""

    def collapsing(offer):
        return SUSTAINED if offer.rate <= 780 else Answer(Verdict.FAILED, carried=260.0)

    outcome, offers = drive(collapsing)
    assert 780 / FINE < outcome.rate <= 780
    assert len(kinds(offers, "ascend")) <= 4


def test_all_rates_lie_on_one_grid_from_the_start():
    _, offers = drive(lambda offer: offer.rate <= 500, start=107.0)
    rungs = [math.log(offer.rate / 107.0) / math.log(FINE) for offer in offers]
    assert rungs == pytest.approx([round(rung) for rung in rungs], abs=1e-6)


def test_it_comes_down_from_a_start_that_is_too_high():
    outcome, offers = drive(lambda offer: offer.rate <= 30)
    assert kinds(offers, "approach") == pytest.approx([100 / DOUBLE**n for n in range(3)])
    assert 30 / FINE < outcome.rate <= 30


def test_the_ascent_is_not_bounded_by_a_failure_of_the_approach():
    """A short hold may fail by chance: the search goes on as far as the server does."""
    outcome, _ = drive(lambda offer: offer.rate <= (300 if offer.kind == "approach" else 1000))
    assert 1000 / FINE < outcome.rate <= 1000


@pytest.mark.parametrize("kind", ["approach", "ascend", "refine", "confirm"])
def test_a_failure_that_may_be_a_stall_gets_one_second_chance(kind):
    """The first hold of each kind near the end meets a stall; nothing is lost by it."""
    stalled = []

    def answer(offer):
        if offer.kind == kind and offer.rate > 350 and offer.rate <= 500 and not stalled:
            stalled.append(offer)
            return DOUBTFUL
        return offer.rate <= 500

    outcome, offers = drive(answer)
    assert outcome.rate == drive(lambda offer: offer.rate <= 500)[0].rate
    second = offers[offers.index(stalled[0]) + 1]
    assert second == Offer(kind, stalled[0].rate, again=True)


def test_a_second_failure_decides():
    outcome, offers = drive(lambda offer: True if offer.rate <= 500 else DOUBTFUL)
    assert outcome.rate == drive(lambda offer: offer.rate <= 500)[0].rate
    assert max(offers.count(offer) for offer in offers if offer.again) == 1


def test_a_second_chance_without_time_is_a_failure():
    def answer(offer):
        return NO_TIME if offer.again else (True if offer.rate <= 500 else DOUBTFUL)

    assert drive(answer)[0] == drive(lambda offer: offer.rate <= 500)[0]


def test_what_a_failed_hold_carried_shortens_the_way():
    """It decides nothing: what it skips to is held like any other rate."""

    def telling(offer):
        return SUSTAINED if offer.rate <= 700 else Answer(Verdict.FAILED, carried=700.0)

    plain, slow = drive(lambda offer: offer.rate <= 700)
    told, fast = drive(telling)
    assert told.rate == pytest.approx(plain.rate)
    assert len(fast) < len(slow)


@settings(deadline=None)
@given(carried=st.one_of(st.just(0.0), st.floats(1, 1e5)))
def test_a_server_that_carries_something_else_under_overload_is_found_all_the_same(carried):
    def misleading(offer):
        return SUSTAINED if offer.rate <= 500 else Answer(Verdict.FAILED, carried)

    outcome, _ = drive(misleading)
    assert 500 / FINE * 0.999 <= outcome.rate <= 500


@pytest.mark.parametrize("carried", [None, 0.0, 1.0, 400.0, 1e9])
def test_after_a_failed_confirmation_it_goes_down_by_one_step_at_most(carried):
    """Between two passes of the approach lies a factor of two: never back to those."""

    def answer(offer):
        if offer.kind == "confirm" and offer.rate > 290:
            return Answer(Verdict.FAILED, carried)
        return offer.rate <= 500

    outcome, offers = drive(answer)
    confirms = kinds(offers, "confirm")
    down = [after / before for before, after in pairwise(confirms)]
    assert min(down) >= 1 / STEP * 0.999
    assert 290 / FINE <= outcome.rate <= 290
    assert outcome.ended == "failed"


def test_from_a_rate_that_holds_it_confirms_its_way_up_again():
    def answer(offer):
        return offer.rate <= (450 if offer.kind == "confirm" else 500)

    outcome, offers = drive(answer)
    confirms = kinds(offers, "confirm")
    assert confirms[1] == pytest.approx(confirms[0] / STEP)
    assert confirms[2] == pytest.approx(confirms[1] * FINE**2)
    assert 450 / FINE < outcome.rate <= 450


def test_without_time_to_go_up_again_a_failure_within_a_step_still_ends_it():
    """The rate lies between the two, so it is no bound."""

    def answer(offer):
        first = [*seen, offer.rate] == [offer.rate]
        if offer.kind == "confirm":
            seen.append(offer.rate)
            return False if first else True if len(seen) == 2 else NO_TIME
        return offer.rate <= 500

    seen = []
    outcome, _ = drive(answer)
    assert outcome == Outcome(pytest.approx(seen[0] / STEP), "failed")


def test_time_that_runs_out_further_below_a_failure_is_told():
    """The ascent skipped too far ahead, and there was no time to try in between."""

    def answer(offer):
        if offer.kind == "approach":
            return SUSTAINED if offer.rate <= 500 else Answer(Verdict.FAILED, carried=700.0)
        if offer.kind == "ascend" and not seen:
            seen.append(offer.rate)
            return FAILED
        return (offer.kind == "confirm" and offer.rate < 410) or NO_TIME

    seen = []
    outcome, _ = drive(answer)
    assert seen[0] > outcome.rate * STEP
    assert outcome == Outcome(pytest.approx(100 * DOUBLE**2), "time")


def test_a_server_that_sustains_nothing_has_no_rate():
    outcome, offers = drive(lambda offer: False)
    assert outcome == Outcome(None, "failed")
    assert {offer.kind for offer in offers} == {"approach"}
    assert min(offer.rate for offer in offers) >= 100 / 64 * 0.999


def test_a_server_that_never_confirms_has_no_rate():
    assert drive(lambda offer: offer.kind != "confirm" and offer.rate < 150)[0] == Outcome(
        None, "failed"
    )


@pytest.mark.parametrize("start", [100.0, 5000.0, 1e6])
def test_the_cap_ends_it(start):
    outcome, offers = drive(lambda offer: True, cap=1000, start=start)
    assert outcome == Outcome(1000, "cap")
    assert max(offer.rate for offer in offers) == 1000


@pytest.mark.parametrize("kind", ["approach", "ascend"])
def test_time_runs_out_on_the_way_up(kind):
    """What was found by then is confirmed, and is a bound."""

    def answer(offer):
        late = offer.rate > 450 or (offer.kind == "confirm" and offer.rate > 420)
        return NO_TIME if late and offer.kind in (kind, "confirm") else offer.rate <= 800

    outcome, offers = drive(answer)
    assert outcome == Outcome(pytest.approx(100 * DOUBLE**2), "time")
    assert kinds(offers, "confirm")[0] == outcome.rate


def test_time_runs_out_between_ascent_and_refinement():
    """A failure stands one step above the result: that is what ended it."""

    def answer(offer):
        return NO_TIME if offer.kind == "refine" else offer.rate <= 500

    stepwise = 100 * DOUBLE**2 * FINE**5

    def no_more(offer):
        if offer.kind == "confirm" and offer.rate > stepwise * 1.001:
            return NO_TIME
        return answer(offer)

    assert drive(no_more)[0] == Outcome(pytest.approx(stepwise), "failed")


def test_without_time_to_confirm_there_is_no_rate_and_time_is_why():
    def answer(offer):
        return NO_TIME if offer.kind == "confirm" else offer.rate < 150

    assert drive(answer)[0] == Outcome(None, "time")


def test_time_that_runs_out_while_confirmations_fail_is_why():
    def answer(offer):
        if offer.kind == "confirm":
            seen.append(offer.rate)
            return False if len(seen) == 1 else NO_TIME
        return offer.rate <= 500

    seen = []
    assert drive(answer)[0] == Outcome(None, "time")


def test_a_server_that_is_not_monotone_ends_at_a_rate_that_it_held():
    """Batching servers fail at some rates and hold higher ones."""

    def answer(offer):
        return not 380 < offer.rate < 420 and offer.rate <= 600

    outcome, offers = drive(answer)
    assert answer(Offer("confirm", outcome.rate))
    assert outcome.rate in kinds(offers, "confirm")


@settings(deadline=None)
@given(capacity=st.floats(2, 1e5), start=st.floats(10, 1000))
def test_a_steady_server_is_found_within_one_fine_step(capacity, start):
    outcome, offers = drive(lambda offer: offer.rate <= capacity, start=start, cap=1e9)
    if capacity >= start / 32:
        assert capacity / FINE * 0.999 <= outcome.rate <= capacity
    assert len(offers) < 40


def test_fine_steps_make_a_step():
    assert pytest.approx(STEP) == FINE**FINE_STEPS
