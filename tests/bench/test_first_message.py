"""The first message: joined and had back, whichever transport carries it."""

import threading
from contextlib import contextmanager

import pytest
from chinwag_bench.metrics.first_message import exchange
from websockets.sync.server import serve


@contextmanager
def serving(handle):
    def handle_to_the_end(connection):
        """What the client still sends is read: a close before it would reset the connection."""
        handle(connection)
        for _ in connection:
            continue

    with serve(handle_to_the_end, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()


def socket_io(connection, *, refuses=False):
    """As Socket.IO 4 answers: an open packet, a ping between, an event for each event."""
    assert connection.request.path == "/socket.io/?EIO=4&transport=websocket"
    connection.send('0{"sid":"a"}')
    assert connection.recv() == '40{"user":"first"}'
    if refuses:
        connection.send('44{"message":"no such user"}')
        return
    connection.send("2")
    assert connection.recv() == "3"
    connection.send('40{"sid":"b"}')
    assert connection.recv() == '42["join", {"room": "start"}]'
    connection.send('42["user_joined",{"room":"start"}]')
    assert connection.recv() == '42["message", {"room": "start", "content": "first"}]'
    connection.send('42["message",{"room":"start","content":"first"}]')


def test_socket_io_events_are_spoken():
    with serving(socket_io) as port:
        exchange("engine.io", port, timeout_s=5.0)


def wse(connection):
    """As wse-server answers: the user is in a cookie, a ping without a type between."""
    assert connection.request.headers["Cookie"] == "user=first"
    connection.send('{"type":"welcome","user":"first"}')
    assert connection.recv() == '{"type": "join", "room": "start"}'
    connection.send('{"c":"WSE","t":"ping","p":{"server_time":"2026-11-26T12:00:00.000Z"}}')
    assert connection.recv() == '{"type": "message", "room": "start", "content": "first"}'
    connection.send('{"type":"message","room":"start","content":"first"}')


def test_wse_is_spoken():
    with serving(wse) as port:
        exchange("wse", port, timeout_s=5.0)


def centrifugo(connection, *, refuses=False):
    """As Centrifugo answers: a reply a command, several in a frame, a ping between."""
    assert connection.request.path == "/ws"
    assert connection.request.headers["X-User-Id"] == "first"
    assert connection.recv() == '{"id": 1, "connect": {}}'
    assert connection.recv() == '{"id": 2, "subscribe": {"channel": "rooms:start"}}'
    if refuses:
        connection.send('{"id":1,"connect":{}}\n{"id":2,"error":{"code":106,"message":"no room"}}')
        return
    connection.send('{"id":1,"connect":{"client":"a"}}\n{"id":2,"subscribe":{}}\n{}')
    publication = '{"channel": "rooms:start", "data": {"content": "first"}}'
    assert connection.recv() == f'{{"id": 3, "publish": {publication}}}'
    assert connection.recv() == "{}"
    connection.send('{"push":{"channel":"rooms:start","join":{"info":{"user":"first"}}}}')
    connection.send('{"push":{"channel":"rooms:start","pub":{"data":{"content":"first"}}}}')


def test_centrifugo_is_spoken():
    with serving(centrifugo) as port:
        exchange("centrifugo", port, timeout_s=5.0)


def test_a_refusal_by_centrifugo_is_said():
    with (
        serving(lambda connection: centrifugo(connection, refuses=True)) as port,
        pytest.raises(ValueError, match="no room"),
    ):
        exchange("centrifugo", port, timeout_s=5.0)


def test_a_refusal_is_said():
    with (
        serving(lambda connection: socket_io(connection, refuses=True)) as port,
        pytest.raises(ValueError, match="no such user"),
    ):
        exchange("engine.io", port, timeout_s=5.0)


@pytest.mark.parametrize("transport", ["websocket", "engine.io", "wse", "centrifugo"])
def test_a_server_that_says_nothing_is_not_waited_for(transport):
    done = threading.Event()
    with serving(lambda connection: done.wait(5)) as port:
        with pytest.raises(TimeoutError):
            exchange(transport, port, timeout_s=0.2)
        done.set()
