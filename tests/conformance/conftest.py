"""Options, the servers as fixtures, and coroutine tests with an end to all their connections."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

import pytest
from chinwag_bench.errors import ChinwagError

from . import handshake, servers, skip_gate
from .chat import Chat
from .deadline import timeout
from .servers import Choice, Fleet, Running

TEST_TIMEOUT_S = 120.0
KNOWN_FAULT_S = 3.0

# Short enough to be watched, long enough for a machine that is busy with other things.
BRISK_PING_MS = 250
BRISK_IDLE_MS = 1500
BRISK = {
    "CHAT_PING_INTERVAL_MS": str(BRISK_PING_MS),
    "CHAT_IDLE_TIMEOUT_MS": str(BRISK_IDLE_MS),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption(
        "--server",
        action="append",
        default=[],
        metavar="NAME[:VARIANT]",
        help="test this server (repeat it, or separate by commas); default: all that are here",
    )
    group.addoption(
        "--url",
        action="append",
        default=[],
        metavar="http://HOST:PORT",
        help="test a server that runs already; tests that must start one are skipped",
    )

    group.addoption(
        "--patient",
        action="store_true",
        help="also watch an idle connection for a minute: the timers' defaults",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "rules(*names): rules of protocol/chat-1.md that this proves"
    )
    config.addinivalue_line("markers", "transport(name): only for servers with this transport")
    config.addinivalue_line("markers", "variant(name): only for variants of this name")
    config.addinivalue_line("markers", "patient: takes a minute, for --patient only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "choice" not in metafunc.fixturenames:
        return
    config = metafunc.config
    try:
        choices = servers.chosen(config.getoption("--server"), config.getoption("--url"))
    except ChinwagError as error:
        raise pytest.UsageError(error.text()) from error
    if "not served" in config.option.markexpr:
        choices = choices[:1]  # all of them would be collected in vain
    metafunc.parametrize("choice", choices, ids=lambda choice: choice.id, scope="session")


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Who names a server asks about that server: tests of the suite itself are left out. Tests of
    another transport do not concern a server at all.
    """
    named = bool(config.getoption("--server") or config.getoption("--url"))
    due = [
        item
        for item in items
        if _is_due(item, named)
        and (config.getoption("--patient") or item.get_closest_marker("patient") is None)
    ]
    kept = set(due)
    others = [item for item in items if item not in kept]
    items[:] = due
    for item in items:
        if _is_of_a_server(item):
            item.add_marker("served")
    config.hook.pytest_deselected(items=others)


def _is_of_a_server(item: pytest.Item) -> TypeGuard[pytest.Function]:
    return isinstance(item, pytest.Function) and "choice" in item.fixturenames


def _is_due(item: pytest.Item, named: bool) -> bool:
    if not _is_of_a_server(item):
        return not named
    choice = item.callspec.params["choice"]
    assert isinstance(choice, Choice)
    wanted = {name: item.get_closest_marker(name) for name in ("transport", "variant")}
    return all(mark is None or getattr(choice, name) in mark.args for name, mark in wanted.items())


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs coroutine tests. Their connections end inside the loop, whatever happened."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(_run(pyfuncitem.obj, {name: pyfuncitem.funcargs[name] for name in names}))
    return True


async def _run(test: Callable[..., Any], arguments: dict[str, Any]) -> None:
    try:
        async with timeout(TEST_TIMEOUT_S):
            await test(**arguments)
    finally:
        for argument in arguments.values():
            if isinstance(argument, Chat):
                argument.abort()


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path_factory.mktemp("servers"))
    yield fleet
    fleet.stop()


@pytest.fixture(autouse=True)
def _skip_by_manifest(request: pytest.FixtureRequest) -> None:
    """`[conformance] skip` of a manifest names golden cases or test functions, and says why."""
    if "choice" not in request.fixturenames:
        return
    choice: Choice = request.getfixturevalue("choice")
    function = request.function.__name__
    parameters = request.node.callspec.id.removeprefix(f"{choice.id}-")
    names = [function, f"{function}[{parameters}]"]
    if "case" in request.fixturenames:
        names.append(request.getfixturevalue("case")["id"])
    for name in names:
        if (reason := choice.skip_reason(name)) is not None:
            _leave_out(request, f"{choice.id} {name}: {reason}")


def _leave_out(request: pytest.FixtureRequest, why: str) -> None:
    """In CI a case that could be asked, and fails by a library's fault, is asked all the same. What
    is known not to come is not waited for as long as what is due.
    """
    if not skip_gate.is_closed() or skip_gate.is_allowed(why):
        pytest.skip(why)
    request.getfixturevalue("monkeypatch").setattr(handshake, "TIMEOUT_S", KNOWN_FAULT_S)
    request.applymarker(pytest.mark.xfail(reason=why, strict=True))


@pytest.fixture
def server(choice: Choice, fleet: Fleet) -> Running:
    """The instance that most tests share."""
    return fleet.shared(choice)


@pytest.fixture
def chat(server: Running) -> Chat:
    return Chat(*server.addresses)


@pytest.fixture
def own_choice(choice: Choice) -> Choice:
    """For tests that start a server themselves."""
    if choice.url is not None:
        pytest.skip("the server is not ours to start or stop (--url)")
    return choice


@pytest.fixture
def own_server(own_choice: Choice, fleet: Fleet) -> Iterator[Running]:
    """An instance for one test alone."""
    running = fleet.start(own_choice)
    yield running
    if running.process is not None:
        running.process.stop()


@pytest.fixture
def brisk_chat(own_choice: Choice, fleet: Fleet) -> Chat:
    """A server with short timers, for L1 and L2."""
    return Chat(*fleet.shared(own_choice, "brisk", **BRISK).addresses)
