"""The definition of a sustained hold, as functions of the stored hold and of limits: the search
for the highest rate and the judge call the same. See docs: method, row "throughput".
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np

from chinwag_bench.records import Hold, Json

P99_MS_MAX = 1000.0
GROWTH_SHARE_MAX = 0.02
OFFERED_SHARE_MIN = 0.99
GROWTH_SIGNIFICANCE = 0.01
"""How often a delay that does not grow may be taken for one that does."""
PUT_OFF_FACTOR = 4
"""Where the backlog grew by so many times the allowed share, growth is none of noise. A collector's
pause at the end of a short hold leaves less."""
_FAULTS = ("lost", "duplicated", "reordered", "corrupted")
BLOCKS_MAX = 8
"""Neighbouring bins share one backlog; means of an eighth of a hold hardly do."""
BLOCKS_MIN = 4
"""With fewer, a line fits whatever is there."""

Kind = Literal["generator", "loss", "latency"]


class SustainedLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a hold may show and still be sustained. A key of a run profile's tables."""

    p99_ms_max: float = P99_MS_MAX
    growth_share_max: float = GROWTH_SHARE_MAX
    """Growth of the mean delay divided by the time in which it grew."""


DEFAULTS = SustainedLimits()


class Failure(msgspec.Struct, frozen=True):
    """Why a step was not sustained: what kind of limit it met, and the figures."""

    kind: Kind
    text: str
    perhaps_a_burst: bool = False
    """Another hold may show that it was none: one moment's stall explains it, or noise."""


class Trend(msgspec.Struct, frozen=True):
    """How the mean delay goes with time: seconds of delay a second."""

    slope: float
    margin: float
    """The true slope is above ``slope - margin``, and below ``slope + margin``, each but for a
    probability of ``GROWTH_SIGNIFICANCE``."""


def limits_of(plan: Json, metric: str = "throughput") -> SustainedLimits:
    """The limits that a metric of a run has for its holds, from its run.json's ``plan``; without
    any, those of its throughput, and without them the defaults.
    """
    settings = plan.get("settings", {})
    tables = [settings.get(name) or {} for name in (metric, "throughput")]
    found: Json = next((one["sustained"] for one in tables if one.get("sustained")), {})
    return msgspec.convert(found, type=SustainedLimits)


def find_failure(hold: Hold, limits: SustainedLimits = DEFAULTS) -> Failure | None:
    """The first rule that the hold breaks, or ``None`` when it was sustained."""
    # A sender whose connection ended leaves its turns empty: that is no fault of the generator's.
    failure = _ended(hold) or _nothing_sent(hold) or _not_offered(hold) or _not_delivered(hold)
    return failure or _too_slow(hold, limits)


def offered_deliveries_per_s(hold: Hold) -> float:
    """What the planned messages make, whatever was sent or arrived."""
    each = hold.expected / hold.sent if hold.sent else 0.0
    return hold.offered_messages_per_s * each


def carried_deliveries_per_s(hold: Hold) -> float | None:
    """What the server did of an offer that was too much for it: what arrived within the hold, or
    less if delay grew faster; ``None`` where nothing was put off.
    """
    trend = delay_trend(hold)
    slope = trend.slope if trend else _quarters_growth_s(hold) / (hold.hold_s / 2)
    if slope <= 0 and not hold.outstanding_after_drain:
        return None
    return min(hold.deliveries_per_s, offered_deliveries_per_s(hold) / (1 + max(0.0, slope)))


def delay_trend(hold: Hold) -> Trend | None:
    """Weighted least squares of mean delay on planned send time, over means of blocks of bins and
    against its own standard error; ``None`` where the hold has too few bins.
    """
    # Not scipy.stats, which takes seconds to import: holds are judged while a run measures.
    from scipy.special import stdtrit

    blocks = _blocks(hold)
    if len(blocks) < BLOCKS_MIN:
        return None
    weight, at_s, delay_s = np.asarray(blocks, dtype=float).T
    from_middle_s = at_s - np.average(at_s, weights=weight)
    spread = float(weight @ from_middle_s**2)
    slope = float(weight @ (from_middle_s * delay_s)) / spread
    rest = delay_s - np.average(delay_s, weights=weight) - slope * from_middle_s
    freedom = len(blocks) - 2
    error = math.sqrt(float(weight @ rest**2) / freedom / spread)
    return Trend(slope, float(stdtrit(freedom, 1 - GROWTH_SIGNIFICANCE)) * error)


def _blocks(hold: Hold) -> list[tuple[float, float, float]]:
    """Of each block its deliveries, mean planned time and mean delay, both in seconds."""
    bins = _filled_bins(hold)
    found = []
    for part in np.array_split(np.arange(len(bins)), min(BLOCKS_MAX, len(bins)) or 1):
        weights = [bins[index][0] for index in part]
        if weights:
            means = [np.average([bins[i][n] for i in part], weights=weights) for n in (1, 2)]
            found.append((float(sum(weights)), float(means[0]), float(means[1])))
    return found


def _filled_bins(hold: Hold) -> list[tuple[int, float, float]]:
    """Deliveries, middle and mean delay of each bin that has deliveries, in seconds."""
    bins = hold.delay_bins
    if bins is None:
        return []
    return [
        (count, (index + 0.5) * bins.bin_s, mean_ms / 1000)
        for index, (count, mean_ms) in enumerate(zip(bins.deliveries, bins.mean_ms, strict=True))
        if count
    ]


def _nothing_sent(hold: Hold) -> Failure | None:
    """Nothing can be said of a server that was asked for nothing."""
    if hold.sent:
        return None
    return Failure("generator", "nothing was sent in the window: the rate is below one message")


def _not_offered(hold: Hold) -> Failure | None:
    planned = hold.offered_messages_per_s * hold.hold_s
    # One message of slack: a hold's ends need not coincide with planned send times.
    if hold.sent + 1 >= planned * OFFERED_SHARE_MIN:
        return None
    return Failure("generator", f"only {hold.sent} of {planned:.0f} planned messages were sent")


def _ended(hold: Hold) -> Failure | None:
    if not hold.closes:
        return None
    closes = ", ".join(f"{count} x {code}" for code, count in hold.closes.items())
    return Failure("loss", f"connections ended: {closes}")


def _not_delivered(hold: Hold) -> Failure | None:
    if hold.outstanding_after_drain:
        return Failure(
            "loss", f"{hold.outstanding_after_drain} deliveries outstanding after the drain"
        )
    wrong = {name: getattr(hold, name) for name in _FAULTS}
    if any(wrong.values()) or hold.delivered != hold.expected:
        listed = ", ".join(f"{count} {name}" for name, count in wrong.items() if count)
        return Failure(
            "loss",
            f"{hold.delivered} of {hold.expected} delivered ({listed or 'none accounted for'})",
        )
    return None


def _too_slow(hold: Hold, limits: SustainedLimits) -> Failure | None:
    p99 = hold.latency_ms["p99"]
    if p99 > limits.p99_ms_max:
        return Failure(
            "latency",
            f"p99 {p99:.0f} ms is over {limits.p99_ms_max:.0f} ms",
            perhaps_a_burst=_is_sudden(hold, limits),
        )
    trend = delay_trend(hold)
    if trend is None:
        return _grown_by_quarters(hold, limits)
    if trend.slope <= limits.growth_share_max:
        return None
    put_off_max = PUT_OFF_FACTOR * limits.growth_share_max
    if trend.slope <= trend.margin and _put_off_share(hold) <= put_off_max:
        return None
    grown, allowed = trend.slope * hold.hold_s, limits.growth_share_max * hold.hold_s
    return Failure(
        "latency",
        f"delay grows: {grown * 1000:.1f} ms over the hold, {allowed * 1000:.1f} allowed",
        perhaps_a_burst=trend.slope - trend.margin <= limits.growth_share_max
        or _is_sudden(hold, limits),
    )


def _put_off_share(hold: Hold) -> float:
    """Of the deliveries offered within the hold, what the backlog grew by: it is counted, whatever
    the order in which a server serves, which is noise to a line through delays.
    """
    offered = offered_deliveries_per_s(hold)
    return 1 - hold.deliveries_per_s / offered if offered else 0.0


def _grown_by_quarters(hold: Hold, limits: SustainedLimits) -> Failure | None:
    """For holds without bins, whose noise can't be told."""
    growth, allowed = _quarters_growth_s(hold), limits.growth_share_max * hold.hold_s
    if growth <= allowed:
        return None
    return Failure(
        "latency",
        f"delay grows: {growth * 1000:.1f} ms between 2nd and 4th quarter, "
        f"{allowed * 1000:.1f} allowed",
        perhaps_a_burst=True,
    )


def _quarters_growth_s(hold: Hold) -> float:
    _, second, _, fourth = hold.quarter_mean_ms
    return (fourth - second) / 1000


def _is_sudden(hold: Hold, limits: SustainedLimits) -> bool:
    """Whether delay would not grow but for its steepest rise within two neighbouring bins, as a
    stall makes it.
    """
    bins = _filled_bins(hold)
    if len(bins) < BLOCKS_MIN:
        return False
    delays = np.array([delay for _, _, delay in bins])
    rises = np.maximum(delays[2:] - delays[:-2], 0.0)
    steepest = int(rises.argmax())
    delays[steepest + 2 :] -= rises[steepest]
    delays[steepest + 1] = delays[steepest]
    at_s = np.array([at for _, at, _ in bins])
    from_middle_s = at_s - at_s.mean()
    slope = float(from_middle_s @ delays) / float(from_middle_s @ from_middle_s)
    return slope <= limits.growth_share_max
