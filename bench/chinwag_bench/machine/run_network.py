"""A network namespace of a run's own: a loopback whose settings are the same on every machine, that
nobody else's traffic, firewall or ports touch.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chinwag_bench.machine.fingerprint import read_fingerprint
from chinwag_bench.machine.listen_queue import LISTEN_QUEUE_AMPLE
from chinwag_bench.machine.sysctl import read_sysctl, sysctl_path

SETTINGS = {
    "net.core.somaxconn": str(LISTEN_QUEUE_AMPLE),
    "net.ipv4.ip_local_port_range": "32768 60999",
    "net.ipv4.tcp_congestion_control": "reno",
    "net.ipv4.tcp_rmem": "4096 131072 6291456",
    "net.ipv4.tcp_wmem": "4096 16384 4194304",
}
"""Linux' own values but for two. A storm's connections all find room in the queue. ``reno`` is the
control that every kernel has and lets every namespace choose: on a loopback without loss it and the
usual ``cubic`` carry the same, and neither paces."""
PACING_PREFIX = "bbr"
"""Of the congestion controls that space out what a connection sends, by a timer for each: over
loopback that is CPU time for nothing."""
CONGESTION_CONTROL = "net.ipv4.tcp_congestion_control"
OWN = "own"
"""What run.json's ``plan.network`` says of a namespace of the run's own; the reason otherwise."""
BY_REQUEST = "the machine's, as asked for"
BOTH = "own for a part of the run, and the machine's for the other"
"""Of a run that went on where it had not begun."""
_OF_THE_KERNEL = (
    "net.core.netdev_max_backlog",
    "net.core.rmem_max",
    "net.core.wmem_max",
    "net.ipv4.tcp_mem",
)
"""Settings that act on all networks, and that only the machine's shows."""

_CLONE_NEWNET = 0x4000_0000
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_IFREQ = struct.Struct("16sh14x")
_CURRENT = Path("/proc/thread-self/ns/net")
_libc = ctypes.CDLL(None, use_errno=True)


class RunNetwork:
    """Where servers and generator of a run meet. Processes that are started while it is entered
    live in it, and it goes with the last of them.
    """

    def __init__(self, *, own: bool = True) -> None:
        """Where the machine does not let this process make one (it takes ``CAP_SYS_ADMIN``), the
        run is in the machine's network, and ``description`` says why.
        """
        self._inner: int | None = None
        self._of_the_kernel = {name: read_sysctl(name) for name in _OF_THE_KERNEL}
        self.description = BY_REQUEST
        if not own:
            return
        try:
            self._inner = _make()
            self.description = OWN
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            self.description = f"the machine's: {where}{error.strerror or error}"

    @property
    def has_been_made(self) -> bool:
        return self.description == OWN

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and what it starts, are in the network until the block ends."""
        if self._inner is None:
            yield
            return
        outer = os.open(_CURRENT, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(self._inner)
            try:
                yield
            finally:
                _enter(outer)
        finally:
            os.close(outer)

    def fingerprint(self) -> dict[str, Any]:
        """The machine's, as it is for what runs in this network; called where it is entered."""
        found = read_fingerprint()
        for name, value in self._of_the_kernel.items():
            if found["sysctl"].get(name) is None:
                found["sysctl"][name] = value
        return found

    def close(self) -> None:
        if self._inner is not None:
            os.close(self._inner)
            self._inner = None


@contextmanager
def run_network(*, own: bool) -> Iterator[RunNetwork]:
    """Makes one and lets go of it."""
    network = RunNetwork(own=own)
    try:
        yield network
    finally:
        network.close()


def pacing(root: Path = Path("/")) -> str | None:
    """The congestion control, where it is one that paces."""
    control = read_sysctl(CONGESTION_CONTROL, root)
    return control if control is not None and control.startswith(PACING_PREFIX) else None


def _make() -> int:
    """A descriptor of a new namespace that is set up; this thread is where it was afterwards."""
    outer = os.open(_CURRENT, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.unshare(_CLONE_NEWNET), "no network namespace can be made")
        try:
            _loopback_up()
            _apply()
            return os.open(_CURRENT, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            _enter(outer)
    finally:
        os.close(outer)


def _enter(namespace: int) -> None:
    _check(_libc.setns(namespace, _CLONE_NEWNET), "a network namespace can't be entered")


def _check(outcome: int, what: str) -> None:
    if outcome != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what} ({os.strerror(number)})")


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        shown = fcntl.ioctl(handle, _SIOCGIFFLAGS, _IFREQ.pack(b"lo", 0))
        name, flags = _IFREQ.unpack(shown)
        fcntl.ioctl(handle, _SIOCSIFFLAGS, _IFREQ.pack(name, flags | _IFF_UP))


def _apply() -> None:
    """What this kernel does not have is left out. Raises ``OSError`` where settings can't be
    changed, as in a container: a new namespace's own may be worse than the machine's.
    """
    for name, value in SETTINGS.items():
        setting = sysctl_path(name)
        if setting.exists():
            setting.write_text(value)
