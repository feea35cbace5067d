"""The metric robustness with the real load generator, against a small server."""

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.connections import established
from chinwag_bench.metrics import robustness
from chinwag_bench.metrics.cell import Place
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Visit
from chinwag_bench.metrics.robustness import CROWD, GARBAGE, HALF_OPEN, REQUESTS, SILENT
from chinwag_bench.paths import Workspace
from chinwag_bench.servers.build import build
from chinwag_bench.servers.catalog import Target, discover
from chinwag_bench.troubles import crowds, strangers

ROOT = Path(__file__).resolve().parents[2]
CHAT_SERVER = ROOT / "tests" / "load" / "chat_server.py"
SETTINGS = robustness.Settings(
    load="chatty-small",
    silent_load="silent",
    connections=100,
    repeats=1,
    setup_s=1,
    deliveries_per_s=600,
    garbage_per_s=50,
    open_files_spare=40,
    hold=HoldSeconds(warmup_s=0.1, hold_s=0.8, drain_s=1.5),
    requests_per_s=50,
    attacks=["fragments", "large-heads"],
)


def visit_of(target, site):
    place = Place(site=site, target=target, round=1, metric="robustness")
    loads = {name: load_profile(Workspace(ROOT), name) for name in ("chatty-small", "silent")}
    return Visit(place=place, settings=SETTINGS, loads=loads, run=None, records=[])


@pytest.fixture
def meek(checkout, site):
    """A visit of a small server, which never asks whether its peers are still there."""
    command = f'"{CHAT_SERVER}", "--port", "{{port}}"]'
    server = checkout.add_server("meek", replace=('"{build}/server.py"]', command))
    build(server)
    return visit_of(Target(server), site)


def values_of(record):
    """Of each row, as if the generator had had all the time that it needs."""
    for trouble in record.troubles.values():
        trouble.during.hold.generator_limits.clear()
    plan = {"settings": {"robustness": msgspec.to_builtins(SETTINGS)}}
    rows = [*robustness.METRIC.rows, *robustness.METRIC.rows_of_run(SimpleNamespace(plan=plan))]
    return {spec.row.id: spec.bounds(record) for spec in rows}


def skip_without_namespaces(record):
    if "half_open" in (record.reason or "") and "network" in record.reason:
        pytest.skip("no network namespace can be made here")


@pytest.mark.timeout(180)
def test_each_trouble_is_made_and_is_over_in_the_end(meek):
    (record,) = robustness.METRIC.measure(meek)
    skip_without_namespaces(record)
    assert (record.status, record.reason) == ("ok", None)
    attacks = ["attack_fragments", "attack_large-heads"]
    assert list(record.troubles) == [SILENT, HALF_OPEN, GARBAGE, CROWD, REQUESTS, *attacks]
    for name, trouble in record.troubles.items():
        assert trouble.serves_again
        assert trouble.during.hold.delivered > 0
        if name in attacks:
            assert trouble.pressed["sent"] > 0
        else:
            assert trouble.before.hold.delivered > 0
            assert trouble.after.hold.lost == 0
    assert record.troubles[SILENT].pressed == {"members": 10}
    assert record.troubles[GARBAGE].pressed["tried"] >= 20
    assert record.troubles[CROWD].pressed["tried"] == 80
    assert record.troubles[REQUESTS].pressed["tried"] >= 20
    assert record.troubles[REQUESTS].pressed["failed"] == 0
    assert "p99" in robustness.METRIC.describe(record)
    assert record.troubles[HALF_OPEN].pressed["left"] == 10, "it takes them for alive"
    values = values_of(record)
    assert values.pop("robust_half_open_noticed") is None
    assert all(values.values()), values

    shut = msgspec.structs.replace(record.troubles[GARBAGE], serves_again=False)
    record.troubles[GARBAGE] = shut
    assert values_of(record)["robust_garbage_p99"] is None
    assert "nobody is let in afterwards" in robustness.METRIC.describe(record)


@pytest.mark.timeout(180)
def test_a_server_that_pings_notices_who_is_gone_without_a_goodbye(site):
    target = discover(Workspace(ROOT)).target("chinwagd")
    build(target.server)
    (record,) = robustness.METRIC.measure(visit_of(target, site))
    skip_without_namespaces(record)
    gone = record.troubles[HALF_OPEN].pressed
    assert (gone["members"], gone["left"]) == (10, 0)
    assert gone["noticed_s"] >= 1, "not before the idle timeout"
    assert values_of(record)["robust_half_open_noticed"].low == gone["noticed_s"]


def test_requests_are_timed_from_when_each_was_due_and_failures_are_counted():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [
            *(sys.executable, "-I", "-S", strangers.__file__),
            *("requests", str(listener.getsockname()[1]), "50", "/health"),
        ]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            slow, _ = listener.accept()
            with slow:
                # The first answer takes 0.3 s, so fifteen more are due by then.
                time.sleep(0.3)
                for status in ("200 OK", *["200 OK"] * 14, "503 Busy"):
                    slow.recv(65536)
                    slow.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
                said, _ = process.communicate()
    done = json.loads(said)
    assert done["failed"] >= 1
    assert 150 <= done["p99_ms"] < 3_000


def test_without_a_rate_no_requests_are_made_and_no_row_speaks_of_them(meek):
    table = msgspec.to_builtins(SETTINGS) | {"requests_per_s": 0.0}
    plan = {"settings": {"robustness": table}}
    rows = robustness.METRIC.rows_of_run(SimpleNamespace(plan=plan))
    assert not [spec.row.id for spec in rows if "requests" in spec.row.id]
    settings = msgspec.convert(table, type=robustness.Settings)
    assert settings.planned_s < SETTINGS.planned_s


def test_an_attack_that_there_is_not_is_refused():
    table = msgspec.to_builtins(SETTINGS) | {"attacks": ["flood"]}
    with pytest.raises(msgspec.ValidationError, match="there is no attack 'flood'; there are gets"):
        msgspec.convert(table, type=robustness.Settings)


def test_a_server_of_another_protocol_is_pressed_by_http_alone():
    named = ["joins", "fragments", "half-requests", "large-heads"]
    catalog = discover(Workspace(ROOT))
    pressed = [one.name for one in crowds.attacks_on(catalog.target("node-socketio"), named)]
    assert pressed == ["half-requests", "large-heads"]
    assert [one.name for one in crowds.attacks_on(catalog.target("go"), named)] == named


def test_connections_are_counted_by_port_and_peer():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert established(port, "127.0.0.1") == 0
        with socket.create_connection(("127.0.0.1", port)), listener.accept()[0]:
            assert established(port, "127.0.0.1") == 1
            assert established(port, "127.0.0.2") == 0
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), listener.accept()[0]:
            assert established(port, "127.0.0.1") == 1


@pytest.mark.parametrize("kind", ["garbage", "crowd"])
def test_strangers_end_with_their_input_and_say_what_they_did(kind):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        came = []

        def take():
            while True:
                try:
                    one, _ = listener.accept()
                except OSError:
                    return
                one.settimeout(0.1)
                came.append(one)

        threading.Thread(target=take, daemon=True).start()
        command = [sys.executable, "-I", "-S", strangers.__file__, kind, str(port), "30", "/ws"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            while len(came) < 5:
                assert process.poll() is None
            said, _ = process.communicate()
        done = json.loads(said)
        assert done["tried"] >= 5
        assert process.returncode == 0
        for one in came:
            one.close()
