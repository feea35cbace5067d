"""Run profiles, ``run_profiles/*.toml``: how much of everything a run does."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from chinwag_bench.errors import UsageError
from chinwag_bench.machine.disturbance import Limits
from chinwag_bench.metrics.staircase import Kind

PROFILES = Path(__file__).resolve().parent.parent / "run_profiles"

Point = Literal["common", "half"]


class HoldSeconds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The parts of one hold, in seconds."""

    warmup_s: float
    hold_s: float
    drain_s: float

    @property
    def seconds(self) -> float:
        return self.warmup_s + self.hold_s + self.drain_s


class ThroughputSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    connections: int
    setup_s: float
    """Allowance for starting the server, connecting and joining; planned, not enforced."""
    seconds: float
    """The staircase's time, the confirming hold included. No step begins that would go beyond it.
    """
    start_deliveries_per_s: float
    cap_deliveries_per_s: float
    approach_factor: float
    approach: HoldSeconds
    ascend: HoldSeconds
    confirm: HoldSeconds

    def hold_of(self, kind: Kind) -> HoldSeconds:
        return {"approach": self.approach, "ascend": self.ascend, "confirm": self.confirm}[kind]

    @property
    def planned_s(self) -> float:
        return self.setup_s + self.seconds


class LatencySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    connections: int
    setup_s: float
    common_deliveries_per_s_min: float
    hold: HoldSeconds

    @property
    def planned_s(self) -> float:
        """Two points: the common rate and half of the column's own."""
        return self.setup_s + 2 * self.hold.seconds


class MemorySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    connections: int
    setup_s: float
    settle_s: float
    """Waited before each of the five samples."""
    quiet: HoldSeconds
    """The load profile's own trickle, during which the CPU share is taken."""
    busy: HoldSeconds
    """What comes before the sample ``after_load``."""
    busy_deliveries_per_s: float
    rest_s: float

    @property
    def planned_s(self) -> float:
        holds_s = self.quiet.seconds + self.busy.seconds
        return self.setup_s + 5 * self.settle_s + holds_s + self.rest_s


class StartSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    repeats: int
    seconds: float
    """Allowance for one start."""


class RunProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: str
    description: str
    budget_s: float
    """Of measuring alone: building and verifying come before it."""
    rounds: int
    variants: list[str]
    again: str
    """The server that appears under a second name; the first of a run's columns when it is not
    among them.
    """
    verify_smoke: bool = False
    """Verify by the short subset of the conformance suite."""
    repeats_max: int
    """Disturbed cells measured again, in the whole run."""
    limits: Limits = Limits()
    throughput: ThroughputSettings
    latency: LatencySettings
    memory: MemorySettings
    start: StartSettings


def load_run_profile(name: str, folder: Path = PROFILES) -> RunProfile:
    """Reads a profile by name, or by the path of a TOML file. Raises ``UsageError`` naming file and
    key.
    """
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    try:
        return msgspec.toml.decode(path.read_bytes(), type=RunProfile)
    except OSError as error:
        known = ", ".join(sorted(found.stem for found in folder.glob("*.toml")))
        raise UsageError(
            f"there is no run profile {name!r}", hint=f"known: {known}, or a path to a .toml"
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error
