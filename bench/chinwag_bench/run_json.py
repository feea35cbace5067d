"""Reads run.json. ``machine`` and ``plan`` keep whatever a run wrote into them, and of that the
parts which the kit reads are checked here, so that nobody who reads them meets another type.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from chinwag_bench.judging.sustained import SustainedLimits
from chinwag_bench.load_profile import Mix
from chinwag_bench.metrics.registry import METRICS
from chinwag_bench.records import Json, Run


class _Table(msgspec.Struct, kw_only=True):
    """A metric's settings: of older runs, too, which had other ones."""

    load: str | None = None
    connections: int = 0
    repeats: int | None = None
    fewer_connections: dict[str, int] = {}
    attacks: list[str] = []
    requests_per_s: float | None = None
    sustained: SustainedLimits | None = None
    profiles: list[str] = []
    at_main_rate: list[str] = []


class _TableOfLoads(_Table, kw_only=True):
    """Of a metric that searches several loads, each from a rate of its own."""

    start_deliveries_per_s: dict[str, float] = {}


class _Settings(msgspec.Struct, kw_only=True):
    """A run profile; it has a table for each metric besides."""

    one_variant: list[str] = []
    columns: dict[str, list[str]] = {}


_OTHERS: dict[str, type[_Table]] = {"load_throughput": _TableOfLoads}
_WITH_TABLES: Any = msgspec.defstruct(
    "Settings",
    [(metric.name, _OTHERS.get(metric.name, _Table) | None, None) for metric in METRICS],
    bases=(_Settings,),
    kw_only=True,
)


class _Load(msgspec.Struct, kw_only=True):
    """A load profile; the first kits did not write all of it."""

    description: str = ""
    connections: int
    room_size: Annotated[int, msgspec.Meta(ge=1)]
    rooms_per_connection: int = 1
    content_bytes: int
    mix: Mix


class _MadeWith(msgspec.Struct, kw_only=True):
    builds: dict[str, str] = {}


class _Plan(msgspec.Struct, kw_only=True):
    rounds: int | None = None
    server_cores: list[int] = []
    generator_cores: list[int] = []
    caveats: list[str] = []
    network: str | None = None
    loads: dict[str, _Load] = {}
    settings: _WITH_TABLES = None
    made_with: _MadeWith | None = None
    headroom: Json = {}


class _Machine(msgspec.Struct, kw_only=True):
    memory_bytes: float | None = None
    sysctl: Json | None = None


class _Parts(msgspec.Struct, kw_only=True):
    plan: _Plan
    machine: _Machine


def decode_run(content: bytes) -> Run:
    """Raises one of ``UNDECODABLE``, with the key."""
    run = msgspec.json.decode(content, type=Run)
    msgspec.json.decode(content, type=_Parts)
    return run
