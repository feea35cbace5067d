"""What the shell offers after Tab: servers with their variants, metrics, run profiles.

A completion that fails must not spoil the line that is being typed, so it offers nothing instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chinwag_bench.errors import ChinwagError
from chinwag_bench.metrics.registry import BY_NAME
from chinwag_bench.paths import find_workspace
from chinwag_bench.runs.profile import PROFILES
from chinwag_bench.servers.catalog import discover


def server_names(incomplete: str) -> list[str]:
    """NAME, and NAME:VARIANT once a colon was typed."""
    return [name for name in _names(":" in incomplete) if name.startswith(incomplete)]


def server_lists(incomplete: str) -> list[str]:
    """The last name of a comma-separated list, after the names that are there already."""
    return _lists(incomplete, server_names)


def metric_lists(incomplete: str) -> list[str]:
    """The last name of a comma-separated list, likewise."""
    return _lists(incomplete, lambda last: [name for name in BY_NAME if name.startswith(last)])


def _lists(incomplete: str, names: Callable[[str], list[str]]) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    taken = before.split(",")
    return [f"{before}{comma}{name}" for name in names(last) if name not in taken]


def profiles(incomplete: str) -> list[str]:
    names = sorted(path.stem for path in PROFILES.glob("*.toml"))
    return [name for name in names if name.startswith(incomplete)]


def _names(with_variants: bool) -> Iterator[str]:
    try:
        servers = discover(find_workspace()).servers
    except ChinwagError:
        return
    for name, server in servers.items():
        yield name
        if with_variants:
            yield from (f"{name}:{variant}" for variant in server.manifest.variants)
