"""Holds the forecast of `chinwag plan` against a measurement that it has not seen.

    python bench/planning/held_out.py results/reference/RUN --servers chinwagd,go:tuned

Forecasts CPU, p99 and memory at three times the run's common rate and at 19,500 connections, from
the run alone; then measures both (held-out.toml, on the same machine) and says what lies within
the forecast's interval. Exits with 1 where something does not.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.claims.quantity import Quantity, exactly
from chinwag_bench.claims.template import shown
from chinwag_bench.deciding.facts import Facts, all_facts
from chinwag_bench.deciding.memory import memory_mb
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.planning.forecast import forecast

CONNECTIONS = 19_500
TIMES = 3
PROFILE = Path(__file__).with_name("held-out.toml")
SPEAKING = 1000
"""Connections under the rate."""

Pair = tuple[str, Quantity | None, Quantity | None]
"""What, forecast, measured."""


def measure(servers: str, rate: float, folder: Path) -> Matrix:
    """Of those servers, at this rate."""
    profile = folder / PROFILE.name
    text = PROFILE.read_text("utf-8")
    profile.write_text(text.replace("71_389", f"{rate:.0f}"), "utf-8")
    command = ["chinwag", "run", str(profile), "--servers", servers, "--results", str(folder)]
    subprocess.run(command, check=True)
    (run,) = folder.glob("*/run.json")
    return judge(run.parent)


def pairs(before: Facts, after: Facts, rate: float) -> Iterator[Pair]:
    cost, p99 = after.of("common_cpu_per_delivery"), after.of("common_p99")
    spoken = forecast(before, SPEAKING, rate)
    busy = None if cost is None else cost.sides * exactly(rate / 1e6)
    yield "busy cores", spoken.cores, busy
    yield "p99, ms", spoken.p99_ms, None if p99 is None else p99.sides
    many = forecast(before, CONNECTIONS, rate)
    yield "memory, MB", many.memory_mb, memory_mb(after, CONNECTIONS)


def overlap(one: Quantity, other: Quantity) -> bool:
    return one.low <= other.high and other.low <= one.high


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("result", type=Path)
    parser.add_argument("--servers", required=True)
    options = parser.parse_args()
    seen = judge(options.result)
    common = seen.run.common_rate_deliveries_per_s
    assert common is not None, "the run has no common rate"
    rate = TIMES * common
    with tempfile.TemporaryDirectory() as folder:
        unseen = measure(options.servers, rate, Path(folder))
    before = {one.column.id: one for one in all_facts(seen)}
    outside = 0
    print(f"{rate:,.0f} deliveries/s, {CONNECTIONS:,} connections: forecast | measured")
    for after in all_facts(unseen):
        for what, expected, found in pairs(before[after.column.id], after, rate):
            if expected is None or found is None:
                print(f"{after.column.id:16} {what:12} not known")
                continue
            is_within = overlap(expected, found)
            outside += not is_within
            ends = f"{shown(expected):>18} | {shown(found):<18}"
            print(f"{after.column.id:16} {what:12} {ends} {'within' if is_within else 'OUTSIDE'}")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
