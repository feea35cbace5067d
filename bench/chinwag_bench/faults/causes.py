"""The faults that servers are measured with, and what of them a server can have."""

from __future__ import annotations

from typing import Literal

import msgspec

from chinwag_bench.servers.catalog import Target

EXCEPTION, STUCK, KILL_UNIT, KILL_ALL = "exception", "stuck", "kill_unit", "kill_all"
ALLOWED, EXCEEDED = "restarts_allowed", "restarts_exceeded"


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. A client asks for it by a message, or processes are killed."""

    name: str
    asked: str = ""
    """The message's type."""
    ms: int = 0
    """For how long what was asked for keeps its handler busy."""
    times: int = 1
    """How often it is asked for, within ``seconds``."""
    seconds: float = 0.0
    on_fresh: bool = False
    """Needs a server to which nothing has happened yet."""
    kills: Literal["", "worker", "all"] = ""
    is_of_the_asker: bool = False
    """Whether the connection that asks is the victim; else those are that end."""


def causes_of(target: Target, spin_ms: int) -> list[Cause]:
    """In the order in which a server has them: the gentle ones first. Where its smallest killable
    unit is all of it, that is killed once.
    """
    manifest = target.server.manifest
    found = []
    if manifest.faults is not None:
        found = [
            Cause(name=EXCEPTION, asked="__crash", is_of_the_asker=True),
            Cause(name=STUCK, asked="__spin", ms=spin_ms, is_of_the_asker=True),
        ]
        found += [Cause(name=name, asked=asked) for name, asked in manifest.faults.parts.items()]
        if limit := manifest.faults.supervisor:
            asked = manifest.faults.parts[limit.part]
            found += [
                Cause(
                    name=name,
                    asked=asked,
                    times=limit.restarts + more,
                    seconds=limit.seconds,
                    on_fresh=True,
                )
                for name, more in ((ALLOWED, 0), (EXCEEDED, 1))
            ]
    unit = target.settings.smallest_killable_unit or manifest.smallest_killable_unit
    if unit == "connection":
        found.append(Cause(name=KILL_UNIT, asked="__kill", is_of_the_asker=True))
    elif unit == "worker":
        found.append(Cause(name=KILL_UNIT, kills="worker"))
    return [*found, Cause(name=KILL_ALL, kills="all")]
