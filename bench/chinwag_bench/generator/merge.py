"""Adds up what several generator processes measured at the same time on connections of their own.

Counts and rates are sums, delays are those of the added histograms, lags the worst of any process:
one that lags spoils the result as much as all of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from hdrh.histogram import HdrHistogram

from chinwag_bench.generator.hdr_log import HIGHEST_NS, empty_histogram
from chinwag_bench.generator.settings import Rejoined
from chinwag_bench.judging.generator_limits import CPU_SHARE_MAX, usable_cores
from chinwag_bench.records import DelayBins, Hold

NS_PER_MS = 1e6
_SUMS = (
    *("sent", "expected", "delivered", "lost", "duplicated", "reordered", "corrupted"),
    *("outstanding_after_drain", "offered_messages_per_s", "messages_per_s", "deliveries_per_s"),
    "generator_cpu",
)
_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9}


class HoldParts(msgspec.Struct):
    """What a ``Hold`` leaves out and its sum with others needs."""

    latency_hdr: str
    """The delays, as a V2 histogram in base64."""
    quarter_deliveries: list[int]
    received: int
    """Deliveries, the warm-up's included."""
    wire_bytes: int
    """Of them."""
    service_hdr: str = ""
    """As ``latency_hdr``, of the services."""
    services: int = 0
    """Deliveries whose service is known."""


def added_histogram(encoded: Sequence[str]) -> HdrHistogram:
    """The sum of V2 histograms in base64, in nanoseconds."""
    total = empty_histogram()
    for one in encoded:
        total.add(HdrHistogram.decode(one))
    return total


def merge_holds(holds: Sequence[Hold], parts: Sequence[HoldParts], cores: int) -> Hold:
    """One hold, as a single process would have reported it. ``cores``: how many they share."""
    sums: dict[str, Any] = {name: sum(getattr(hold, name) for hold in holds) for name in _SUMS}
    limits = dict.fromkeys(limit for hold in holds for limit in hold.generator_limits)
    if sums["generator_cpu"] > CPU_SHARE_MAX * usable_cores(len(holds), cores):
        limits |= {"cpu": None}
    received = sum(part.received for part in parts)
    wire_bytes = sum(part.wire_bytes for part in parts)
    closes: Counter[str] = Counter()
    for hold in holds:
        closes.update(hold.closes)
    return Hold(
        **sums,
        hold_s=holds[0].hold_s,
        latency_ms=_delays(
            added_histogram([part.latency_hdr for part in parts]),
            [(hold.latency_ms, _parsed(hold)) for hold in holds],
            _PERCENTILES,
        ),
        quarter_mean_ms=[
            _mean(
                [(h.quarter_mean_ms[q], p.quarter_deliveries[q]) for h, p in _pairs(holds, parts)]
            )
            for q in range(4)
        ],
        send_lag_ms=_worst([hold.send_lag_ms for hold in holds]),
        receive_lag_ms=_worst([hold.receive_lag_ms for hold in holds]),
        generator_limited=bool(limits),
        generator_limits=list(limits),
        little=_little([hold.little for hold in holds]),
        closes=dict(closes),
        wire_bytes_per_delivery=wire_bytes / received if received else 0.0,
        service_ms=_services(holds, parts),
        delay_bins=_bins([hold.delay_bins for hold in holds]),
        generator_processes=sum(hold.generator_processes for hold in holds),
        parsed=sum(_parsed(hold) for hold in holds),
    )


def merge_storms(
    storms: Sequence[Rejoined], histograms: Sequence[str], begins_s: Sequence[float]
) -> Rejoined:
    """One storm. ``begins_s``: when each process's began, on one clock."""
    ends_s = [begin + storm.total_s for begin, storm in zip(begins_s, storms, strict=True)]
    return Rejoined(
        connections=sum(storm.connections for storm in storms),
        joined=sum(storm.joined for storm in storms),
        refused=sum(storm.refused for storm in storms),
        reason=next((storm.reason for storm in storms if storm.reason), ""),
        total_s=max(ends_s) - min(begins_s),
        rejoin_ms=_delays(
            added_histogram(histograms),
            [(storm.rejoin_ms, storm.joined) for storm in storms],
            {"p50": 50.0, "p99": 99.0},
        ),
        generator_cpu=sum(storm.generator_cpu for storm in storms),
    )


def _delays(
    histogram: HdrHistogram,
    found: Sequence[tuple[dict[str, float], int]],
    percentiles: dict[str, float],
) -> dict[str, float]:
    """Mean and maximum from the processes' own, which no histogram rounds; never a percentile above
    the maximum, and the maximum where one is beyond what the histogram tells apart.
    """
    longest = max(delays["max"] for delays, _ in found)

    def at(percent: float) -> float:
        value = histogram.get_value_at_percentile(percent)
        return longest if value >= HIGHEST_NS else min(value / NS_PER_MS, longest)

    return {
        "mean": _mean([(delays["mean"], count) for delays, count in found]),
        **{name: at(percent) for name, percent in percentiles.items()},
        "max": longest,
    }


def _parsed(hold: Hold) -> int:
    return hold.delivered if hold.parsed is None else hold.parsed


def _services(holds: Sequence[Hold], parts: Sequence[HoldParts]) -> dict[str, float]:
    """Of the processes that know any; empty where none does."""
    known = [(hold, part) for hold, part in _pairs(holds, parts) if part.services]
    if not known:
        return {}
    return _delays(
        added_histogram([part.service_hdr for _, part in known]),
        [(hold.service_ms, part.services) for hold, part in known],
        _PERCENTILES,
    )


def _bins(each: Sequence[DelayBins | None]) -> DelayBins | None:
    """Bin by bin: all processes' windows begin within a message's time of each other."""
    known = [bins for bins in each if bins is not None]
    if len(known) < len(each):
        return None
    columns = [
        [(bins.mean_ms[i], bins.deliveries[i]) for bins in known]
        for i in range(len(known[0].deliveries))
    ]
    return DelayBins(
        bin_s=known[0].bin_s,
        deliveries=[sum(count for _, count in column) for column in columns],
        mean_ms=[_mean(column) for column in columns],
    )


def _mean(weighted: Sequence[tuple[float, int]]) -> float:
    count = sum(weight for _, weight in weighted)
    return sum(value * weight for value, weight in weighted) / count if count else 0.0


def _worst(lags: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: max(lag[name] for lag in lags) for name in lags[0]}


def _little(each: Sequence[dict[str, float]]) -> dict[str, float]:
    """Both sides of the law add up; the errors of the means are independent."""
    outstanding = sum(little["outstanding_mean"] for little in each)
    predicted = sum(little["predicted"] for little in each)
    return {
        "outstanding_mean": outstanding,
        "predicted": predicted,
        "ratio": outstanding / predicted if predicted else 0.0,
        "standard_error": math.hypot(*(little.get("standard_error", 0.0) for little in each)),
        "samples": min(little.get("samples", 0) for little in each),
    }


def _pairs(holds: Sequence[Hold], parts: Sequence[HoldParts]) -> Sequence[tuple[Hold, HoldParts]]:
    return list(zip(holds, parts, strict=True))
