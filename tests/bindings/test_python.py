"""`import chinwag`: a server inside this process, spoken to over a real socket."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

PACKAGE = Path(__file__).resolve().parents[2] / "build/release/bindings/python"
if not PACKAGE.is_dir():
    pytest.skip("the Python module is not built (make everything)", allow_module_level=True)
sys.path.insert(0, str(PACKAGE))
chinwag = pytest.importorskip("chinwag")


def join(server: chinwag.Server, user: str, room: str) -> ClientConnection:
    connection = connect(f"ws://127.0.0.1:{server.port}/ws?user={user}")
    assert json.loads(connection.recv())["type"] == "welcome"
    connection.send(json.dumps({"type": "join", "room": room}))
    assert json.loads(connection.recv())["type"] == "user_joined"
    return connection


def test_a_server_in_the_process_serves_messages() -> None:
    with chinwag.Server() as server, join(server, "ann", "tea") as ann:
        ann.send(json.dumps({"type": "message", "room": "tea", "content": "hello"}))
        assert json.loads(ann.recv())["content"] == "hello"
        counted = server.stats()
        assert counted["connections"] == 1
        assert counted["messages_in"]["message"] == 1


def test_two_servers_live_side_by_side() -> None:
    with chinwag.Server() as one, chinwag.Server() as other:
        assert one.port != other.port
        with join(one, "ann", "tea"):
            assert one.stats()["members"] == 1
            assert other.stats()["members"] == 0


def test_draining_closes_every_connection_with_1012() -> None:
    with chinwag.Server() as server, join(server, "ann", "tea") as ann:
        server.drain(deadline_s=5.0)
        with pytest.raises(ConnectionClosed) as closed:
            ann.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        server.drain()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"idle_timeout": 5}, "unknown_option"),
        ({"port": "tea"}, "bad_option_value"),
        ({"host": "not an address"}, "address_unusable"),
    ],
)
def test_a_wrong_option_is_an_error_with_a_code(options: dict[str, object], code: str) -> None:
    with pytest.raises(chinwag.ChinwagError) as raised:
        chinwag.Server(**options)
    assert raised.value.code == code
    assert str(raised.value)


def test_a_port_in_use_is_an_error_with_a_code() -> None:
    with chinwag.Server() as server:
        with pytest.raises(chinwag.ChinwagError) as raised:
            chinwag.Server(port=server.port)
        assert raised.value.code == "port_in_use"


def test_servers_that_come_and_go_leave_no_descriptor_behind() -> None:
    def descriptors() -> int:
        gc.collect()  # what earlier tests left to the collector is not this one's
        return len(list(Path("/proc/self/fd").iterdir()))

    with chinwag.Server():
        pass
    before = descriptors()
    for _ in range(50):
        with chinwag.Server():
            pass
    assert descriptors() == before
