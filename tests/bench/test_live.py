"""What `live` makes of two looks at a server."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading

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


def test_a_proxy_is_not_asked_for_the_own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    class Metrics(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"chinwag_deliveries_total 7\n")

        def log_message(self, *_: object) -> None:
            pass

    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(live, "_loop_cpu_s", lambda _: 0.5)
    with http.server.HTTPServer(("127.0.0.1", 0), Metrics) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        seen = live._look(live.Watched("x", 0, server.server_port))
        thread.join()
    assert (seen.deliveries, seen.cpu_s) == (7, 0.5)


def test_a_process_without_a_serving_thread_is_told_of() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other,
        pytest.raises(HostError, match="no thread called chinwag"),
    ):
        live._loop_cpu_s(other.pid)
