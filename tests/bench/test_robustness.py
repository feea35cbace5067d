"""The metric robustness with the real load generator, against a small server."""

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.faults import strangers
from chinwag_bench.load_profile import load_profile
from chinwag_bench.metrics import robustness
from chinwag_bench.metrics.cell import Place
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Visit
from chinwag_bench.metrics.robustness import CROWD, GARBAGE, SILENT
from chinwag_bench.paths import Workspace
from chinwag_bench.servers.build import build
from chinwag_bench.servers.catalog import Target

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
    hold=HoldSeconds(warmup_s=0.1, hold_s=0.8, drain_s=0.3),
)


@pytest.fixture
def visit(checkout, site):
    command = f'"{CHAT_SERVER}", "--port", "{{port}}"]'
    server = checkout.add_server("meek", replace=('"{build}/server.py"]', command))
    build(server)
    place = Place(site=site, target=Target(server), round=1, metric="robustness")
    loads = {name: load_profile(Workspace(ROOT), name) for name in ("chatty-small", "silent")}
    return Visit(place=place, settings=SETTINGS, loads=loads, run=None, records=[])


def test_each_trouble_is_made_and_is_over_in_the_end(visit):
    (record,) = robustness.METRIC.measure(visit)
    assert (record.status, record.reason) == ("ok", None)
    assert list(record.troubles) == [SILENT, GARBAGE, CROWD]
    for trouble in record.troubles.values():
        assert trouble.serves_again
        assert trouble.before.hold.delivered > 0
        assert trouble.during.hold.delivered > 0
        assert trouble.after.hold.lost == 0
    assert record.troubles[SILENT].pressed == {"members": 10}
    assert record.troubles[GARBAGE].pressed["tried"] >= 20
    assert record.troubles[CROWD].pressed["tried"] == 80
    assert "p99" in robustness.METRIC.describe(record)
    values = {spec.row.id: spec.bounds(record) for spec in robustness.METRIC.rows}
    assert all(values.values())


def test_who_lets_nobody_in_afterwards_has_no_value(visit):
    (record,) = robustness.METRIC.measure(visit)
    shut = msgspec.structs.replace(record.troubles[GARBAGE], serves_again=False)
    record.troubles[GARBAGE] = shut
    values = {spec.row.id: spec.bounds(record) for spec in robustness.METRIC.rows}
    assert values["robust_garbage_p99"] is None
    assert "nobody is let in afterwards" in robustness.METRIC.describe(record)


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
