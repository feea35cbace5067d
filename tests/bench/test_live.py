"""What `live` makes of two looks at a server."""

from __future__ import annotations

import subprocess
import sys

import pytest
from chinwag_bench import live
from chinwag_bench.errors import HostError


def test_samples_are_differences_of_looks() -> None:
    looks = [live._Look(10.0, 100, 1.0), live._Look(10.5, 100, 1.5), live._Look(12.5, 500, 1.7)]
    idle, busy = live.samples(looks)
    assert (idle.at_s, idle.deliveries_per_s, idle.cpu_us_per_delivery) == (0.5, 0.0, None)
    assert (busy.at_s, busy.deliveries_per_s) == (2.5, 200.0)
    assert busy.cpu_us_per_delivery == pytest.approx(500.0)


def test_deliveries_to_rooms_and_users_are_counted() -> None:
    text = (
        "# TYPE chinwag_deliveries_total counter\nchinwag_deliveries_total 7\n"
        "chinwag_direct_deliveries_total 5\nchinwag_rooms 3\n"
    )
    assert live.deliveries_in(text) == 12


def test_a_process_without_a_serving_thread_is_told_of() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other,
        pytest.raises(HostError, match="no thread called chinwag"),
    ):
        live._loop_cpu_s(other.pid)
