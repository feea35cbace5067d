"""Members that fall silent: they stop reading, or are gone without a goodbye."""

from __future__ import annotations

import os
import signal
import time

import msgspec

from chinwag_bench.generator import Generator
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.connections import established
from chinwag_bench.metrics.cell import open_connections
from chinwag_bench.records import Json
from chinwag_bench.servers.network import Network
from chinwag_bench.troubles.press import Setting, Trouble

_PING_MS, _IDLE_MS = 1_000, 2_000
"""Of a server whose peers are gone: it can learn of it by silence alone."""
_NOTICED_WITHIN_S = 12.0
_LOOK_S = 0.02
_EVERYWHERE = "0.0.0.0"


def silent_readers(setting: Setting, silent: LoadProfile) -> Trouble:
    """A second generator's members are stopped by SIGSTOP: their kernel takes what fits into its
    buffers, and no more.
    """
    with setting.members() as pair, Generator(setting.further(pair.server, silent)) as second:
        open_connections(pair.server, second, silent.connections, join=True)
        stopped = second.pids

        def stop() -> None:
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)

        def go_on() -> Json:
            for pid in stopped:
                os.kill(pid, signal.SIGKILL)
            return {"members": silent.connections}

        try:
            return setting.press(pair, stop, go_on)
        finally:
            go_on()


def half_open(setting: Setting, silent: LoadProfile) -> Trouble:
    """A second generator's members are in a network namespace whose link is cut: no FIN comes, no
    reset, and no acknowledgement. ``pressed`` says for how long the server took them for alive.
    Raises ``HostError`` where this machine makes no namespaces.
    """
    timers = {"CHAT_PING_INTERVAL_MS": str(_PING_MS), "CHAT_IDLE_TIMEOUT_MS": str(_IDLE_MS)}
    with Network(1) as network, setting.members(env=timers, host=_EVERYWHERE) as pair:
        own = msgspec.structs.replace(
            setting.further(pair.server, silent),
            host=network.gateway(0),
            namespace=network.namespace(0),
        )
        with Generator(own) as second:
            open_connections(pair.server, second, silent.connections, join=True)
            cut_at = 0.0

            def cut() -> None:
                nonlocal cut_at
                network.unplug(0)
                cut_at = time.monotonic()

            def look() -> Json:
                until = cut_at + _NOTICED_WITHIN_S
                while left := established(pair.server.port, network.host(0)):
                    if time.monotonic() > until:
                        break
                    time.sleep(_LOOK_S)
                waited_s = time.monotonic() - cut_at
                return {"members": silent.connections, "left": left, "noticed_s": waited_s}

            try:
                return setting.press(pair, cut, look)
            finally:
                for pid in second.pids:
                    os.kill(pid, signal.SIGKILL)
