"""One process of the load generator. All waits for it have an end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from chinwag_bench.errors import GeneratorError, HostError
from chinwag_bench.generator.settings import Event, GeneratorSettings
from chinwag_bench.servers.network import entered
from chinwag_bench.servers.parent_death import ending_with_parent
from chinwag_bench.text import last_lines

_QUIT_TIMEOUT_S = 5.0
_UNWRITABLE = 5
"""The load generator's exit code, and its error's, where a file can't be written."""


class GeneratorProcess:
    """Gets commands and is listened to. Every failure is a ``GeneratorError``, but a ``HostError``
    where what it measured can't be written: no other cell's can.
    """

    def __init__(self, settings: GeneratorSettings, log: Path) -> None:
        """``settings.connections`` are this process's own; ``log`` gets its standard error."""
        self._log = log
        self._unread = b""
        self.connections = 0
        """Open ones, as last told by whoever drives it."""
        self.lost_connections = 0
        """Connections that ended because the server went away."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                _command(settings),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                start_new_session=True,
                # In the middle of a hold it would not notice that its input has ended.
                preexec_fn=ending_with_parent(),  # noqa: PLW1509 (the kit has no other threads)
            )
        self.niceness = 0
        """What was granted."""
        with suppress(ProcessLookupError):
            if settings.cores:
                os.sched_setaffinity(self._process.pid, settings.cores)
            self._ask_for(settings.niceness)

    def _ask_for(self, niceness: int) -> None:
        """A nice value, not a real-time class: the kernel halts real-time processes that are busy
        for 50 ms of every second (sched_rt_runtime_us), and this one is meant to be.
        """
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, niceness)
            self.niceness = os.getpriority(os.PRIO_PROCESS, self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """``None`` until its end is known."""
        return self._process.returncode

    def send(self, command: Event) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(command) + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise self._ended() from None

    def expect(self, name: str, timeout_s: float) -> Event:
        """The next event of that name. Progress events of other names are passed over."""
        deadline = time.monotonic() + timeout_s
        while True:
            event = self._read_event(deadline)
            if event is None:
                raise GeneratorError(
                    f"the load generator said nothing for {timeout_s:.0f} s where `{name}` was due",
                    detail=last_lines(self._log),
                )
            kind = event.get("event")
            if kind == name:
                return event
            if kind == "error":
                text = f"the load generator: {event.get('message', event)}"
                is_host = event.get("code") == _UNWRITABLE
                raise HostError(text) if is_host else GeneratorError(text)
            if kind == "lost":
                self.lost_connections += int(event.get("connections", 0))

    def read(self, event: Event, key: str, kind: Any) -> Any:
        """A part of an event as the type that it must have."""
        try:
            return msgspec.convert(event.get(key), type=kind, strict=False)
        except msgspec.ValidationError as error:
            raise GeneratorError(
                f"the load generator's `{key}` does not fit {_name(kind)}: {error}"
            ) from error

    def kill(self) -> None:
        self._process.kill()

    def end_input(self) -> None:
        """At this it leaves by itself."""
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()

    def close(self) -> None:
        """Ends its input; kills it by its own id when it has not left after 5 s."""
        self.end_input()
        try:
            self._process.wait(_QUIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _read_event(self, deadline: float) -> Event | None:
        line = self._read_line(deadline)
        if line is None:
            return None
        try:
            event = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise GeneratorError(
                f"the load generator wrote a line that is not JSON: {line[:200]!r}"
            ) from error
        if not isinstance(event, dict):
            raise GeneratorError(
                f"the load generator wrote a line that is not an object: {line[:200]!r}"
            )
        return event

    def _read_line(self, deadline: float) -> bytes | None:
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                return None
            received = os.read(output, 65536)
            if not received:
                raise self._ended()
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _ended(self) -> GeneratorError:
        """The pipe is closed: whatever it wrote last says why."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_QUIT_TIMEOUT_S)
        said = [line for line in self._unread.splitlines() if b'"error"' in line]
        detail = said[-1].decode(errors="replace") if said else last_lines(self._log)
        code = self._process.returncode
        error = GeneratorError(f"the load generator ended with code {code}", detail=detail)
        # Its own faults end it otherwise: SIGABRT, SIGSEGV.
        error.by_signal = code in (-signal.SIGKILL, -signal.SIGTERM)
        return error


def _command(settings: GeneratorSettings) -> list[str]:
    named: dict[str, object] = {
        "--host": settings.host,
        "--port": settings.port,
        "--protocol": settings.transport,
        "--profile": settings.profile,
        "--connections": settings.connections,
        "--seed": settings.seed,
    }
    if settings.sources:
        named["--sources"] = settings.sources
    if settings.name:
        named["--name"] = settings.name
    if settings.answer_timeout_s is not None:
        named["--answer-timeout"] = settings.answer_timeout_s
    options = [str(word) for pair in named.items() for word in pair]
    for host, port in settings.also:
        options += ["--also", f"{host}:{port}"]
    command = [str(settings.binary), *options, "--control"]
    return entered(settings.namespace, command) if settings.namespace else command


def _name(kind: Any) -> str:
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"
