"""What somebody needs of a chat server: typed as options, or kept in a TOML file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from chinwag_bench.errors import UsageError
from chinwag_bench.numbers import check_range
from chinwag_bench.toml_files import read_toml

PRESETS_TOML = Path(__file__).with_name("presets.toml")


class Needs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The load first, then the machine, what has to hold, and the team. What is ``None`` or empty
    is not asked for.
    """

    connections: float = 10_000
    deliveries_per_s: float = 50_000
    """Messages a second times those who hear each."""
    room_size: int = 100
    """Who hear a message. The rules of the articles count messages."""
    p99_ms: float = 100
    cores: int = 2
    memory_mb: float | None = None
    """User and kernel memory of the server together, MB of 10^6 bytes."""
    recovery_ms: float | None = None
    """After a crash everybody else has to hear again within."""
    upgrades: bool = False
    """No connection may end, and nothing may be lost, when a new build takes over."""
    nodes: int = 1
    languages: list[str] = []
    """What the team writes servers in."""
    team: int | None = None
    """How many write the server."""
    weeks: int | None = None
    """Until it has to be there."""
    prototype: bool = False
    integrations: bool = False
    """With many services of others."""
    rest: bool = False
    """HTTP requests in the same process."""
    weights: dict[str, float] = {}
    """By how much a merit counts, 1 each where nothing is said."""

    @property
    def messages_per_s(self) -> float:
        """Of all clients together."""
        return self.deliveries_per_s / self.room_size


class Preset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Needs to start from."""

    title: str
    statement: str = ""
    """Id of the statement that it is an example of."""
    assumed: str = ""
    """What the article does not say, and somebody has to."""
    needs: Needs


def checked(needs: Needs) -> Needs:
    """The same. Raises UsageError for a number that is none of what it counts."""
    at_least = {"connections": 1, "room_size": 1, "cores": 1, "nodes": 1, "team": 1, "weeks": 1}
    for name in needs.__struct_fields__:
        value = getattr(needs, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        check_range(f"{name} = {value:g}", value, at_least.get(name, 0))
    for name, weight in needs.weights.items():
        check_range(f"the weight {name} = {weight:g}", weight, 0)
    return needs


def read(path: Path) -> Needs:
    """Needs of a file. Raises UsageError for what is none, HostError where it can't be read."""
    return checked(_decoded(path, Needs))


@cache
def presets() -> dict[str, Preset]:
    """By name, in the order of the file."""
    found: dict[str, Preset] = _decoded(PRESETS_TOML, dict[str, Preset])
    return found


def preset(name: str) -> Preset:
    """Raises UsageError for an unknown one."""
    found = presets().get(name)
    if found is None:
        raise UsageError(
            f"there is no preset {name!r}", hint=f"The presets are: {', '.join(presets())}."
        )
    return found


def changed(needs: Needs, **given: Any) -> Needs:
    """With what was given besides; ``None`` leaves a need as it is."""
    stated = {name: value for name, value in given.items() if value is not None}
    return checked(msgspec.structs.replace(needs, **stated))


def _decoded(path: Path, kind: Any) -> Any:
    fields = ", ".join(Needs.__struct_fields__)
    absent = f'name a TOML file of needs, such as `languages = ["go"]`. They are: {fields}.'
    return read_toml(path, kind, absent=absent, wrong=f"The needs are: {fields}.")
