"""Reads run.json. ``machine`` and ``plan`` keep whatever a run wrote into them, and of that the
parts which the kit reads are checked here, so that nobody who reads them meets another type.
"""

from __future__ import annotations

from typing import Any

import msgspec

from chinwag_bench.judging.sustained import SustainedLimits
from chinwag_bench.load_profile import Mix
from chinwag_bench.metrics.registry import METRICS
from chinwag_bench.records import Json, Run


class _Table(msgspec.Struct, kw_only=True):
    """A metric's settings: of older runs, too, which had other ones."""

    load: str | None = None
    connections: int | None = None
    repeats: int | None = None
    fewer_connections: dict[str, int] = {}
    attacks: list[str] = []
    requests_per_s: float | None = None
    sustained: SustainedLimits | None = None


class _Settings(msgspec.Struct, kw_only=True):
    """A run profile; it has a table for each metric besides."""

    one_variant: list[str] = []
    columns: dict[str, list[str]] = {}


_WITH_TABLES: Any = msgspec.defstruct(
    "Settings",
    [(metric.name, _Table | None, None) for metric in METRICS],
    bases=(_Settings,),
    kw_only=True,
)


class _Load(msgspec.Struct, kw_only=True):
    description: str = ""
    connections: int | None = None
    room_size: int | None = None
    rooms_per_connection: int | None = None
    content_bytes: int | None = None
    mix: Mix | None = None


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
