"""The throughput metric against servers whose capacity is known beforehand: with the real load
generator, at rates that a small server in Python keeps exactly.
"""

import json
import os
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.disturbance import Limits, between, take_snapshot
from chinwag_bench.metrics import throughput
from chinwag_bench.metrics.cell import Place
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.paths import Workspace
from chinwag_bench.servers.build import build
from chinwag_bench.servers.catalog import Target

pytestmark = pytest.mark.alone

ROOT = Path(__file__).resolve().parents[2]
CHAT_SERVER = ROOT / "tests" / "load" / "chat_server.py"
ATTEMPTS = 5
LATE_MS = 10.0
"""From there on the programmed server is not the one that was programmed."""
TOLERANCE = 0.06
"""A fine step is 3.6 %, and where the small server sleeps too long it has less."""
CAPACITIES = (760, 1000, 1300)
SETTINGS = throughput.Settings(
    load="chatty-small",
    connections=20,
    setup_s=1.0,
    seconds=60.0,
    start_deliveries_per_s=700.0,
    cap_deliveries_per_s=100_000.0,
    approach_factor=2.0,
    warm_up=HoldSeconds(warmup_s=0.0, hold_s=0.5, drain_s=0.5),
    approach=HoldSeconds(warmup_s=0.2, hold_s=1.0, drain_s=1.0),
    ascend=HoldSeconds(warmup_s=0.2, hold_s=1.5, drain_s=1.0),
    confirm=HoldSeconds(warmup_s=0.2, hold_s=2.0, drain_s=1.0),
)


@pytest.fixture
def place(checkout, monkeypatch, site):
    """A cell on the programmable server."""
    server = checkout.add_server(
        "paced",
        replace=('"{build}/server.py"]', f'"{CHAT_SERVER}", "--port", "{{port}}"]'),
    )
    build(server)

    def programme(**plan):
        monkeypatch.setenv("PROGRAMMED_FAULTS", json.dumps(plan))
        return Place(site=site, target=Target(server), round=1, metric="throughput")

    return programme


def find_throughput(place, settings=SETTINGS):
    """(record, how the machine disturbed it, by the kit's own limits for a cell)"""
    load = load_profile(Workspace(ROOT), settings.load)
    before = take_snapshot()
    record = throughput.measure(place, load, settings)
    return record, between(before, take_snapshot(), Limits()).reasons


@pytest.mark.timeout(600)
def test_the_programmed_capacity_is_found(place, tmp_path):
    """Wherever it lies between the rungs.

    What excuses a wrong rate is told by others than the generator: the server, of how late it was
    by its own clock, and the kernel, of who else ran. In CI every capacity is found, and its limit
    named, in one of the attempts; elsewhere one of three capacities may stay unknown, and two may
    have their limit misnamed."""
    unknown, misnamed = {}, {}
    for capacity in CAPACITIES:
        late_file = tmp_path / f"late-{capacity}"
        found, named, seen = False, False, []
        for _ in range(ATTEMPTS):
            late_file.write_text("0")
            programmed = place(capacity_per_s=capacity, late_file=str(late_file))
            record, disturbed = find_throughput(programmed)
            late_ms = float(late_file.read_text() or 0)
            disturbed += [f"the server was {late_ms:.0f} ms late"] if late_ms > LATE_MS else []
            wrong = find_wrong_rate(record, capacity)
            wrong_name = "" if wrong else find_wrong_limit(record)
            found |= not wrong
            named |= not wrong and not wrong_name
            if named:
                break
            what = wrong or wrong_name
            # The last rate decides the name: one stall there is less than the kernel's sums show.
            assert disturbed or not wrong, f"{what}, and nothing disturbed the measurement"
            seen.append(f"{what} ({', '.join(disturbed) or 'nothing seen'})")
        unknown |= {} if found else {capacity: seen}
        misnamed |= {} if named else {capacity: seen}
    in_ci = os.environ.get("CHINWAG_CI") == "1"
    assert len(unknown) <= (0 if in_ci else 1), unknown
    assert len(misnamed) <= (0 if in_ci else 2), misnamed


def find_wrong_rate(record, capacity):
    found = record.best.hold.deliveries_per_s if record.best else 0.0
    # Whatever the machine does, nobody gets more out of a server than it has.
    assert found <= capacity * 1.05
    if found != pytest.approx(capacity, rel=TOLERANCE):
        return f"found {found:.0f} of {capacity:.0f} deliveries/s"
    assert record.best.hold.delivered == record.best.hold.expected
    return ""


def find_wrong_limit(record):
    if record.failed_at is None or record.failed_at < record.best.hold.deliveries_per_s:
        return f"said to have failed at {record.failed_at}"
    if (record.limited_by, record.lower_bound) != ("latency", False):
        return f"said to be limited by: {record.limited_by}"
    return ""


def test_a_server_that_loses_sustains_nothing_and_the_number_is_said(place):
    brief = msgspec.structs.replace(SETTINGS, seconds=12.0)
    record, _ = find_throughput(place(drop_every=5), brief)
    assert record.best is None
    assert record.steps
    for step in record.steps:
        hold = step.hold
        assert not step.sustained
        assert hold.lost == hold.expected - hold.delivered
        # Every fifth of all deliveries; where the window begins, one more or less may fall in it.
        assert hold.lost == pytest.approx(hold.expected / 5, abs=2)
    missing = record.steps[-1].hold.outstanding_after_drain
    assert f"{missing} deliveries outstanding" in record.reason
