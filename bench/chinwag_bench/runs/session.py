"""One run from its request to its last record: opens or reopens the result directory and measures
into it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from chinwag_bench import calibration
from chinwag_bench.errors import GeneratorError, HostError, ServerError, UsageError
from chinwag_bench.load_profile import LoadProfile, load_profile
from chinwag_bench.machine import first_touch
from chinwag_bench.machine.cpu_plan import CpuPlan, plan_cpus
from chinwag_bench.machine.disturbance import between, take_snapshot, unseen
from chinwag_bench.machine.listen_queue import longest_backlog
from chinwag_bench.machine.open_files import raise_limit
from chinwag_bench.machine.run_network import OWN, RunNetwork
from chinwag_bench.metrics import floor, headroom, latency
from chinwag_bench.metrics.cell import Place, Site
from chinwag_bench.paths import Workspace
from chinwag_bench.progress import Kind, Reporter
from chinwag_bench.records import Calibration, Floor, Run
from chinwag_bench.runs import continuation
from chinwag_bench.runs.folder_lock import FolderLock
from chinwag_bench.runs.metric_columns import nodes_of
from chinwag_bench.runs.plan import Plan, make_plan
from chinwag_bench.runs.prepare import Obstacles, make_columns
from chinwag_bench.runs.profile import RunProfile, profile_of_run
from chinwag_bench.runs.requirements import caveats, check_machine, short_queue
from chinwag_bench.runs.runner import Runner
from chinwag_bench.runs.store import RunStore, new_folder, read_run
from chinwag_bench.servers.catalog import AGAIN, Catalog, Target, discover
from chinwag_bench.servers.effort import read_effort
from chinwag_bench.text import minutes
from chinwag_bench.version import KIT_VERSION

PAGE = "report.html"
_FLOOR_ATTEMPTS_MAX = 5
_WARMED = "memory was warmed before the first measurement: "


class Request(msgspec.Struct, kw_only=True):
    """What the user asked for, resolved."""

    workspace: Workspace
    profile: RunProfile
    targets: list[Target]
    seed: int
    results: Path | None = None
    server_cores: int | None = None


class Session:
    """A result directory with all that is needed to fill it."""

    def __init__(
        self, store: RunStore, workspace: Workspace, profile: RunProfile, targets: list[Target]
    ) -> None:
        self.store = store
        self.profile = profile
        self.targets = targets
        self._workspace = workspace
        self._generator = workspace.generator()
        self._loads = read_loads(workspace, profile)
        self._cpus = CpuPlan(
            server=store.run.plan["server_cores"], generator=store.run.plan["generator_cores"]
        )
        self._open_files = raise_limit()

    def warm(self, reporter: Reporter) -> None:
        """Touches the memory that the run is going to need, where the profile asks for it, and
        writes down what that cost; and what this machine does not show.
        """
        notes = self.store.run.notes
        reporter.say("step", f"network: {self.store.run.plan.get('network', 'not written down')}")
        for caveat in self.store.run.plan.get("caveats", []):
            reporter.say("warning", f"figures are not for quoting: {caveat}")
        queue = short_queue(self.profile.connections_in_a_storm(), longest_backlog())
        for text in (unseen(take_snapshot()), queue):
            if text is not None and text not in notes:
                notes.append(text)
                reporter.say("warning", text)
        wanted = int(self.profile.warm_memory_gib * first_touch.GIBIBYTE)
        if wanted:
            touched = first_touch.warm(wanted)
            text = f"{_WARMED}{touched.text()}" if touched else f"{_WARMED}not on a small machine"
            reporter.say("step", text)
            if not any(note.startswith(_WARMED) for note in notes):
                notes.append(text)
        self.store.save_run()

    def check_headroom(self, reporter: Reporter) -> None:
        """Writes what the generator can do into the plan, and warns when it is the limit at the
        lowest rate.
        """
        settings = self.profile.of(latency.METRIC)
        if not self.targets or not isinstance(settings, latency.Settings):
            return
        place = Place(site=self._site(), target=self.targets[0], round=0, metric="headroom")
        try:
            found = headroom.check(place, self._loads[settings.load], settings)
        except (ServerError, GeneratorError) as error:
            found = {"ok": False, "column": place.target.id, "limits": [error.text()]}
        self.store.run.plan["headroom"] = found
        if found["ok"]:
            reporter.say(
                "step",
                f"generator: {found['generator_cpu']:.0%} of its core at the lowest rate",
                **found,
            )
        else:
            limits = "; ".join(found["limits"])
            text = f"the generator is the limit at the lowest rate already: {limits}"
            self.store.run.notes.append(text)
            reporter.say("warning", text)
        self.store.save_run()

    def calibrate(self, reporter: Reporter) -> None:
        """Writes what the generator itself can do, once a run, where the profile asks for it. A run
        without a server that echoes goes on and says so.
        """
        if not self.profile.calibrate or self.store.has(Calibration) or not self.targets:
            return
        names = calibration.loads_of(self._loads)
        loads = {name: load_profile(self._workspace, name) for name in names}
        try:
            found = calibration.calibrate(self._site(), loads, discover(self._workspace))
        except HostError as error:
            self.store.run.notes.append(error.message)
            reporter.say("warning", error.message)
            self.store.save_run()
            return
        self.store.append(found)
        for line in calibration.describe(found):
            reporter.say("step", f"generator: {line}")

    def measure(self, reporter: Reporter) -> int:
        """Measures what is not on disk yet. Returns the number of failed cells."""
        plan = make_plan(self.profile, self.targets, self.store.run.seed)
        print_plan(plan, reporter)
        # What the kit itself does must show in the generator's lags, not hide in the servers'
        # figures.
        os.sched_setaffinity(0, self._cpus.generator)
        self._measure_floor(reporter)
        runner = Runner(
            store=self.store,
            site=self._site(),
            plan=plan,
            loads=self._loads,
            reporter=reporter,
            after_round=partial(self.show_so_far, reporter),
        )
        return runner.measure_all()

    def show_so_far(self, reporter: Reporter) -> None:
        """Writes the page of what is measured by now. It takes a second or two, between two cells;
        what it meets must not end the run.
        """
        from chinwag_bench.render import write_all

        is_first = not (self.store.folder / PAGE).is_file()
        try:
            write_all(self.store.folder)
        except Exception as error:
            reporter.say("warning", f"the page of what is measured so far was not written: {error}")
            return
        if is_first:
            reporter.say("step", f"the page, which fills as cells come: {self.store.folder / PAGE}")

    def _measure_floor(self, reporter: Reporter) -> None:
        """Once a run, and again while it is disturbed, which takes seconds."""
        settings = self.profile.floor
        if settings is None or self.store.has(Floor):
            return
        load = self._loads[settings.load]
        for attempt in range(1, _FLOOR_ATTEMPTS_MAX + 1):
            before = take_snapshot()
            record = floor.measure(self._workspace.floor, load, self._cpus, settings)
            found = between(before, take_snapshot(), self.profile.limits, attempt)
            record.disturbance = found.as_json()
            self.store.append(record)
            kind: Kind = "step" if record.status == "ok" else "warning"
            reporter.say(kind, floor.describe(record), metric="floor", status=record.status)
            if not found.reasons:
                return

    def _site(self) -> Site:
        return Site(
            folder=self.store.folder,
            generator=self._generator,
            cpus=self._cpus,
            seed=self.store.run.seed,
            open_files=self._open_files,
        )


def open_session(request: Request, store: RunStore, obstacles: Obstacles) -> Session:
    """Writes the first run.json. Columns with an obstacle are in it, with the reason, and will not
    be measured.
    """
    run = store.run
    run.columns = make_columns(request.targets, obstacles)
    run.effort = {target.base_id: read_effort(target.server) for target in request.targets}
    good = [target for target in request.targets if target.base_id not in obstacles]
    needed = [*good, *nodes_of(request.profile, good)]
    continuation.remember(run, request.workspace, needed)
    store.save_run()
    return Session(store, request.workspace, request.profile, good)


def new_store(request: Request, network: RunNetwork) -> RunStore:
    """Makes the result directory, without columns yet; called where the run's network is entered.
    Raises before making it when the plan can't be carried out.
    """
    request.workspace.generator()
    loads = read_loads(request.workspace, request.profile)
    plan = make_plan(request.profile, request.targets, request.seed)
    plan.check_budget()
    check_machine(request.profile.connections_at_once())
    cpus = plan_cpus(request.server_cores)
    machine = network.fingerprint()
    folder = new_folder(request.results or request.workspace.results, machine["hostname"])
    run = Run(
        id=folder.name,
        profile=request.profile.name,
        seed=request.seed,
        started_at=time.time(),
        command=shlex.join(["chinwag", *sys.argv[1:]]),
        git_commit=_git_commit(request.workspace.root),
        kit_version=KIT_VERSION,
        columns=[],
        machine=machine,
        plan=_plan_facts(plan, cpus, loads) | {"network": network.description},
    )
    store = RunStore(folder, run)
    try:
        store.lock = FolderLock(folder)
        store.save_run()
    except BaseException:
        store.remove()
        raise
    return store


def began_in_own_network(folder: Path) -> bool:
    """Of a run to go on with. Runs from before it was written down were in the machine's. What
    is no run is told of by who opens it.
    """
    try:
        return bool(read_run(folder).plan.get("network") == OWN)
    except UsageError:
        return True


def _profile_to_go_on_with(store: RunStore) -> RunProfile:
    """Raises ``UsageError`` where the run's plan is not whole."""
    path, plan = store.folder / "run.json", store.run.plan
    missing = [key for key in ("settings", "server_cores", "generator_cores") if not plan.get(key)]
    if missing:
        raise UsageError(
            f"{path}: its plan has no {missing[0]}, so nothing tells how to go on",
            hint="start a new run",
        )
    try:
        return profile_of_run(plan["settings"])
    except msgspec.ValidationError as error:
        raise UsageError(
            f"{path}: plan.settings is no run profile: {error}", hint="start a new run"
        ) from error


def resume_session(
    workspace: Workspace,
    catalog: Catalog,
    folder: Path,
    network: RunNetwork,
    *,
    anyway: bool = False,
) -> Session:
    """Goes on where a run stopped: same profile, columns, seed and order, same machine and builds;
    called where the run's network is entered. Raises ``UsageError`` with what differs, which
    ``anyway`` turns into a note of the run, and while another process goes on with it.
    """
    if not (folder / "run.json").is_file():
        raise UsageError(f"{folder} is not a result directory: it has no run.json")
    lock = FolderLock(folder)  # Before reopening, which mends what an end left half-written.
    store = RunStore.reopen(folder)
    store.lock = lock
    if not store.run.columns:
        raise UsageError(f"{folder} stopped before anything was measured", hint="start a new run")
    profile = _profile_to_go_on_with(store)
    targets = []
    for column in store.run.columns:
        if column.status == "ok":
            target = catalog.target(column.aa_of or column.id)
            targets.append(Target(target.server, target.variant, again=column.aa_of is not None))
    continuation.check_present(targets)
    needed = [*targets, *nodes_of(profile, targets)]
    continuation.check(
        store.run,
        network.fingerprint(),
        continuation.made_with(workspace, needed),
        read_loads(workspace, profile),
        network=network.description,
        anyway=anyway,
    )
    cpus = CpuPlan(store.run.plan["server_cores"], store.run.plan["generator_cores"])
    said = store.run.plan.get("caveats", [])
    store.run.plan["caveats"] = list(dict.fromkeys([*said, *caveats(cpus)]))
    store.save_run()
    return Session(store, workspace, profile, targets)


def print_plan(plan: Plan, reporter: Reporter) -> None:
    """The sum of what is about to be done."""
    parts = ", ".join(
        f"{count} x {name} {minutes(seconds)}" for name, count, seconds in plan.summary()
    )
    budget = minutes(plan.profile.budget_s)
    text = f"plan: {minutes(plan.seconds)} of measuring, budget {budget} ({parts})"
    reporter.say("step", text, planned_s=plan.seconds, budget_s=plan.profile.budget_s)
    if plan.profile.repeats_max == "budget":
        reporter.say("step", "disturbed cells are measured again until the budget is spent")
    for target in dict.fromkeys(cell.target.id for cell in plan.cells if cell.target.again):
        name = target.removesuffix(AGAIN)
        text = f"{target} is {name} once more: how far they differ is this run's noise (A/A)"
        reporter.say("step", text)


def read_loads(workspace: Workspace, profile: RunProfile) -> dict[str, LoadProfile]:
    return {name: load_profile(workspace, name) for name in profile.loads()}


def _plan_facts(plan: Plan, cpus: CpuPlan, loads: dict[str, LoadProfile]) -> dict[str, Any]:
    """run.json's ``plan``: also all that a resumed run needs."""
    profile = plan.profile
    return {
        "rounds": profile.rounds,
        "planned_s": plan.seconds,
        "budget_s": profile.budget_s,
        "server_cores": cpus.server,
        "generator_cores": cpus.generator,
        "cores_note": cpus.note(),
        "caveats": caveats(cpus),
        "loads": {
            name: load.as_json() | {"stated_deliveries_per_s": load.stated_deliveries_per_s()}
            for name, load in loads.items()
        },
        "settings": msgspec.to_builtins(profile),
    }


def _git_commit(root: Path) -> str | None:
    """The commit, with ``-dirty`` where the tree differs from it."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--match="]
    try:
        return (
            subprocess.run(
                command, capture_output=True, text=True, check=True, timeout=30
            ).stdout.strip()
            or None
        )
    except (OSError, subprocess.SubprocessError):
        return None
