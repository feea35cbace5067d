"""A small network of this machine's own, whose cables can be pulled: a namespace for each node and
one for what stands between them.
"""

from __future__ import annotations

import ipaddress
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from chinwag_bench.errors import HostError
from chinwag_bench.servers.parent_death import ending_with_parent

_ATTEMPTS = 8
_COMMAND_TIMEOUT_S = 10.0
_GONE_TIMEOUT_S = 5.0
_ENTERED_TIMEOUT_S = 5.0
_HOLDER = 'sleep infinity & trap "kill $!; ip link del front; ip link del back; exit" TERM; wait'
"""Deletes its cables, both ends with each, before its namespace goes: connections without an owner
may keep that for minutes."""
_HUB = 254
"""Of the middle, at the end of the addresses by which nodes find each other."""
_TOOLS = ("ip", "nsenter", "unshare")
_OWN_NAMESPACE = Path("/proc/self/ns/net")


class Network:
    """Each node has two links: one to this machine, where its clients are, and one to the middle,
    through which nodes reach each other and a backplane. The addresses are of 198.18.0.0/15, which
    is set aside for measuring (RFC 2544). Leave its ``with`` block and it is gone; if this process
    is killed, it goes with it.
    """

    def __init__(self, nodes: int) -> None:
        """Raises ``HostError`` where this machine does not let it."""
        missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
        if missing:
            raise HostError(
                f"{', '.join(missing)}: not installed, so no network can be made whose link is cut",
                hint="run `make setup`, or install iproute2 and util-linux",
            )
        self._holders: list[subprocess.Popen[bytes]] = []
        self._count = nodes
        try:
            # The last one is the middle.
            self._holders = [_hold_namespace() for _ in range(nodes + 1)]
            self._number = self._plug_in()
            self._join_nodes()
        except BaseException:
            self.end()
            raise

    def host(self, node: int) -> str:
        """Where this machine reaches the node; counted from 0."""
        return f"198.18.{self._number}.{4 * node + 2}"

    def gateway(self, node: int) -> str:
        """Where the node reaches this machine."""
        return f"198.18.{self._number}.{4 * node + 1}"

    def inner_host(self, node: int) -> str:
        """Where other nodes reach it."""
        return f"198.19.{self._number}.{node + 1}"

    @property
    def middle_host(self) -> str:
        """Where this machine reaches the middle."""
        return self.host(self._count)

    @property
    def middle_inner_host(self) -> str:
        """Where nodes reach the middle."""
        return f"198.19.{self._number}.{_HUB}"

    def namespace(self, node: int) -> str:
        """Path of the node's network namespace."""
        return _path(self._holders[node])

    @property
    def middle_namespace(self) -> str:
        return _path(self._holders[self._count])

    @property
    def links(self) -> list[str]:
        """Names of this machine's ends of the cables, the middle's last."""
        return [self._outer(node) for node in range(len(self._holders))] if self._is_made else []

    def cut(self, node: int) -> None:
        """Nothing passes between the node and the middle any more, and nobody is told."""
        self._ip_in_middle(f"link set back{node} down")

    def heal(self, node: int) -> None:
        self._ip_in_middle(f"link set back{node} up")

    def unplug(self, node: int) -> None:
        """Cuts its link to this machine: what is in it falls silent without a goodbye."""
        _ip(_enter(self._holders[node]), "link set front down")

    def end(self) -> None:
        """Calling it again changes nothing. What still runs in it keeps its namespace."""
        for holder in self._holders:
            holder.terminate()
        for holder in self._holders:
            _end(holder)
        ends = self.links
        self._holders = []
        for name in ends:
            # With one end of a cable the other one goes, too.
            with suppress(HostError):
                _ip([], f"link del {name}")
        _wait_gone(ends)

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def _is_made(self) -> bool:
        return hasattr(self, "_number")

    def _outer(self, node: int) -> str:
        return f"chinwag{self._number}.{node}"

    def _plug_in(self) -> int:
        """Every namespace's link to this machine. Returns the third number of all addresses: one
        that nobody else on this machine has.
        """
        for _ in range(_ATTEMPTS):
            number = random.randrange(256)
            if _is_taken(number):
                continue
            for node, holder in enumerate(self._holders):
                outer, last = f"chinwag{number}.{node}", 4 * node
                front = f"198.18.{number}"
                _ip(
                    [],
                    f"link add name {outer} type veth peer name front netns {holder.pid}",
                    f"address add {front}.{last + 1}/30 dev {outer}",
                    f"link set {outer} up",
                )
                _ip(
                    _enter(holder),
                    "link set lo up",
                    f"address add {front}.{last + 2}/30 dev front",
                    "link set front up",
                )
            return number
        raise HostError(
            "198.18.0.0/15 is in use on this machine: no addresses are left for a network of nodes",
            hint="see `ip address`",
        )

    def _join_nodes(self) -> None:
        """All links to the middle, and the bridge there that joins them."""
        middle = f"198.19.{self._number}.{_HUB}"
        self._ip_in_middle(
            "link add name middle type bridge",
            f"address add {middle}/24 dev middle",
            "link set middle up",
        )
        for node, holder in enumerate(self._holders[: self._count]):
            self._ip_in_middle(
                f"link add name back{node} type veth peer name back netns {holder.pid}",
                f"link set back{node} master middle",
                f"link set back{node} up",
            )
            inner = f"address add {self.inner_host(node)}/24 dev back"
            _ip(_enter(holder), inner, "link set back up")

    def _ip_in_middle(self, *commands: str) -> None:
        _ip(_enter(self._holders[self._count]), *commands)


def entered(namespace: str, command: Sequence[str]) -> list[str]:
    """The command as it runs in that network namespace, as the same process."""
    return ["nsenter", f"--net={namespace}", "--", *command]


def _hold_namespace() -> subprocess.Popen[bytes]:
    """A process that does nothing in a network namespace of its own."""
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", _HOLDER],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=ending_with_parent(signal.SIGTERM),  # noqa: PLW1509 (no other threads)
    )
    assert holder.stderr is not None
    deadline = time.monotonic() + _ENTERED_TIMEOUT_S
    own = os.readlink(_OWN_NAMESPACE)
    while _namespace_of(holder) in (None, own):
        if holder.poll() is not None or time.monotonic() > deadline:
            holder.kill()
            said = holder.stderr.read().decode(errors="replace").strip()
            holder.wait()
            raise HostError(
                f"no network namespace can be made here: {said or 'it takes too long'}",
                hint="a link is cut by root only, and where containers may make namespaces",
            )
        time.sleep(0.002)
    holder.stderr.close()
    return holder


def _end(holder: subprocess.Popen[bytes]) -> None:
    try:
        holder.wait(_GONE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        holder.kill()
        holder.wait()


def _namespace_of(holder: subprocess.Popen[bytes]) -> str | None:
    try:
        return os.readlink(_path(holder))
    except OSError:
        return None


def _path(holder: subprocess.Popen[bytes]) -> str:
    return f"/proc/{holder.pid}/ns/net"


def _enter(holder: subprocess.Popen[bytes]) -> list[str]:
    return entered(_path(holder), [])


def _ip(prefix: list[str], *commands: str) -> None:
    """Runs ip(8). Raises ``HostError`` with its words."""
    _run_ip([*prefix, "ip", "-batch", "-"], "\n".join(commands) + "\n")


def _run_ip(command: list[str], text: str = "") -> str:
    try:
        made = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_TIMEOUT_S,
        )
        wrong = "" if made.returncode == 0 else made.stderr.strip() or "ip failed"
    except subprocess.TimeoutExpired:
        wrong = f"ip does not end within {_COMMAND_TIMEOUT_S:.0f} s"
    if wrong:
        raise HostError(
            f"no network of nodes can be made here: {wrong}",
            hint="it needs root, veth and bridge: see `ip link`",
        )
    return made.stdout


def _is_taken(number: int) -> bool:
    """Whether this machine has a way to there: of another run, say, or by a private network."""
    shown = _run_ip(["ip", "-oneline", "-4", "route", "show", "table", "all"])
    wanted = [ipaddress.ip_network(f"198.{second}.{number}.0/24") for second in (18, 19)]
    return any(way.overlaps(one) for way in _destinations(shown) for one in wanted)


def _destinations(routes: str) -> Iterator[ipaddress.IPv4Network]:
    """Of ip-route(8)'s lines, but for the way to everywhere."""
    for line in routes.splitlines():
        words = [word for word in line.split() if word[:1].isdigit()]
        with suppress(ValueError):
            yield ipaddress.IPv4Network(words[0] if words else "", strict=False)


def _interfaces() -> set[str]:
    """Of the network that this process is in, which /sys may not show."""
    rows = Path("/proc/net/dev").read_text().splitlines()[2:]
    return {row.partition(":")[0].strip() for row in rows}


def _wait_gone(names: Sequence[str]) -> None:
    deadline = time.monotonic() + _GONE_TIMEOUT_S
    while set(names) & _interfaces():
        if time.monotonic() > deadline:
            return
        time.sleep(0.005)
