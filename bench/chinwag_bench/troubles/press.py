"""A server with members who behave, and what they notice of a trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from chinwag_bench.generator import GeneratorSettings
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.user_memory import tree_user_bytes
from chinwag_bench.metrics.cell import (
    Bout,
    Place,
    attached_generator,
    open_connections,
    running_server,
)
from chinwag_bench.metrics.first_message import exchange
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.records import Json, Step
from chinwag_bench.servers.process import ServerProcess

_NAME = "both"
"""Begins the names of users and rooms of both generators: so they sit in the same rooms."""
_ANSWER_S = 5.0


class Trouble(msgspec.Struct, kw_only=True):
    """What a trouble did to those who gave no cause for it."""

    before: Step | None = None
    """``None`` where the holds of other troubles tell how it is in peace."""
    during: Step
    after: Step | None = None
    bytes_before: int
    bytes_during: int
    """User memory at the end of the trouble's hold."""
    pressed: Json = {}
    """How much of it there was."""
    serves_again: bool
    """A newcomer has its message back once it is over."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """Members, and the load at which they are watched."""

    place: Place
    load: LoadProfile
    connections: int
    deliveries_per_s: float
    hold: HoldSeconds

    @contextmanager
    def members(
        self,
        *,
        open_files: int | None = None,
        env: dict[str, str] | None = None,
        host: str = "127.0.0.1",
    ) -> Iterator[Bout]:
        """All of them joined to a fresh server; the options are ``running_server``'s."""
        place = self.place
        with (
            running_server(place, open_files=open_files, env=env, host=host) as server,
            attached_generator(place, server, self.load, self.connections, name=_NAME) as generator,
        ):
            open_connections(server, generator, self.connections, join=True)
            cores = len(place.site.cpus.generator)
            yield Bout(server, generator, self.load, self.connections, cores)
            generator.close()

    def further(self, server: ServerProcess, load: LoadProfile) -> GeneratorSettings:
        """Of a second generator, whose members sit in the same rooms."""
        place = self.place
        return GeneratorSettings(
            binary=place.site.generator,
            profile=load.path,
            port=server.port,
            transport=place.target.server.manifest.transport,
            connections=load.connections,
            room_size=1,
            open_files=place.site.open_files,
            seed=place.seed,
            cores=place.site.cpus.generator[:1],
            name=_NAME,
            log=place.site.folder / "logs" / f"{place.label}.second.log",
        )

    def press(
        self, pair: Bout, begin: Callable[[], None], end: Callable[[], Json], *, alone: bool = False
    ) -> Trouble:
        """With a hold before and one after, unless ``alone``. Raises ``ServerError`` where the
        trouble ended the server.
        """
        before = None if alone else self._hold(pair, "before")
        bytes_before = tree_user_bytes(pair.server.supervisor_pid)
        begin()
        during = self._hold(pair, "during")
        bytes_during = tree_user_bytes(pair.server.supervisor_pid)
        pressed = end()
        return Trouble(
            before=before,
            during=during,
            after=None if alone else self._hold(pair, "after"),
            bytes_before=bytes_before,
            bytes_during=bytes_during,
            pressed=pressed,
            serves_again=_serves(pair.server),
        )

    def _hold(self, pair: Bout, label: str) -> Step:
        return pair.hold(self.deliveries_per_s, self.hold, label)[0]


def _serves(server: ServerProcess) -> bool:
    try:
        exchange(server.launch.target.server.manifest.transport, server.port, _ANSWER_S)
    except Exception:  # Whatever a client may meet: it has no answer.
        return False
    return True
