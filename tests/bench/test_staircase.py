"""The search for the highest sustained rate, against synthetic servers."""

import pytest
from chinwag_bench.metrics.staircase import STEP, Answer, Offer, Outcome, climb
from hypothesis import given
from hypothesis import strategies as st


def drive(sustains, start=100.0, cap=1e6, offers_max=200, **more):
    """Plays a server that answers ``sustains(offer)``; returns the outcome and all offers."""
    stairs = climb(start, cap, **more)
    offers = [next(stairs)]
    try:
        while len(offers) < offers_max:
            answer = sustains(offers[-1])
            if isinstance(answer, bool):
                answer = Answer.SUSTAINED if answer else Answer.FAILED
            offers.append(stairs.send(answer))
    except StopIteration as end:
        return end.value, offers
    raise AssertionError("the search does not end")


def test_it_doubles_then_ascends_then_confirms():
    outcome, offers = drive(lambda offer: offer.rate <= 450)
    kinds = [(offer.kind, round(offer.rate)) for offer in offers]
    assert kinds == [
        ("approach", 100),
        ("approach", 200),
        ("approach", 400),
        ("approach", 800),
        ("ascend", 460),
        ("confirm", 400),
    ]
    assert outcome == Outcome(400.0, "failed")


def test_it_comes_down_from_a_start_that_is_too_high():
    outcome, offers = drive(lambda offer: offer.rate <= 30)
    assert [offer.rate for offer in offers if offer.kind == "approach"] == [100, 50, 25]
    assert outcome.rate == pytest.approx(25 * STEP)


def test_the_ascent_is_not_bounded_by_a_failure_of_the_approach():
    """A short hold may fail by chance: the same rate is tried with a longer one, and the search
    goes on as far as the server does."""

    def answer(offer):
        return Answer.DOUBTFUL if offer == Offer("approach", 400) else offer.rate <= 1000

    outcome, offers = drive(answer)
    assert 1000 / STEP < outcome.rate <= 1000
    assert Offer("ascend", 400) in offers
    assert Offer("approach", 800) in offers


def test_after_a_failed_confirmation_the_next_lower_pass_gets_its_chance():
    outcome, offers = drive(lambda offer: offer.rate <= (400 if offer.kind == "confirm" else 470))
    confirms = [offer.rate for offer in offers if offer.kind == "confirm"]
    assert confirms == pytest.approx([460, 400])
    assert outcome.rate == 400


def test_from_a_much_lower_pass_it_confirms_its_way_up_again():
    """Between two passes of the approach lies a factor of two."""
    outcome, offers = drive(lambda offer: offer.rate <= (290 if offer.kind == "confirm" else 450))
    confirms = [offer.rate for offer in offers if offer.kind == "confirm"]
    assert confirms == pytest.approx([400, 200, 230, 264.5, 304.175])
    assert outcome.rate == pytest.approx(264.5)


def test_a_confirmed_rate_stays_when_there_is_no_time_to_go_up_again():
    def answer(offer):
        if offer.kind == "confirm":
            return Answer.NO_TIME if offer.rate == pytest.approx(230) else offer.rate <= 200
        return offer.rate <= 450

    assert drive(answer)[0].rate == 200


def test_below_every_pass_the_confirmation_goes_down_in_steps():
    outcome, _ = drive(lambda offer: offer.rate <= (80 if offer.kind == "confirm" else 110))
    assert outcome.rate == pytest.approx(100 / STEP**2)


def test_a_server_that_sustains_nothing_has_no_rate():
    outcome, offers = drive(lambda offer: False)
    assert outcome == Outcome(None, "failed")
    assert all(offer.kind == "approach" for offer in offers)


def test_a_server_that_never_confirms_has_no_rate():
    outcome, _ = drive(lambda offer: offer.kind != "confirm" and offer.rate < 150)
    assert outcome.rate is None


def test_the_cap_ends_it():
    outcome, offers = drive(lambda offer: True, cap=1000)
    assert outcome == Outcome(1000, "cap")
    assert max(offer.rate for offer in offers) == 1000
    assert drive(lambda offer: True, start=5000, cap=1000)[0] == Outcome(1000, "cap")


@pytest.mark.parametrize("kind", ["approach", "ascend"])
def test_time_runs_out_on_the_way_up(kind):
    def answer(offer):
        if offer.kind == kind and offer.rate > 400:
            return Answer.NO_TIME
        return offer.kind != "approach" or offer.rate <= 400

    outcome, _ = drive(answer)
    assert outcome == Outcome(400, "time")


def test_without_time_to_confirm_there_is_no_rate():
    def answer(offer):
        return Answer.NO_TIME if offer.kind == "confirm" else offer.rate < 150

    assert drive(answer)[0].rate is None


@given(capacity=st.floats(2, 1e5), start=st.floats(10, 1000))
def test_a_steady_server_is_found_within_one_step(capacity, start):
    outcome, offers = drive(lambda offer: offer.rate <= capacity, start=start, cap=1e9)
    if capacity >= start / 32:
        assert capacity / STEP * 0.999 <= outcome.rate <= capacity
    assert len(offers) < 40
