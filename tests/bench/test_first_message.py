"""The first message: joined and had back, whichever transport carries it."""

import threading
from contextlib import contextmanager

import pytest
from chinwag_bench.metrics.first_message import exchange
from websockets.sync.server import serve


@contextmanager
def serving(handle):
    with serve(handle, "127.0.0.1", 0) as server:
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


def test_a_refusal_is_said():
    with (
        serving(lambda connection: socket_io(connection, refuses=True)) as port,
        pytest.raises(ValueError, match="no such user"),
    ):
        exchange("engine.io", port, timeout_s=5.0)


@pytest.mark.parametrize("transport", ["websocket", "engine.io"])
def test_a_server_that_says_nothing_is_not_waited_for(transport):
    done = threading.Event()
    with serving(lambda connection: done.wait(5)) as port:
        with pytest.raises(TimeoutError):
            exchange(transport, port, timeout_s=0.2)
        done.set()
