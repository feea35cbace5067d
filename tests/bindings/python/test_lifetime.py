"""What binds a server to its process: exits, forks, threads, garbage, descriptors."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import chinwag
import pytest
import websockets

# Where children find the package and what it needs. They run without `site`, so that no editable
# install comes first.
PATHS = [Path(one.__file__ or "").resolve().parents[1] for one in (chinwag, websockets)]
PYTHONPATH = os.pathsep.join(map(str, PATHS))


def python(program: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH}
    return subprocess.run(
        [sys.executable, "-S", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,  # type: ignore[call-overload]
    )


COME_AND_GO = """
import asyncio, os, threading
from pathlib import Path
import chinwag

async def come_and_go(count):
    for _ in range(count):
        server = chinwag.Server()
        server.on("message", print)
        async with server:
            pass

def held():
    kib = int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0])
    return len(os.listdir("/proc/self/fd")), threading.active_count(), kib

asyncio.run(come_and_go(1_000))
before = held()
asyncio.run(come_and_go(1_000))
after = held()
assert after[:2] == before[:2], (before, after)
assert after[2] - before[2] < 2_048, (before, after)
"""


def test_servers_that_come_and_go_leave_nothing_behind() -> None:
    outcome = python(COME_AND_GO)  # in a process of its own: nobody else's memory is counted
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_a_server_that_nobody_holds_ends() -> None:
    async def scenario() -> None:
        native = chinwag.server.Hosted({"port": 0}, [])
        port = native.start()
        del native
        gc.collect()
        with pytest.raises(chinwag.ChinwagError) as raised:
            await chinwag.Client(f"ws://127.0.0.1:{port}/ws").connect()
        assert raised.value.code == "unreachable"

    asyncio.run(scenario())


def test_the_interpreter_exits_cleanly_with_a_running_server() -> None:
    outcome = python(
        "import asyncio, chinwag\n"
        "async def main():\n"
        "    global server\n"
        "    server = chinwag.Server()\n"
        "    server.on('message', print)\n"
        "    await server.start()\n"
        "asyncio.run(main())\n"
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_an_exception_in_the_program_is_not_hidden_by_a_running_server() -> None:
    outcome = python(
        "import chinwag\nserver = chinwag.sync.Server().start()\nraise SystemExit(7)\n"
    )
    assert (outcome.returncode, outcome.stderr) == (7, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_at_ctrl_c_and_sigterm(number: signal.Signals) -> None:
    program = (
        "import asyncio, chinwag\n"
        "server = chinwag.Server()\n"
        "server.on('open', lambda connection: None)\n"
        "async def main():\n"
        "    asyncio.get_running_loop().call_later(0.2, print, 'ready')\n"
        "    await server.serve()\n"
        "asyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-S", "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(number)
        _, errors = running.communicate(timeout=20)
    assert (running.returncode, errors) == (0, "")


def test_after_a_fork_the_child_is_told_and_the_parent_goes_on() -> None:
    outcome = python(
        "import chinwag, os\n"
        "import warnings\n"
        "warnings.simplefilter('ignore')\n"  # Python >= 3.12 warns of any fork beside threads
        "server = chinwag.sync.Server().start()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    try:\n"
        "        server.publish('tea', 'x')\n"
        "    except chinwag.ChinwagError as error:\n"
        "        os._exit(3 if error.code == 'forked' and 'spawn' in str(error) else 4)\n"
        "    os._exit(5)\n"
        "_, status = os.waitpid(child, 0)\n"
        "server.publish('tea', 'x')\n"
        "server.drain()\n"
        "print(os.waitstatus_to_exitcode(status))\n"
    )
    assert (outcome.stdout, outcome.stderr) == ("3\n", "")


IN_A_CHILD = """
import chinwag, os, signal, sys, warnings
warnings.simplefilter("ignore")  # Python >= 3.12 warns of any fork beside threads

def code_of(call):
    try:
        call()
    except chinwag.ChinwagError as error:
        return error.code

with chinwag.sync.Server() as server, chinwag.sync.Client(server.url, "ann") as ann:
    ann.join("tea")
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # whoever hangs ends
        calls = [lambda: ann.join("tea"), lambda: ann.send("tea", "x"), ann.receive, ann.close]
        calls += [server.drain, server.start, lambda: server.publish("tea", "x")]
        print([code_of(call) for call in calls])
        with chinwag.sync.Client(server.url, "bob") as bob:
            bob.join("tea")
            bob.send("tea", "from the child")
            while bob.receive(timeout_s=10).type != "message":
                pass
        with chinwag.sync.Server() as own, chinwag.sync.Client(own.url, "eve") as eve:
            eve.join("tea")
            print(own.rooms, flush=True)
        sys.exit(3)  # which leaves the parent's server and client alone
    _, status = os.waitpid(child, 0)
    while (message := ann.receive(timeout_s=10)).type != "message":
        pass
    print(os.waitstatus_to_exitcode(status), message.content)
"""


def test_a_forked_child_may_have_servers_and_clients_of_its_own() -> None:
    outcome = python(IN_A_CHILD)
    assert (outcome.stdout, outcome.stderr) == (
        f"{['forked'] * 7}\n{{'tea': 1}}\n3 from the child\n",
        "",
    )


def test_a_drain_of_asyncio_in_a_forked_child_says_so() -> None:
    outcome = python(
        "import asyncio, chinwag, os, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "async def main():\n"
        "    async with chinwag.Server() as server:\n"
        "        child = os.fork()\n"
        "        if child == 0:\n"
        "            try:\n"
        "                await server.drain()\n"
        "            except chinwag.ChinwagError as error:\n"
        "                os._exit(3 if error.code == 'forked' else 4)\n"
        "            os._exit(5)\n"
        "        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
        "asyncio.run(main())\n"
    )
    assert (outcome.stdout, outcome.stderr) == ("3\n", "")


def test_a_forked_child_exits_cleanly() -> None:
    outcome = python(
        "import chinwag, multiprocessing, sys\n"
        "server = chinwag.sync.Server().start()\n"
        "child = multiprocessing.get_context('fork').Process(target=int)\n"
        "child.start(); child.join(20)\n"
        "sys.exit(child.exitcode)\n"
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_eight_threads_publish_at_once_each_in_its_order() -> None:
    with chinwag.sync.Server() as server, chinwag.sync.Client(server.url, "ann") as ann:
        ann.join("tea")

        def publish(name: str) -> None:
            for i in range(200):
                server.publish("tea", str(i), user=name)

        threads = [threading.Thread(target=publish, args=(f"t{i}",)) for i in range(8)]
        for thread in threads:
            thread.start()
        following = {f"t{i}": 0 for i in range(8)}
        while any(count < 200 for count in following.values()):
            message = ann.receive(timeout_s=10)
            assert message is not None
            if message.type == "message":
                assert message.content == str(following[message.user])
                following[message.user] += 1
        for thread in threads:
            thread.join()


def test_requests_outlive_their_server_and_the_collector() -> None:
    kept: list[chinwag.Message] = []

    async def scenario() -> None:
        server = chinwag.Server()
        server.on("message", kept.append)
        async with server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            for i in range(200):
                await ann.send("tea", str(i))
                gc.collect(0)
            while len(kept) < 200:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(scenario(), 60))
    gc.collect()
    assert [message.content for message in kept] == [str(i) for i in range(200)]
    assert not kept[0].connection.close()


def test_a_subinterpreter_is_refused_with_words() -> None:
    outcome = python(
        "try:\n"
        "    import _xxsubinterpreters as interpreters\n"
        "except ImportError:\n"
        "    import _interpreters as interpreters\n"
        "one = interpreters.create()\n"
        "print(interpreters.run_string(one, 'import chinwag'))\n"
    )
    assert "sub-interpreter" in outcome.stdout + outcome.stderr


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has a global lock"
)
def test_a_python_without_a_global_lock_stays_so() -> None:
    outcome = python("import chinwag, sys; print(sys._is_gil_enabled())")
    assert (outcome.stdout, outcome.stderr) == ("False\n", "")


def test_handlers_run_while_python_is_busy_elsewhere() -> None:
    server = chinwag.sync.Server()
    seen = threading.Event()
    server.on("message", lambda message: seen.set())
    with server, chinwag.sync.Client(server.url, "ann") as ann:
        ann.join("tea")
        ann.send("tea", "x")
        deadline = time.monotonic() + 5
        while not seen.is_set() and time.monotonic() < deadline:
            sum(range(10_000))  # never waits
        assert seen.is_set()


@pytest.mark.parametrize("asked", ["server.members('tea')", "server.rooms", "server.stats()"])
def test_the_interpreter_exits_cleanly_while_a_thread_asks_the_server(asked: str) -> None:
    program = (
        "import chinwag, threading, time\n"
        "server = chinwag.sync.Server().start()\n"
        "def ask():\n"
        "    while True:\n"
        f"        {asked}\n"
        "for _ in range(4):\n"
        "    threading.Thread(target=ask, daemon=True).start()\n"
        "time.sleep(0.1)\n"
    )
    for _ in range(5):
        outcome = python(program)
        # A thread may hear of the server's end before it is stopped itself.
        assert outcome.returncode == 0
        assert "terminate" not in outcome.stderr


def test_exit_hooks_may_drain_and_nobody_hangs_in_one_that_comes_too_late() -> None:
    outcome = python(
        "import atexit\n"
        "def code_of(call):\n"
        "    try:\n"
        "        call()\n"
        "    except chinwag.ChinwagError as error:\n"
        "        return error.code\n"
        "@atexit.register\n"  # before the import, so it runs after chinwag's own
        "def late():\n"
        "    print(code_of(lambda: ann.join('coffee')), code_of(other.drain))\n"
        "import chinwag\n"
        "server = chinwag.sync.Server().start()\n"
        "other = chinwag.sync.Server().start()\n"
        "ann = chinwag.sync.Client(other.url, 'ann').connect()\n"
        "@atexit.register\n"
        "def early():\n"
        "    ann.join('tea'); ann.leave('tea'); server.drain(); print('drained')\n"
    )
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (
        0,
        "drained\nnot_running not_running\n",
        "",
    )


def test_a_server_that_gets_no_thread_says_so() -> None:
    program = """
import asyncio, chinwag, resource
from pathlib import Path

async def main():
    server = chinwag.Server()
    held = int(Path("/proc/self/status").read_text().split("VmSize:")[1].split()[0]) * 1024
    kept = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + 6 * 1024 * 1024, kept[1]))  # less than a stack
    try:
        await server.start()
    except chinwag.ChinwagError as error:
        print(error.code)
    resource.setrlimit(resource.RLIMIT_AS, kept)
    async with chinwag.Server() as another, chinwag.Client(another.url) as client:
        await client.join("tea")

asyncio.run(main())
"""
    outcome = python(program)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "system_failure\n", "")


def test_threads_that_publish_at_the_end_of_a_drain_are_told_that_it_runs_no_more() -> None:
    async def scenario() -> None:
        for _ in range(20):
            server = await chinwag.Server().start()
            codes: list[str] = []

            def publish(server: chinwag.Server = server, codes: list[str] = codes) -> None:
                while not codes:
                    try:
                        server.publish("tea", "x")
                    except chinwag.ChinwagError as error:
                        codes.append(error.code)

            threads = [threading.Thread(target=publish) for _ in range(2)]
            for thread in threads:
                thread.start()
            await server.drain()
            for thread in threads:
                await asyncio.to_thread(thread.join, 10)
            assert set(codes) == {"not_running"}

    asyncio.run(scenario())


def test_a_copy_of_the_modules_loaded_anew_leaves_the_servers_of_the_first_alone() -> None:
    program = """
import asyncio, sys

def load():
    for name in [name for name in sys.modules if name.split(".")[0] == "chinwag"]:
        del sys.modules[name]
    import chinwag
    return chinwag

async def talk(chinwag, meanwhile=lambda: None):
    server = chinwag.Server()

    @server.on("message")
    def shout(message):
        message.content += "!"

    async with server:
        meanwhile()
        async with chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            await ann.send("tea", "hello")
            async for message in ann.messages():
                if message.type == "message":
                    print(message.content)
                    break

asyncio.run(talk(load(), load))
asyncio.run(talk(load()))
"""
    outcome = python(program)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "hello!\nhello!\n", "")
