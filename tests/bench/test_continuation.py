"""A run goes on only on the machine, with the kit and with the builds that it began with."""

from __future__ import annotations

import copy
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.fingerprint import read_fingerprint
from chinwag_bench.machine.run_network import BOTH, BY_REQUEST, OWN
from chinwag_bench.records import Run
from chinwag_bench.runs import continuation
from chinwag_bench.runs.store import RunStore
from chinwag_bench.servers.catalog import Target

from .conftest import Checkout

TINY = str(Path(__file__).parent / "fixtures" / "tiny.toml")
MADE = {"kit": "1", "load generator": "2", "builds": {"go": "3", "rust.tuned": "4"}}
MACHINE: dict[str, Any] = {
    "hostname": "one",
    "kernel": "6.1",
    "cpu": {"model": "AMD EPYC", "usable": [0, 1], "mhz": 2596.1},
    "caches": {"L3 Unified": "32M"},
    "memory_bytes": 8_000_000_000,
    "sysctl": {"net.core.somaxconn": "4096"},
}


def a_run(**plan: Any) -> Run:
    return Run(
        id="2026-01-31-120000-one",
        profile="tiny",
        seed=1,
        started_at=0.0,
        command="chinwag run",
        git_commit=None,
        kit_version="0",
        columns=[],
        machine=copy.deepcopy(MACHINE),
        plan={"made_with": MADE} | plan,
    )


def changed(path: str, value: Any) -> dict[str, Any]:
    machine = copy.deepcopy(MACHINE)
    *parents, last = path.split("/")
    place = machine
    for key in parents:
        place = place[key]
    place[last] = value
    return machine


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("hostname", "two", "hostname: one then, two now"),
        ("kernel", "6.2", "kernel: 6.1 then, 6.2 now"),
        ("cpu/model", "Xeon", "cpu.model: AMD EPYC then, Xeon now"),
        ("cpu/usable", [0], "cpu.usable: [0, 1] then, [0] now"),
        ("caches/L3 Unified", "16M", "caches.L3 Unified: 32M then, 16M now"),
        ("memory_bytes", 7_000_000_000, "memory: 8.0 GB then, 7.0 GB now"),
        ("sysctl/net.core.somaxconn", "128", "sysctl.net.core.somaxconn: 4096 then, 128 now"),
    ],
)
def test_another_machine_is_refused_with_what_differs(path: str, value: Any, said: str) -> None:
    with pytest.raises(UsageError, match="began under other conditions") as caught:
        continuation.check(a_run(), changed(path, value), MADE, {}, network=OWN, anyway=False)
    assert caught.value.message.splitlines()[1:] == [f"  {said}"]
    assert "--anyway" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("path", "value"), [("cpu/mhz", 1234.5), ("memory_bytes", 8_010_000_000), ("compilers", {})]
)
def test_what_varies_on_one_machine_is_no_difference(path: str, value: Any) -> None:
    continuation.check(a_run(), changed(path, value), MADE, {}, network=OWN, anyway=False)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (MADE | {"kit": "9"}, "the kit is another one"),
        (MADE | {"load generator": "9"}, "the load generator is another one"),
        (MADE | {"builds": {"go": "9", "rust.tuned": "4"}}, "go was built anew"),
    ],
)
def test_another_build_is_refused(made: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        continuation.check(a_run(), MACHINE, made, {}, network=OWN, anyway=False)


def test_anyway_is_a_note_of_the_run() -> None:
    run = a_run()
    continuation.check(
        run, changed("kernel", "6.2"), MADE | {"kit": "9"}, {}, network=OWN, anyway=True
    )
    (note,) = run.notes
    assert note.endswith("kernel: 6.1 then, 6.2 now; the kit is another one")


def test_a_run_that_wrote_nothing_down_is_compared_as_far_as_it_tells() -> None:
    old = msgspec.structs.replace(a_run(), machine={}, plan={})
    continuation.check(old, MACHINE, MADE, {}, network=OWN, anyway=False)


def test_a_changed_load_is_refused(checkout: Checkout) -> None:
    load = load_profile(checkout.workspace, "idle")
    run = a_run(loads={"idle": load.as_json() | {"stated_deliveries_per_s": 1}})
    continuation.check(run, MACHINE, MADE, {"idle": load}, network=OWN, anyway=False)
    path = checkout.root / "bench/load/profiles/idle.json"
    path.write_text(path.read_text().replace('"content_bytes": 100', '"content_bytes": 200'))
    other = load_profile(checkout.workspace, "idle")
    with pytest.raises(UsageError, match="load profile idle was changed"):
        continuation.check(run, MACHINE, MADE, {"idle": other}, network=OWN, anyway=False)


def test_this_machine_does_not_differ_from_itself(
    checkout: Checkout, toy: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHINWAG_LOAD", str(checkout.generator))
    run = a_run()
    run.machine = read_fingerprint()
    continuation.remember(run, checkout.workspace, [toy])
    stored = msgspec.json.decode(msgspec.json.encode(run), type=Run)
    again = continuation.made_with(checkout.workspace, [toy])
    continuation.check(stored, read_fingerprint(), again, {}, network=OWN, anyway=False)


def test_an_interrupted_run_goes_on_with_a_new_build_only_by_anyway(
    checkout: Checkout, toy: Target
) -> None:
    kit = subprocess.Popen(
        checkout.command("run", TINY, "--json"),
        env=checkout.env(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert kit.stdout is not None
    next(line for line in kit.stdout if json.loads(line)["event"] == "result")
    kit.send_signal(signal.SIGINT)
    kit.communicate(timeout=60)
    (folder,) = (checkout.root / "results").iterdir()
    source = toy.server.folder / "toy_server.py"
    source.write_text(source.read_text() + "\n# other sources\n")
    assert checkout.chinwag("build").returncode == 0
    refused = checkout.chinwag("run", "--resume", str(folder))
    assert refused.returncode == 2
    assert "toy was built anew" in refused.stderr
    done = checkout.chinwag("run", "--resume", str(folder), "--anyway")
    assert done.returncode == 0, done.stderr
    (note,) = [note for note in RunStore.reopen(folder).run.notes if "other conditions" in note]
    assert "toy was built anew" in note
    assert checkout.chinwag("report", str(folder)).returncode == 0
    assert "toy was built anew" in (folder / "report.html").read_text()


def test_a_run_whose_server_is_not_built_here_is_refused(checkout: Checkout, toy: Target) -> None:
    assert checkout.chinwag("run", TINY).returncode == 0
    (folder,) = (checkout.root / "results").iterdir()
    (toy.server.build_folder / "stamp.json").unlink()
    refused = checkout.chinwag("run", "--resume", str(folder), "--anyway")
    assert refused.returncode == 3
    assert "not built: run `chinwag build toy`" in refused.stderr


def test_anyway_alone_is_wrong_usage(checkout: Checkout) -> None:
    assert checkout.chinwag("run", TINY, "--anyway").returncode == 2


@pytest.mark.parametrize(("before", "now"), [(OWN, BY_REQUEST), (BY_REQUEST, OWN)])
def test_another_network_is_refused_by_name(before: str, now: str) -> None:
    run = a_run()
    run.plan["network"] = before
    with pytest.raises(UsageError) as caught:
        continuation.check(run, MACHINE, MADE, {}, network=now, anyway=False)
    said = caught.value.message.splitlines()[1:]
    assert said == [f"  the network: {before} then, {now} now"]


def test_who_goes_on_in_another_network_anyway_is_told_of_both() -> None:
    run = a_run()
    run.plan["network"] = OWN
    continuation.check(run, MACHINE, MADE, {}, network=BY_REQUEST, anyway=True)
    assert run.plan["network"] == BOTH
    assert "the network: own then" in run.notes[-1]


def test_the_reason_why_a_run_has_no_network_of_its_own_is_no_difference() -> None:
    run = a_run()
    run.plan["network"] = "the machine's: no rights"
    continuation.check(run, MACHINE, MADE, {}, network=BY_REQUEST, anyway=False)


@pytest.mark.parametrize(
    ("part", "key", "value", "said"),
    [
        ("settings", "rounds", "three", "plan.settings is no run profile: "),
        ("plan", "settings", None, "got `null` - at `$.plan.settings`"),
        ("plan", "made_with", "x", "got `str` - at `$.plan.made_with`"),
        ("made_with", "builds", None, "got `null` - at `$.plan.made_with.builds`"),
        ("plan", "server_cores", [], "its plan has no server_cores"),
        ("machine", "memory_bytes", "8G", "got `str` - at `$.machine.memory_bytes`"),
    ],
)
def test_a_run_json_of_other_types_is_no_run_to_go_on_with(
    checkout: Checkout, toy: Target, part: str, key: str, value: Any, said: str
) -> None:
    folder = checkout.root / "results" / "one"
    folder.mkdir(parents=True)
    run = msgspec.to_builtins(a_run(rounds=1, server_cores=[0], generator_cores=[1]))
    run["columns"] = [{"id": "toy", "server": "toy", "variant": "default", "title": "Toy"}]
    run["columns"][0]["language"] = "Python"
    run["plan"]["settings"] = {"rounds": 1}
    places = {"plan": run["plan"], "machine": run["machine"]}
    places |= {name: run["plan"][name] for name in ("settings", "made_with")}
    places[part][key] = value
    (folder / "run.json").write_text(json.dumps(run))
    done = checkout.chinwag("run", "--resume", str(folder), "--host-network")
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "run.json" in done.stderr
    assert "Traceback" not in done.stderr
