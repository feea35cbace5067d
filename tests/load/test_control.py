"""The runner's side: commands in, events out, one JSON object a line."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import msgspec
import pytest
from chinwag_bench import records
from hdrh.histogram import HdrHistogram

HOLD = {"do": "hold", "rate": 100, "warmup_s": 0.1, "hold_s": 0.5, "drain_s": 1}
PROFILES = Path(__file__).resolve().parents[2] / "bench" / "load" / "profiles"
USAGE = 2
UNWRITABLE = 5


def control(generate, port, *commands):
    return generate(port, "--control", commands=list(commands))


def test_a_whole_conversation(start_server, generate):
    outcome = control(
        generate,
        start_server().port,
        {"do": "connect", "connections": 15, "join": True},
        {**HOLD, "label": "a", "hdr": None},
        {"do": "connect", "connections": 30},
        {"do": "join"},
        HOLD,
        {"do": "rest", "seconds": 0.1},
        {"do": "quit"},
    )
    hold = ["hold_started", "hold_ended", "hold"]
    assert outcome.code == 0, outcome.err
    assert [event["event"] for event in outcome.events] == [
        "connected", *hold, "connected", "joined", *hold, "rested"
    ]  # fmt: skip
    assert [event.get("connections") for event in outcome.events if "seconds" in event] == [
        15, 30, 15
    ]  # fmt: skip
    assert all(event["hold"]["lost"] == 0 for event in outcome.events if event["event"] == "hold")


def test_a_room_that_is_not_full_has_fewer_deliveries(start_server, generate, tmp_path):
    profile = {
        "name": "rooms",
        "description": "all to rooms of ten",
        "connections": 15,
        "room_size": 10,
        "mix": {"room": 1, "direct": 0},
        "content_bytes": 48,
        "messages_per_second_per_connection": 10,
        "burst": 5,
        "heartbeat_s": 0.1,
    }
    path = tmp_path / "rooms.json"
    path.write_text(json.dumps(profile), encoding="utf-8")
    outcome = generate(
        start_server().port,
        *("--profile", path, "--json", "--warmup", 0),
        *("--rate", 150, "--seconds", 1),
    )
    assert outcome.hold["sent"] == 150
    assert outcome.hold["expected"] == outcome.hold["delivered"] == 100 * 10 + 50 * 5


def test_the_window_is_told_when_it_begins_and_ends(start_server, generate):
    outcome = control(generate, start_server().port, {"do": "connect", "join": True}, HOLD)
    moments = [event["monotonic_s"] for event in outcome.events if "monotonic_s" in event]
    assert moments[1] - moments[0] == pytest.approx(HOLD["hold_s"], abs=0.1)


def test_a_hold_has_the_fields_of_the_data_contract(start_server, generate):
    outcome = control(generate, start_server().port, {"do": "connect", "join": True}, HOLD)
    hold = outcome.events[-1]["hold"]
    assert list(hold) == list(records.Hold.__struct_fields__)
    msgspec.convert(hold, records.Hold)


def test_connections_are_served_while_no_command_comes(start_server, start_control):
    """The server pings and gives up on who does not answer; waiting for a command is no excuse."""
    process = start_control(start_server(ping_interval_s=0.1, ping_timeout_s=2).port)
    tell(process, {"do": "connect", "connections": 5, "join": True})
    assert hear(process)["connections"] == 5
    time.sleep(4)  # twice what the server waits, which is long for a machine that is busy
    tell(process, HOLD)
    events = [hear(process) for _ in range(3)]
    assert events[-1]["event"] == "hold", events
    assert events[-1]["hold"]["lost"] == 0
    tell(process, {"do": "quit"})
    assert process.wait(timeout=30) == 0


def test_a_hold_begins_when_it_is_told_to(start_server, generate):
    start_s = time.monotonic() + 1
    begin = {**HOLD, "start_s": start_s}
    outcome = control(generate, start_server().port, {"do": "connect", "join": True}, begin)
    began = next(event for event in outcome.events if event["event"] == "hold_started")
    assert began["monotonic_s"] >= start_s + HOLD["warmup_s"]
    assert outcome.events[-1]["hold"]["lost"] == 0


def test_a_hold_gives_what_adding_it_to_others_needs(start_server, generate):
    parts = {**HOLD, "warmup_s": 0.2, "parts": True}
    outcome = control(generate, start_server().port, {"do": "connect", "join": True}, parts)
    hold, found = outcome.events[-1]["hold"], outcome.events[-1]["parts"]
    histogram = HdrHistogram.decode(found["latency_hdr"])
    assert histogram.get_total_count() == hold["delivered"] == sum(found["quarter_deliveries"])
    assert HdrHistogram.decode(found["service_hdr"]).get_total_count() == found["services"] > 0
    assert found["received"] > hold["delivered"]
    per_delivery = found["wire_bytes"] / found["received"]
    assert per_delivery == pytest.approx(hold["wire_bytes_per_delivery"])


def test_a_dead_server_is_told_as_lost(start_server, generate):
    outcome = control(
        generate,
        start_server(die_at=20).port,
        {"do": "connect", "connections": 10, "join": True},
        {**HOLD, "hold_s": 20},
    )
    lost = next(event for event in outcome.events if event["event"] == "lost")
    assert lost == {"event": "lost", "connections": 10, "open": 0}
    assert outcome.events[-1]["hold"]["closes"] == {"reset": 10}
    assert outcome.events[-1]["hold"]["delivered"] > 0


def test_late_deliveries_stay_out_of_the_next_hold(start_server, generate):
    """What a stalled server owes the first hold comes later and is no part of the second."""
    short = {**HOLD, "warmup_s": 0, "drain_s": 0}
    outcome = control(
        generate,
        start_server(stall_at=40, stall_s=0.6).port,
        {"do": "connect", "connections": 20, "join": True},
        short,
        {"do": "rest", "seconds": 1},
        {**short, "drain_s": 1},
    )
    first, second = (event["hold"] for event in outcome.events if event["event"] == "hold")
    late = next(event["deliveries"] for event in outcome.events if event["event"] == "late")
    assert first["lost"] == late > 0
    assert second["lost"] == second["corrupted"] == 0


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ({"do": "dance"}, '"do": "dance" is not known; allowed: connect, disconnect, '),
        ({"connections": 3}, '"do" is missing'),
        ({"do": "hold"}, '"rate" is missing'),
        ({"do": "hold", "rate": 0}, '"rate", messages a second, is 0; allowed: 0.0001 to 10000000'),
        ({"do": "hold", "rate": 1e9}, '"rate", messages a second, is 1000000000; allowed'),
        ({"do": "hold", "rate": 1e-300}, '"rate", messages a second, is 1e-300; allowed'),
        ({"do": "hold", "rate": 1, "hold_s": 1e300}, '"hold_s" is 1e+300; allowed: 0.001 to 86400'),
        ({"do": "hold", "rate": "fast"}, '"rate" has the wrong type'),
        ({"do": "hold", "rate": 1, "hold_s": -1}, '"hold_s" is -1'),
        ({"do": "hold", "rate": 1}, "nobody has joined"),
        ({"do": "connect", "connections": -1}, '"connections" is -1'),
    ],
)
def test_a_wrong_command_is_an_error(start_server, generate, command, message):
    outcome = control(generate, start_server().port, command)
    assert outcome.code == USAGE
    assert outcome.events[-1]["event"] == "error"
    assert message in outcome.events[-1]["message"]


@pytest.mark.parametrize(
    "line", [b'{"do":"\xff"}\n', b'{"do":"hold","rate":NaN}\n', b'{"do":"hold","rate":1e999}\n']
)
def test_what_is_no_json_is_answered_in_json(binary, start_server, line):
    profile = PROFILES / "chatty-small.json"
    done = subprocess.run(
        [binary, "--port", str(start_server().port), "--profile", profile, "--control"],
        input=line,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == USAGE, done.stderr
    event = json.loads(done.stdout)
    assert event["event"] == "error"
    assert event["message"].startswith("a command must be a JSON object on one line, not: {")


def test_a_log_that_cannot_be_written_is_told_before_the_hold(start_server, generate, tmp_path):
    where = str(tmp_path / "missing" / "x.hlog")
    outcome = control(
        generate, start_server().port, {"do": "connect", "join": True}, {**HOLD, "hdr": where}
    )
    assert outcome.code == UNWRITABLE
    assert [event["event"] for event in outcome.events] == ["connected", "error"]
    assert f"{where}: the histogram log can't be written" in outcome.events[-1]["message"]


def test_a_hold_in_which_nothing_was_sent_has_no_delays(start_server, generate):
    idle = {**HOLD, "rate": 0.001}
    outcome = control(generate, start_server().port, {"do": "connect", "join": True}, idle)
    hold = outcome.events[-1]["hold"]
    assert hold["sent"] == 0
    assert set(hold["latency_ms"].values()) == set(hold["send_lag_ms"].values()) == {None}


def test_a_reader_that_is_gone_is_no_fault_of_the_program(binary, start_server):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [
                *(binary, "--port", str(start_server().port), "--control"),
                *("--profile", PROFILES / "chatty-small.json"),
            ],
            input='{"do":"connect"}\n',
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == UNWRITABLE
    assert "standard output can't be written: No space left on device" in done.stderr


def tell(process, command):
    process.stdin.write(json.dumps(command) + "\n")
    process.stdin.flush()


def hear(process):
    return json.loads(process.stdout.readline())
