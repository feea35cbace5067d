"""The definition of a sustained step. See docs: method, row "throughput"."""

from __future__ import annotations

from typing import Literal

import msgspec

from chinwag_bench.records import Hold

P99_MS_MAX = 1000.0
DELAY_GROWTH_SHARE_MAX = 0.02
OFFERED_SHARE_MIN = 0.99

Kind = Literal["generator", "loss", "latency"]


class Failure(msgspec.Struct, frozen=True):
    """Why a step was not sustained: what kind of limit it met, and the figures."""

    kind: Kind
    text: str
    perhaps_a_burst: bool = False
    """In a short hold: one moment's delay looks like a growing one."""


def find_failure(hold: Hold) -> Failure | None:
    """The first rule that the hold breaks, or ``None`` when it was sustained."""
    return _not_offered(hold) or _not_delivered(hold) or _too_slow(hold)


def _not_offered(hold: Hold) -> Failure | None:
    planned = hold.offered_messages_per_s * hold.hold_s
    # One message of slack: a hold's ends need not coincide with planned send times.
    if hold.sent + 1 >= planned * OFFERED_SHARE_MIN:
        return None
    return Failure("generator", f"only {hold.sent} of {planned:.0f} planned messages were sent")


def _not_delivered(hold: Hold) -> Failure | None:
    if hold.closes:
        closes = ", ".join(f"{count} x {code}" for code, count in hold.closes.items())
        return Failure("loss", f"connections ended: {closes}")
    if hold.outstanding_after_drain:
        return Failure(
            "loss", f"{hold.outstanding_after_drain} deliveries outstanding after the drain"
        )
    wrong = {name: getattr(hold, name) for name in ("lost", "duplicated", "corrupted")}
    if any(wrong.values()) or hold.delivered != hold.expected:
        listed = ", ".join(f"{count} {name}" for name, count in wrong.items() if count)
        return Failure(
            "loss",
            f"{hold.delivered} of {hold.expected} delivered ({listed or 'none accounted for'})",
        )
    return None


def _too_slow(hold: Hold) -> Failure | None:
    p99 = hold.latency_ms["p99"]
    if p99 > P99_MS_MAX:
        return Failure("latency", f"p99 {p99:.0f} ms is over {P99_MS_MAX:.0f} ms")
    _, second, _, fourth = hold.quarter_mean_ms
    growth, allowed = fourth - second, DELAY_GROWTH_SHARE_MAX * hold.hold_s * 1000
    if growth > allowed:
        return Failure(
            "latency",
            f"delay grows: {growth:.1f} ms between 2nd and 4th quarter, {allowed:.1f} allowed",
            perhaps_a_burst=True,
        )
    return None
