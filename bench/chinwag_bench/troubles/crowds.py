"""Programs that press a server from outside: strangers, and attackers of a class."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chinwag_bench.attacks import attacker
from chinwag_bench.attacks.classes import ATTACKS, Attack
from chinwag_bench.errors import GeneratorError
from chinwag_bench.metrics.cell import Place
from chinwag_bench.metrics.first_message import ENGINE_IO_PATH
from chinwag_bench.records import Json
from chinwag_bench.servers.catalog import Target
from chinwag_bench.servers.parent_death import ending_with_parent
from chinwag_bench.servers.process import ServerProcess
from chinwag_bench.troubles import strangers
from chinwag_bench.troubles.press import Setting, Trouble

_END_S = 15.0
_NICE = 10
"""Of attackers: they share cores with the load generator, whose members are watched."""
_STRANGERS = (sys.executable, "-I", "-S", str(Path(strangers.__file__).resolve()))


def garbage(setting: Setting, per_s: float) -> Trouble:
    with setting.members() as pair:
        crowd = _Crowd(_strangers(pair.server, "garbage", per_s), setting.place)
        return setting.press(pair, crowd.start, crowd.end)


def requests(setting: Setting, per_s: float) -> Trouble:
    with setting.members() as pair:
        program = [*_STRANGERS, "requests", str(pair.server.port), str(per_s), "/health"]
        crowd = _Crowd(program, setting.place)
        return setting.press(pair, crowd.start, crowd.end)


def no_descriptors(setting: Setting, spare: int) -> Trouble:
    with setting.members(open_files=setting.connections + spare) as pair:
        crowd = _Crowd(_strangers(pair.server, "crowd", 2 * spare), setting.place)
        return setting.press(pair, crowd.start, crowd.end)


def attacks_on(target: Target, names: Sequence[str]) -> list[Attack]:
    """Those among them that the server can be pressed by: its messages may be others."""
    speaks = target.server.manifest.transport == "websocket"
    return [one for one in ATTACKS if one.name in names and (speaks or one.is_http)]


def attack(setting: Setting, one: Attack) -> Trouble:
    """Its crowd is there before the hold begins; then it presses without a pause."""
    core = str(setting.place.site.cpus.generator[-1])
    with setting.members() as pair:
        command = [
            *(sys.executable, "-m", attacker.__name__, one.name),
            *("--port", str(pair.server.port), "--cpu", core, "--nice", str(_NICE)),
        ]
        crowd = _Crowd(command, setting.place)
        with crowd.prepared():
            return setting.press(pair, crowd.go_on, crowd.end, alone=True)


def _strangers(server: ServerProcess, kind: str, number: float) -> list[str]:
    transport = server.launch.target.server.manifest.transport
    target = ENGINE_IO_PATH if transport == "engine.io" else "/ws"
    return [*_STRANGERS, kind, str(server.port), str(number), target]


class _Crowd:
    """A program that presses until its standard input ends, and then says what it did."""

    def __init__(self, command: list[str], place: Place) -> None:
        self._command = command
        self._cores = place.site.cpus.generator
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=ending_with_parent(),  # noqa: PLW1509 (the kit has no other threads)
        )
        os.sched_setaffinity(self._process.pid, self._cores)

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Started, and its set-up done; whatever happens then, it ends."""
        self.start()
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            if self._process.stdout.readline() != "ready\n":
                raise GeneratorError("the attackers did not get ready")
            yield
        finally:
            self._process.kill()
            self._process.wait()

    def go_on(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def end(self) -> Json:
        assert self._process is not None
        try:
            said, _ = self._process.communicate(timeout=_END_S)
            done: Json = json.loads(said)
            return done
        except (subprocess.TimeoutExpired, ValueError) as error:
            raise GeneratorError(f"the strangers did not end as they should: {error}") from error
        finally:
            self._process.kill()
            self._process.wait()
