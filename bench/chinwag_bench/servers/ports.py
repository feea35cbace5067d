"""Free TCP ports that the kernel will not hand to a client meanwhile."""

from __future__ import annotations

import random
import socket
import time
from pathlib import Path

from chinwag_bench.errors import HostError

_LOWEST = 20000
_HIGHEST = 32000
_ATTEMPTS = 200
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def pick_port(host: str = "127.0.0.1") -> int:
    """A port below the ephemeral range that could be bound just now. Another process may still take
    it first: who starts a server retries. Raises ``HostError`` when none is found.
    """
    lowest, highest = port_span()
    for _ in range(_ATTEMPTS):
        port = random.randint(lowest, highest)
        if is_free(port, host):
            return port
    raise HostError(
        f"no free port between {lowest} and {highest} on {host}",
        hint="see who listens with `ss -ltnp`",
    )


def port_span() -> tuple[int, int]:
    """The lowest and the highest port that a server may get, below the ephemeral range."""
    highest = min(_HIGHEST, ephemeral_low() - 1)
    return min(_LOWEST, max(1024, highest - 2000)), highest


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there. SO_REUSEADDR, as servers set it: old TIME_WAITs do not
    count.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def wait_until_free(port: int, host: str = "127.0.0.1", timeout_s: float = 10.0) -> None:
    """Waits until the port can be listened on again. Raises ``HostError`` after ``timeout_s``
    seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not is_free(port, host):
        if time.monotonic() > deadline:
            raise HostError(
                f"port {port} on {host} is still taken {timeout_s:.0f} s after its server's end",
                hint="see who listens with `ss -ltnp`",
            )
        time.sleep(0.01)


def ephemeral_low() -> int:
    """The lowest port that the kernel gives to outgoing connections."""
    try:
        return int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32768
