"""Whether an interrupted run can go on here: on the machine, with the kit and with the builds that
it began with. Figures of two machines, or of two builds, are not figures of one run.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chinwag_bench.errors import HostError, UsageError
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.run_network import BOTH, OWN
from chinwag_bench.paths import Workspace
from chinwag_bench.records import Json, Run
from chinwag_bench.runs.prepare import check_built
from chinwag_bench.servers.build import last_build
from chinwag_bench.servers.catalog import Target

_KEY = "made_with"
"""Of run.json's ``plan``."""
_MEASURING = ("generator", "machine", "metrics", "runs", "servers")
"""The parts of this package that decide what a figure is; the others only judge and show it."""
_MACHINE = (
    "hostname",
    "kernel",
    "architecture",
    "cpu.model",
    "cpu.logical",
    "cpu.usable",
    "cpu.threads_per_core",
    "cpu.quota_cores",
    "cpu.governor",
    "cpu.turbo_off",
    "caches",
    "memory_limit_bytes",
    "open_files",
    "runtime_variables",
    "transparent_huge_pages",
    "sysctl",
)
_MEMORY_TOLERANCE = 0.01
"""A kernel keeps a little more or less for itself from boot to boot."""
_SHOWN_MAX = 60


def made_with(workspace: Workspace, targets: Iterable[Target]) -> Json:
    """Digests of the kit and of the load generator, and the stamp of each build."""
    builds = {}
    for target in targets:
        built = last_build(target.server)
        if built is not None:
            builds[target.server.build_name] = built.stamp
    return {
        "kit": _digest(_sources()),
        "load generator": _digest([workspace.generator()]),
        "builds": builds,
    }


def remember(run: Run, workspace: Workspace, targets: Iterable[Target]) -> None:
    """Writes into the plan what :func:`check` will compare with."""
    run.plan[_KEY] = made_with(workspace, targets)


def check(
    run: Run,
    machine: Mapping[str, Any],
    made: Json,
    loads: Mapping[str, LoadProfile],
    *,
    network: str,
    anyway: bool,
) -> None:
    """Raises ``UsageError`` with all that differs from where the run began; with ``anyway`` a note
    of the run says it instead. Runs from before it was recorded are compared as far as they tell.
    """
    found = [*_of_machine(run.machine, machine), *_of_making(run.plan.get(_KEY, {}), made)]
    found += _of_loads(run.plan.get("loads", {}), loads)
    before = run.plan.get("network", network)
    if (before == OWN) != (network == OWN):
        found.insert(0, f"the network: {before} then, {network} now")
        run.plan["network"] = BOTH
    if not found:
        return
    if not anyway:
        raise UsageError(
            f"{run.id} began under other conditions:\n  " + "\n  ".join(found),
            hint="start a new run, or add --anyway: its page will say what differs",
        )
    day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    run.notes.append(f"the run went on at {day} under other conditions: {'; '.join(found)}")


def check_present(targets: Sequence[Target]) -> None:
    """Raises ``HostError`` when a column's server is not built here."""
    missing = check_built(list(targets))
    if missing:
        reasons = [f"{column}: {reason}" for column, (_, reason) in missing.items()]
        raise HostError("the run can't go on here: " + "; ".join(reasons))


def _of_machine(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in _MACHINE:
        yield from _differences(name, *_both(before, now, name.split(".")))
    old, new = before.get("memory_bytes"), now.get("memory_bytes")
    if old and new and abs(new - old) > _MEMORY_TOLERANCE * old:
        yield f"memory: {old / 1e9:.1f} GB then, {new / 1e9:.1f} GB now"


def _of_making(before: Json, now: Json) -> Iterator[str]:
    for part in ("kit", "load generator"):
        if part in before and before[part] != now[part]:
            yield f"the {part} is another one"
    for name, stamp in before.get("builds", {}).items():
        if now["builds"].get(name) != stamp:
            yield f"{name} was built anew, from other sources or with other tools"


def _of_loads(before: Json, now: Mapping[str, LoadProfile]) -> Iterator[str]:
    for name, load in now.items():
        facts = load.as_json()
        old = {key: value for key, value in before.get(name, {}).items() if key in facts}
        if old and old != facts:
            yield f"load profile {name} was changed"


def _both(
    before: Mapping[str, Any], now: Mapping[str, Any], keys: Sequence[str]
) -> tuple[Any, Any]:
    """The values below the keys; equal ones where the run did not write it down."""
    old: Any = before
    new: Any = now
    for key in keys:
        if not isinstance(old, Mapping) or key not in old:
            return None, None
        old, new = old[key], (new or {}).get(key)
    return old, new


def _differences(name: str, before: Any, now: Any) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key, value in before.items():
            yield from _differences(f"{name}.{key}", value, now.get(key))
    elif before != now:
        yield f"{name}: {_shown(before)} then, {_shown(now)} now"


def _shown(value: Any) -> str:
    text = "not shown" if value is None else " ".join(str(value).split())
    return text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 3]}..."


def _sources() -> list[Path]:
    package = Path(__file__).resolve().parents[1]
    return sorted(path for part in _MEASURING for path in (package / part).rglob("*.py"))


def _digest(paths: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
