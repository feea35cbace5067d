"""What a client that waits for answers leaves out."""

import itertools
import time

from chinwag_bench.coordinated_omission import Delays, ask_in_turn


def test_one_stall_is_one_slow_question_and_many_late_ones():
    asked = itertools.count()

    def ask():
        if next(asked) == 5:
            time.sleep(0.2)

    delays = ask_in_turn(ask, rate=200, seconds=0.2)
    assert len(delays.from_plan) == len(delays.from_sending) == 40
    assert delays.from_sending[5] >= 200
    # 5 ms apart, and none could be asked before the sixth was answered.
    assert all(late >= 200 - 5 * after for after, late in enumerate(delays.from_plan[5:20]))
    assert all(a >= b for a, b in zip(delays.from_plan, delays.from_sending, strict=True))


def test_its_summary_has_both_counts():
    found = Delays([1.0, 2.0, 3.0], [1.0, 2.0, 30.0]).summary()
    assert found["p50"] == (2.0, 2.0)
    assert found["max"] == (3.0, 30.0)
