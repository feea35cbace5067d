"""Before measuring: build and verify the columns, and note what stands in a column's way."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from chinwag_bench.errors import ChinwagError, HostError, ServerError, UsageError
from chinwag_bench.progress import Kind, Reporter
from chinwag_bench.records import Column, Verification
from chinwag_bench.servers.build import build, last_build, missing_program
from chinwag_bench.servers.catalog import Catalog, Target
from chinwag_bench.servers.toolchain import missing_reason
from chinwag_bench.servers.verify import Suite

_FAILURES_NAMED = 3
# How long to wait for one suite before looking at the next.
_LOOK_S = 0.1

Obstacles = dict[str, tuple[str, str]]
"""By base id: (status, reason) of columns that will not be measured."""


def choose_targets(
    catalog: Catalog, names: str | None, variants: list[str], *, peers: bool = False
) -> list[Target]:
    """The columns that a comma-separated list names, else all in the profile's variants; with
    ``peers`` the optional peers, too. Raises ``UsageError`` for a list without a name.
    """
    if names is not None:
        wanted = [name.strip() for name in names.split(",") if name.strip()]
        if not wanted:
            raise UsageError(
                f"--servers {names!r} names no server", hint=f"known: {', '.join(catalog.servers)}"
            )
        return catalog.named(wanted, peers=peers)
    return catalog.targets(variants, peers=peers)


def build_all(targets: list[Target], reporter: Reporter) -> Obstacles:
    """Builds each server once, and each variant that has a build of its own. A missing toolchain or
    a failed build is noted, not raised.
    """
    obstacles: Obstacles = {}
    servers = {target.server.build_name: target.server for target in targets}
    for server in servers.values():
        try:
            result = build(server)
            how = "is up to date" if result.skipped else f"built in {result.seconds:.1f} s"
            reporter.say(
                "step",
                f"build: {server.build_name} {how}",
                server=server.name,
                skipped=result.skipped,
            )
        except ChinwagError as error:
            status = "missing" if isinstance(error, HostError) else "failed"
            obstacles |= _for_targets(targets, server.build_name, status, error.text())
            reporter.say("warning", error.text(), server=server.name)
    return obstacles


def check_built(targets: list[Target]) -> Obstacles:
    """For ``run``, which only measures: what has not been built yet is missing, and so is what was
    built and lacks its runtime now.
    """
    obstacles: Obstacles = {}
    for target in targets:
        reason = missing_reason(target.server)
        unbuilt = last_build(target.server) is None or missing_program(target.server) is not None
        if reason is None and unbuilt:
            reason = f"not built: run `chinwag build {target.base_id}`"
        if reason is not None:
            obstacles[target.base_id] = ("missing", reason)
    return obstacles


def verify_all(
    targets: list[Target], logs: Path, reporter: Reporter, *, smoke: bool
) -> tuple[list[Verification], Obstacles]:
    """Conformance of each column, two at once for each core: a suite waits more than half of its
    time. One that fails is noted with its first failures, and will not be measured.
    """
    at_once = 2 * len(os.sched_getaffinity(0))
    found: dict[str, Verification] = {}
    waiting = list(targets)
    with ExitStack() as stack:
        running: list[Suite] = []
        while waiting or running:
            while waiting and len(running) < at_once:
                target = waiting.pop(0)
                log = logs / f"verify-{target.base_id.replace(':', '-')}.log"
                running.append(stack.enter_context(Suite(target, log, smoke=smoke)))
            for suite in list(running):
                if outcome := _outcome(suite):
                    running.remove(suite)
                    found[suite.target.id] = outcome
                    _say(outcome, reporter)
            done = len(found) + sum(suite.share() for suite in running)
            names = ", ".join(suite.target.id for suite in running)
            reporter.show(f"verify {names}", done / max(1, len(targets)))
    verifications = [found[target.id] for target in targets]
    obstacles: Obstacles = {
        target.base_id: ("failed", f"conformance: {_failures(found[target.id])}")
        for target in targets
        if found[target.id].failed
    }
    return verifications, obstacles


def _outcome(suite: Suite) -> Verification | None:
    try:
        return suite.outcome(_LOOK_S)
    except ServerError as error:
        return Verification(
            column=suite.target.id, passed=0, failed=1, skipped=0, failures=[error.text()]
        )


def _say(outcome: Verification, reporter: Reporter) -> None:
    kind: Kind = "warning" if outcome.failed else "step"
    reporter.say(kind, f"verify: {_counts(outcome)}", column=outcome.column, failed=outcome.failed)


def make_columns(targets: list[Target], obstacles: Obstacles) -> list[Column]:
    """A column for every target, with the reason where it will stay empty."""
    return [_column(target, obstacles) for target in targets]


def _column(target: Target, obstacles: Obstacles) -> Column:
    status, reason = obstacles.get(target.base_id, ("ok", None))
    manifest = target.server.manifest
    built = last_build(target.server)
    nodes = target.as_nodes
    versions = built.versions if built else {}
    variant = "" if target.variant == "default" else f" ({target.variant})"
    return Column(
        id=target.id,
        server=target.server.name,
        variant=target.variant,
        title=manifest.titled(versions) + variant + (" (again)" if target.again else ""),
        language=manifest.language,
        status=status,  # type: ignore[arg-type]
        reason=reason,
        versions=versions,
        caveats=[
            *manifest.caveats,
            *target.settings.caveats,
            *(
                f"conformance skips {case}: {why}"
                for case, why in manifest.conformance.skip.items()
            ),
        ],
        threads=target.threads,
        nodes_by=nodes.variant if nodes else "",
        nodes_reason=obstacles.get(nodes.base_id, ("", None))[1] if nodes else None,
        published=manifest.published,
        aa_of=target.base_id if target.again else None,
        peer=target.is_peer,
    )


def _for_targets(targets: list[Target], build: str, status: str, reason: str) -> Obstacles:
    """An obstacle for every column that a build is for."""
    return {
        target.base_id: (status, reason) for target in targets if target.server.build_name == build
    }


def _counts(outcome: Verification) -> str:
    text = (
        f"{outcome.column}: {outcome.passed} passed, {outcome.failed} failed, "
        f"{outcome.skipped} skipped"
    )
    return f"{text}. {_failures(outcome)}" if outcome.failed else text


def _failures(outcome: Verification) -> str:
    named = "; ".join(outcome.failures[:_FAILURES_NAMED])
    more = outcome.failed - _FAILURES_NAMED
    return f"{named}; and {more} more" if more > 0 else named
