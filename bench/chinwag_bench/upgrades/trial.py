"""One upgrade of one server, under load: it is brought about, watched, and proven."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from chinwag_bench.errors import GeneratorError, ServerError
from chinwag_bench.faults.watch import watch
from chinwag_bench.generator import WatchRequest
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Place, attached_generator, open_connections, running_server
from chinwag_bench.servers.catalog import Target
from chinwag_bench.servers.manifest import fill
from chinwag_bench.servers.ports import pick_port
from chinwag_bench.servers.process import ServerProcess
from chinwag_bench.upgrades import ways
from chinwag_bench.upgrades.outcome import UpgradeOutcome, judge

QUESTION = "__build"
_STEADY_S = 0.4
"""From the begin of a watch to the earliest upgrade."""
_PHASE_S = 0.1
"""It comes at a random moment within so long."""


class TrialSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How an upgrade is watched."""

    messages_per_s: float
    """Of all connections together."""
    question_s: float
    """From one of a connection's questions for the build to its next."""
    seconds_max: float
    """Watched at most, from the begin."""
    settle_s: float
    """Watched on after the new build has answered everybody, and all hear."""


def try_upgrade(
    place: Place, load: LoadProfile, connections: int, settings: TrialSettings
) -> UpgradeOutcome:
    """Never raises for what a server or the generator does: the outcome's ``reason`` says it."""
    try:
        return _try_upgrade(place, load, connections, settings)
    except (ServerError, GeneratorError) as error:
        return UpgradeOutcome(way=place.target.hot_upgrade.way, reason=error.text())


def _try_upgrade(
    place: Place, load: LoadProfile, connections: int, settings: TrialSettings
) -> UpgradeOutcome:
    plan = place.target.hot_upgrade
    log = place.site.folder / "logs" / f"{place.label}.upgrade.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    began_ns = 0
    proof: str | None = None
    request = _request(place, settings)

    with _work_folder(place.target) as values:
        ways.prepare(place.target, values, log)
        with (
            _upgradable(place, values) as server,
            attached_generator(place, server, load, connections) as generator,
        ):
            open_connections(server, generator, connections, join=True)
            before = ways.look(server)

            def upgrade(begin_s: float) -> None:
                nonlocal began_ns, proof
                phase = random.Random(place.seed).random() * _PHASE_S
                time.sleep(max(0.0, begin_s + _STEADY_S + phase - time.monotonic()))
                began_ns = time.monotonic_ns()
                proof = ways.replace(server, before, values, log)

            watched, builds = watch(generator, request, load, connections, upgrade)
            server.check_alive()
            generator.close()
    new = None if plan.unasked else ways.NEW_BUILD
    return _with_proof(judge(watched, began_ns, plan.way, builds, new), proof)


def _with_proof(outcome: UpgradeOutcome, proof: str | None) -> UpgradeOutcome:
    """The processes have to be others, where they are what is replaced, and the new build to answer
    somebody, where it can be asked.
    """
    met = None
    if outcome.on_new_s is not None:
        met = sum(one is not None for one in outcome.on_new_s)
    if outcome.reason is None and proof is None:
        outcome.reason = "the process that serves is the one from before"
    if outcome.reason is None and met == 0:
        outcome.reason = "the new build never answered anybody"
    if outcome.reason is None:
        asked = "" if met is None else f"; the new build answers {met} of {outcome.connections}"
        outcome.happened = f"{proof}{asked}"
    return outcome


def _request(place: Place, settings: TrialSettings) -> WatchRequest:
    target = place.target
    asks = not target.hot_upgrade.unasked
    faults = target.server.manifest.faults
    return WatchRequest(
        rate=settings.messages_per_s,
        seconds=settings.seconds_max,
        fault_s=0.0,
        log=place.site.folder / "logs" / f"{place.label}.watch",
        form=faults.form if faults else "type",
        question=QUESTION if asks else "",
        question_s=settings.question_s,
        build=ways.NEW_BUILD if asks else "",
        until_told=True,
        settle_s=settings.settle_s,
    )


@contextmanager
def _upgradable(place: Place, values: dict[str, str]) -> Iterator[ServerProcess]:
    """The server of the old build."""
    plan, server = place.target.hot_upgrade, place.target.server
    own = {key: fill(text, server.placeholders() | values) for key, text in plan.env.items()}
    answers = {"CHAT_FAULTS": "1"}
    if not plan.commands:  # Else another build is other code.
        answers[ways.BUILD_VARIABLE] = ways.OLD_BUILD
    command = None if plan.command is None else server.filled(plan.command, values)
    with running_server(
        place,
        env=answers | own,
        command=command,
        passes_listener=plan.way in ways.LISTENS_FOR_IT,
        successor={ways.BUILD_VARIABLE: ways.NEW_BUILD},
    ) as running:
        yield running


@contextmanager
def _work_folder(target: Target) -> Iterator[dict[str, str]]:
    """What an upgrade's commands may name beside the manifest's own placeholders."""
    name = target.base_id.replace(":", ".")
    folder: Path = target.server.workspace.root / "build" / "upgrades" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield {"work": str(folder), "side_port": str(pick_port())}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
