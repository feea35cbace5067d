"""Round trips become figures, and figures a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

P99_GROWTH_MAX_MS = 10.0
MEMORY_GROWTH_MAX = 1.25
# What the bystander's own machinery may add before a failed p99 says nothing of the server.
OWN_ERROR_MAX_MS = 5.0
# The share of the attack for which the server may have waited for its processor.
WAITED_MAX = 0.05
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """One heartbeat. Times are CLOCK_MONOTONIC in ns; ``answered`` is None if it never was."""

    due: int
    answered: int | None


@dataclass(frozen=True)
class Figures:
    """Round trips of one phase in ms, and how many heartbeats were due in it."""

    count: int
    p50: float
    p99: float
    max: float
    unanswered: int


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest value that at least ``share`` of all do not exceed."""
    if not ordered:
        raise ValueError("a percentile of nothing")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def figures_of(samples: Sequence[Sample], begin: int, end: int, now: int) -> Figures:
    """Figures of the heartbeats that were due in [begin, end). One that is not answered counts with
    the time that it has waited by ``now``: at least so long. Raises ``ValueError`` without any.
    """
    chosen = [one for one in samples if begin <= one.due < end]
    ordered = sorted(((one.answered or now) - one.due) / 1e6 for one in chosen)
    if not ordered:
        raise ValueError("no heartbeat was due in this phase: the bystander did not run")
    unanswered = sum(one.answered is None for one in chosen)
    return Figures(
        len(ordered), percentile(ordered, 0.5), percentile(ordered, 0.99), ordered[-1], unanswered
    )


@dataclass(frozen=True)
class Memory:
    """Resident bytes of the server; ``peak`` is the kernel's own high-water mark."""

    before: int
    peak: int
    after: int
    pss_after: int


@dataclass(frozen=True)
class Outcome:
    """What one class of attack did. ``control`` is the same bystander at a server that nobody
    attacks. ``trouble`` says what else went wrong, in words; empty if nothing did."""

    name: str
    load: str
    quiet: Figures
    attacked: Figures
    control_quiet: Figures
    control_attacked: Figures
    memory: Memory
    memory_max: int
    trouble: str = ""
    waited: float = 0.0  # the share of the attack for which the server waited for its processor

    @property
    def own_error_ms(self) -> float:
        return self.control_attacked.p99 - self.control_quiet.p99

    @property
    def noise(self) -> str:
        """What else can have made the bystander wait; empty if nothing did."""
        if self.own_error_ms > OWN_ERROR_MAX_MS:
            return f"control: {self.own_error_ms:.1f} ms"
        if self.waited > WAITED_MAX:
            return f"the server had no processor for {self.waited:.0%}"
        return ""

    @property
    def faults(self) -> list[str]:
        """Why the class fails its bounds; nothing if it holds them."""
        found = [self.trouble] if self.trouble else []
        growth = self.attacked.p99 - self.quiet.p99
        if growth > P99_GROWTH_MAX_MS:
            noise = f" ({self.noise}: measure again)" if self.noise else ""
            found.append(f"p99 grew by {growth:.1f} ms{noise}")
        if self.memory.peak > self.memory_max * MEMORY_GROWTH_MAX:
            found.append(f"memory reached {self.memory.peak / _MIB:.0f} MiB")
        return found

    @property
    def disturbed(self) -> bool:
        """Only the p99 fails, and the machine was busy with something else."""
        late = self.attacked.p99 - self.quiet.p99 > P99_GROWTH_MAX_MS
        return late and bool(self.noise) and len(self.faults) == 1

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "faults": self.faults, "disturbed": self.disturbed}


HEADER = (
    "| Class | Load | Quiet p50 / p99 / max, ms | Attacked p50 / p99 / max, ms | Control p99, ms "
    "| Memory before / peak / after, MiB | Verdict |\n|---|---|--:|--:|--:|--:|---|"
)


def row_of(one: Outcome) -> str:
    """The outcome as a row of a Markdown table."""

    def times(of: Figures) -> str:
        return f"{of.p50:.2f} / {of.p99:.2f} / {of.max:.1f}"

    memory = one.memory
    sizes = " / ".join(f"{b / _MIB:.0f}" for b in (memory.before, memory.peak, memory.after))
    verdict = "holds" if not one.faults else "**fails**: " + "; ".join(one.faults)
    return (
        f"| {one.name} | {one.load} | {times(one.quiet)} | {times(one.attacked)} "
        f"| {one.control_attacked.p99:.2f} | {sizes} | {verdict} |"
    )
