"""The load generator as a child process: commands go in as NDJSON lines, events come out."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from chinwag_bench.errors import GeneratorError
from chinwag_bench.records import Hold
from chinwag_bench.servers.parent_death import ending_with_parent
from chinwag_bench.text import last_lines

_CONNECT_TIMEOUT_S = 60.0
_GRACE_S = 15.0
_QUIT_TIMEOUT_S = 5.0

Event = dict[str, Any]


class GeneratorSettings(msgspec.Struct, kw_only=True):
    """How to start the generator. It sends to ``port`` on ``host`` and nowhere else, by the
    manifest's ``transport``.
    """

    binary: Path
    profile: Path
    host: str = "127.0.0.1"
    port: int
    transport: str = "websocket"
    connections: int
    sources: int = 0
    """Loopback addresses that take turns as the connections' source; 0 leaves it to the generator.
    """
    seed: int
    cores: list[int] = []
    log: Path


class HoldRequest(msgspec.Struct, kw_only=True):
    """One steady load: messages a second, then seconds of warm-up, measured hold and drain."""

    rate: float
    warmup_s: float
    hold_s: float
    drain_s: float
    label: str
    hdr: Path | None = None

    @property
    def seconds(self) -> float:
        return self.warmup_s + self.hold_s + self.drain_s


class Connected(msgspec.Struct):
    connections: int
    refused: int = 0
    seconds: float = 0.0


class Generator:
    """A running generator. All its waits have an end; every failure is a ``GeneratorError``."""

    def __init__(self, settings: GeneratorSettings) -> None:
        self._settings = settings
        self._unread = b""
        self.lost_connections = 0
        """Connections that ended because the server went away."""
        settings.log.parent.mkdir(parents=True, exist_ok=True)
        with settings.log.open("wb") as log:
            self._process = subprocess.Popen(
                _command(settings),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                # In the middle of a hold it would not notice that its input has ended.
                preexec_fn=ending_with_parent(),  # noqa: PLW1509 (the kit has no other threads)
            )
        if settings.cores:
            with suppress(ProcessLookupError):
                os.sched_setaffinity(self._process.pid, settings.cores)

    def connect(self, connections: int, *, join: bool) -> Connected:
        """Opens connections; with ``join`` waits until all of them are members of rooms."""
        self._send({"do": "connect", "connections": connections, "join": join})
        event = self._expect("connected", _CONNECT_TIMEOUT_S)
        return msgspec.convert(event, type=Connected)

    def join(self) -> None:
        """Joins every open connection to its room."""
        self._send({"do": "join"})
        self._expect("joined", _CONNECT_TIMEOUT_S)

    def hold(self, request: HoldRequest, sample: Callable[[], None] = lambda: None) -> Hold:
        """Keeps a rate. ``sample`` is called at the begin and at the end of the measured part."""
        command = {"do": "hold"} | {key: getattr(request, key) for key in request.__struct_fields__}
        self._send(command | {"hdr": str(request.hdr) if request.hdr else None})
        self._expect("hold_started", request.warmup_s + _GRACE_S)
        sample()
        self._expect("hold_ended", request.hold_s + _GRACE_S)
        sample()
        event = self._expect("hold", request.drain_s + _GRACE_S)
        try:
            return msgspec.convert(event.get("hold"), type=Hold, strict=False)
        except msgspec.ValidationError as error:
            raise GeneratorError(
                f"the load generator's `hold` event does not fit records.Hold: {error}"
            ) from error

    def rest(self, seconds: float) -> None:
        """Keeps the connections open and alive for a while without load."""
        self._send({"do": "rest", "seconds": seconds})
        self._expect("rested", seconds + _GRACE_S)

    def close(self) -> None:
        """Ends its input, at which it leaves; kills it by its own id when it does not in 5 s."""
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_QUIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def __enter__(self) -> Generator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.kill()
        self.close()

    def _send(self, command: Event) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(command) + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise self._ended() from None

    def _expect(self, name: str, timeout_s: float) -> Event:
        """The next event of that name. Progress events of other names are passed over."""
        deadline = time.monotonic() + timeout_s
        while True:
            event = self._read_event(deadline)
            if event is None:
                raise GeneratorError(
                    f"the load generator said nothing for {timeout_s:.0f} s where `{name}` was due",
                    detail=last_lines(self._settings.log),
                )
            kind = event.get("event")
            if kind == name:
                return event
            if kind == "error":
                raise GeneratorError(f"the load generator: {event.get('message', event)}")
            if kind == "lost":
                self.lost_connections += int(event.get("connections", 0))

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
        detail = said[-1].decode(errors="replace") if said else last_lines(self._settings.log)
        return GeneratorError(
            f"the load generator ended with code {self._process.returncode}", detail=detail
        )


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
    options = [str(word) for pair in named.items() for word in pair]
    return [str(settings.binary), *options, "--control"]
