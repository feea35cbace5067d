"""A chat/1 server with wse-server: Rust threads move the bytes, one loop in Python serves."""

import os
import signal
import socket
import sys
import time

from chat import Chat
from health import serve_health
from settings import Settings
from topics import Topics

# One more than it has to serve: the library drops the message at the limit, not behind it.
MESSAGE_BYTES_MAX = 65_536
PENDING_BYTES_MAX = 1 << 20
# Only ever given back by its end: descriptors are what limits connections.
CONNECTIONS_MAX = 1_000_000
# What the library's documentation recommends for its drain mode.
BATCH = 256
WAIT_MS = 50
NEVER_S = 1_000_000_000
LOOK_FOR_SILENCE_S = 0.25
STARTS_WITHIN_S = 5.0
DRAIN_S = 2


def listening_socket(host: str, port: int) -> socket.socket | None:
    """The library's own, which it does not show: found among the process's descriptors."""
    for name in os.listdir("/proc/self/fd"):
        try:
            candidate = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        is_listening = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if is_listening and candidate.getsockname()[:2] == (host, port):
            return candidate
        candidate.close()
    return None


def check_address(host: str, port: int) -> None:
    """The library only logs that it can't listen. Raises ``OSError``."""
    with socket.socket(socket.AF_INET) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(1)


def start(settings: Settings):
    """The library's server, listening, with its listening socket. Raises ``OSError``."""
    # It writes its log, each refused handshake with it, on standard output.
    os.environ.setdefault("RUST_LOG", "off")
    from wse_server import RustWSEServer

    server = RustWSEServer(
        settings.host,
        settings.port,
        max_connections=CONNECTIONS_MAX,
        max_message_size=MESSAGE_BYTES_MAX,
        max_outbound_queue_bytes=PENDING_BYTES_MAX,
        ping_interval=settings.ping_interval_s,
        # Ours decides. Past its own, the library neither pings nor closes nor says so.
        idle_timeout=NEVER_S,
    )
    server.enable_drain_mode()
    check_address(settings.host, settings.port)
    server.start()
    deadline = time.monotonic() + STARTS_WITHIN_S
    while (listener := listening_socket(settings.host, settings.port)) is None:
        if time.monotonic() > deadline:
            raise OSError("the library does not listen")
        time.sleep(0.001)
    listener.listen(settings.backlog)
    return server, listener


def run(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT."""
    told_to_stop = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal told_to_stop
        told_to_stop = True

    try:
        server, listener = start(settings)
        health = serve_health(settings.health_host, settings.port)
    except (OSError, OverflowError) as error:
        sys.exit(f"can't listen on {settings.host}:{settings.port}: {error}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    chat = Chat(Topics(server), server.disconnect)
    looked_s = time.monotonic()
    while not told_to_stop:
        events = server.drain_inbound(BATCH, WAIT_MS)
        for event, connection_id, data in events:
            chat.take(event, connection_id, data)
        # Nobody is judged before all is served that came, as after the process stood still.
        if not events and time.monotonic() - looked_s > LOOK_FOR_SILENCE_S:
            chat.close_silent(settings.idle_timeout_s)
            looked_s = time.monotonic()
    # A successor listens where this one did, from now on.
    listener.shutdown(socket.SHUT_RDWR)
    health.shutdown()
    health.server_close()
    server.drain(1012, "Server is going away", DRAIN_S)
    deadline = time.monotonic() + DRAIN_S
    while server.get_connection_count() and time.monotonic() < deadline:
        time.sleep(0.01)


if __name__ == "__main__":
    run(Settings.from_environment())
