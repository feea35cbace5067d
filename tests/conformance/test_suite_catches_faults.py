"""A suite that can't fail proves nothing: each fault must fail the test that is meant for it."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chinwag_bench.paths import find_workspace
from chinwag_bench.servers.catalog import Server
from chinwag_bench.servers.manifest import load_manifest
from chinwag_bench.servers.process import Launch

from . import (
    golden,
    handshake,
    test_asked_faults,
    test_backlog,
    test_closes,
    test_liveness,
    test_outages,
    test_pending_limit,
    test_settings,
    test_shutdown,
)
from .chat import Chat
from .conftest import BRISK
from .deadline import timeout
from .faults import FAULTS, Check, Fault
from .golden import Player
from .servers import Choice, Fleet, Running
from .test_rules import rules_of_the_protocol

FOLDER = Path(__file__).with_name("faulty")
CASES = {case["id"]: case for case in golden.cases()}
IMPATIENT_S = 2.0
"""How long a fault's test waits for what never comes."""
BUSY = 0.1
"""What a server that spins gets of a processor, however many others want it."""
STOPPED_S = 1.3
"""Longer than the idle timeout of the server that stands still, shorter than IMPATIENT_S."""

CHECKS = {fault.check.id: fault.check for fault in FAULTS}


class FaultyFleet(Fleet):
    """The suite's own server, which needs no build, with one fault or none."""

    fault = ""

    def launch(self, choice: Choice, setting: str, **env: str) -> Launch:
        assert choice.target is not None
        log = self.logs / f"{setting}.log"
        return Launch(target=choice.target, log=log, env=env | {"CHAT_FAULT": self.fault})


def own_server() -> Choice:
    manifest = load_manifest(FOLDER / "server.toml")
    target = Server(manifest, FOLDER, find_workspace()).in_variant("default")
    return Choice(id="faulty", target=target)


OWN = own_server()
NUMBERS = itertools.count(1)


async def run(check: Check, fleet: Fleet) -> None:
    """The check, with what its parameters are called in conftest.py."""
    chats: list[Chat] = []

    def chat(running: Running) -> Chat:
        chats.append(Chat(running.address))
        return chats[-1]

    makers: dict[str, Callable[[], object]] = {
        "choice": lambda: OWN,
        "own_choice": lambda: OWN,
        "fleet": lambda: fleet,
        "server": lambda: fleet.shared(OWN),
        "own_server": lambda: fleet.shared(OWN, f"own-{next(NUMBERS)}"),
        "chat": lambda: chat(fleet.shared(OWN)),
        "brisk_chat": lambda: chat(fleet.shared(OWN, "brisk", **BRISK)),
        "of_short_queue": lambda: fleet.shared(
            OWN, "backlog", CHAT_BACKLOG=str(test_backlog.SHORT)
        ),
        "faulty_server": lambda: fleet.shared(
            OWN, "asked", CHAT_FAULTS="1", CHAT_BUILD=test_asked_faults.BUILD
        ),
        "elsewhere": lambda: fleet.shared(OWN, "elsewhere", host="127.0.0.2").address,
    }
    try:
        if isinstance(check.test, str):
            await Player(chat(fleet.shared(OWN)), CASES[check.test]).play()
        else:
            asked = inspect.signature(check.test).parameters.keys() - check.parameters.keys()
            fixtures = {name: makers[name]() for name in asked}
            await check.test(**fixtures, **check.parameters)
    finally:
        for one in chats:
            one.abort()


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = FaultyFleet(tmp_path_factory.mktemp("honest"))
    yield fleet
    fleet.stop()


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[FaultyFleet]:
    fleet = FaultyFleet(tmp_path)
    yield fleet
    fleet.stop()


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
async def test_an_honest_server_passes(honest: Fleet, check: Check) -> None:
    await run(check, honest)


async def test_an_honest_server_passes_every_golden_case(honest: Fleet) -> None:
    for case_id in CASES:
        await run(Check(case_id), honest)


@pytest.mark.parametrize(
    "fault", FAULTS, ids=[f"{one.rule} {one.name}-{one.check.id}" for one in FAULTS]
)
async def test_a_fault_is_caught(
    monkeypatch: pytest.MonkeyPatch, faulty: FaultyFleet, fault: Fault
) -> None:
    monkeypatch.setattr(handshake, "TIMEOUT_S", IMPATIENT_S)
    monkeypatch.setattr(test_pending_limit, "LET_GO_WITHIN_S", IMPATIENT_S)
    monkeypatch.setattr(test_liveness, "CLOSED_WITHIN_S", 2 * IMPATIENT_S)
    monkeypatch.setattr(test_closes, "CUT_OFF_WITHIN_S", 2 * IMPATIENT_S)
    monkeypatch.setattr(test_outages, "ADMITTED_WITHIN_S", IMPATIENT_S)
    monkeypatch.setattr(test_outages, "BUSY", BUSY)
    monkeypatch.setattr(test_outages, "STOPPED_S", STOPPED_S)
    monkeypatch.setattr(test_asked_faults, "SAID_WITHIN_S", IMPATIENT_S)
    monkeypatch.setattr(test_settings, "ENDS_WITHIN_S", 2 * IMPATIENT_S)
    monkeypatch.setattr(test_shutdown, "TRIES", 1)
    faulty.fault = fault.name
    try:
        async with timeout(60):
            await run(fault.check, faulty)
    except (AssertionError, pytest.fail.Exception) as error:
        words = f"{type(error).__name__}: {error}"
        assert re.search(fault.says, words), f"caught for another reason: {words}"
    else:
        pytest.fail(f"{fault.check.id} does not notice a server that {fault.name}")


def test_every_rule_has_a_fault_that_its_tests_catch() -> None:
    """A fault counts for a rule that the test, or the golden case, says to prove. The suite's own
    server is one process: what several nodes do (S) it can't get wrong.
    """
    caught = set()
    for fault in FAULTS:
        assert fault.rule in proven_by(fault.check), f"{fault.check.id} is not about {fault.rule}"
        caught.add(fault.rule)
    assert caught == {rule for rule in rules_of_the_protocol() if not rule.startswith("S")}


def proven_by(check: Check) -> set[str]:
    if isinstance(check.test, str):
        return set(CASES[check.test]["rules"])
    marks = getattr(check.test, "pytestmark", [])
    return {rule for mark in marks if mark.name == "rules" for rule in mark.args}


def test_the_server_has_these_faults_and_no_others() -> None:
    sources = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.py"))
    assert set(re.findall(r'has\("([^"]+)"\)', sources)) == {fault.name for fault in FAULTS}
