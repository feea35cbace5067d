"""What is measured once a run: promised by its profile, and its quotient the quotient."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec

from chinwag_bench.records import Floor, Run
from chinwag_bench.runs.profile import profile_of_run
from chinwag_bench.validation.problem import Problem
from chinwag_bench.validation.raw_lines import RawLine, read_raw

_RELATIVE = 1e-6


def floor_problems(directory: Path, run: Run) -> Iterator[Problem]:
    """What is wrong with ``raw/floor.ndjson``. Runs from before it was measured need none."""
    problems: list[Problem] = []
    lines = read_raw(directory, "floor", Floor, problems)
    yield from problems
    for line in lines:
        yield from _record_problems(line)
    if not lines and not problems and _is_promised(run):
        yield Problem("run.json", None, "the floor that the profile promises was not measured")


def _record_problems(line: RawLine[Floor]) -> Iterator[Problem]:
    record = line.record
    if record.status != "ok" and not record.reason:
        yield line.problem(f"the record is {record.status} and gives no reason")
    if record.status == "ok" and not record.costs:
        yield line.problem("the record is ok and has no costs")
    for index, cost in enumerate(record.costs):
        each = cost.cpu_s * 1e6 / cost.frames if cost.frames else math.nan
        if not math.isclose(each, cost.cpu_us_per_frame, rel_tol=_RELATIVE):
            yield line.problem(
                f"costs[{index}]: {cost.cpu_s:g} s of CPU over {cost.frames} frames is "
                f"{each:.6g} us each, not {cost.cpu_us_per_frame:.6g}"
            )


def _is_promised(run: Run) -> bool:
    try:
        profile = profile_of_run(run.plan.get("settings"))
    except msgspec.ValidationError:
        return False
    return profile.floor is not None and run.finished_at is not None
