"""A load that goes on while something happens to a server, and the log of it."""

from __future__ import annotations

from collections.abc import Callable

from chinwag_bench.faults.watched import Watched, read_log
from chinwag_bench.generator import Generator, WatchRequest
from chinwag_bench.load_profile import LoadProfile


def watch(
    generator: Generator,
    request: WatchRequest,
    load: LoadProfile,
    connections: int,
    meanwhile: Callable[[float], None],
) -> tuple[Watched, list[str]]:
    """As ``Generator.watch``: what the log tells, and the builds that it means by numbers. Nothing
    stays of the log.
    """
    try:
        builds = generator.watch(request, meanwhile)
        return read_log(request.log, connections, load.room_size), builds
    finally:
        request.log.unlink(missing_ok=True)
