"""Run profiles that extend one another: only what differs stands in the file."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.runs.profile import PROFILES, load_run_profile

QUICK = load_run_profile("quick")


def write(folder: Path, name: str, text: str) -> str:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return str(path)


def refusal(path: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_run_profile(path)
    return caught.value.message


def test_what_the_file_does_not_say_is_what_it_extends(tmp_path: Path) -> None:
    profile = load_run_profile(write(tmp_path, "x", 'extends = "quick"\nname = "x"\n'))
    assert profile == msgspec.structs.replace(QUICK, name="x")


def test_tables_within_tables_differ_key_by_key(tmp_path: Path) -> None:
    text = 'extends = "quick"\nname = "x"\n[throughput]\nwarm_up = { hold_s = 9.0 }\n'
    profile = load_run_profile(write(tmp_path, "x", text))
    warm_up = msgspec.structs.replace(QUICK.throughput.warm_up, hold_s=9.0)
    assert profile.throughput == msgspec.structs.replace(QUICK.throughput, warm_up=warm_up)


def test_tables_of_the_extended_profile_can_be_left_out(tmp_path: Path) -> None:
    text = 'extends = "quick"\nname = "x"\nwithout = ["latency", "memory.ramp"]\n'
    profile = load_run_profile(write(tmp_path, "x", text))
    assert profile.latency is None
    assert profile.memory == msgspec.structs.replace(QUICK.memory, ramp=None)


def test_a_profile_extends_one_that_extends_another(tmp_path: Path) -> None:
    write(tmp_path, "a", 'extends = "quick"\nname = "a"\nrounds = 2\nbudget_s = 7.0\n')
    path = write(tmp_path, "b", 'extends = "a.toml"\nname = "b"\nbudget_s = 8.0\n')
    profile = load_run_profile(path)
    assert (profile.rounds, profile.budget_s, profile.again) == (2, 8.0, QUICK.again)


def test_a_circle_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a", 'extends = "b.toml"\n')
    path = write(tmp_path, "b", 'extends = "a.toml"\n')
    assert refusal(path).endswith("run profiles extend each other in a circle: b -> a -> b")
    alone = write(tmp_path, "c", 'extends = "c.toml"\n')
    assert refusal(alone).endswith("in a circle: c -> c")


def test_an_unknown_name_is_named_with_the_known_ones(tmp_path: Path) -> None:
    path = write(tmp_path, "x", 'extends = "slow"\n')
    with pytest.raises(UsageError, match=r"x\.toml: `extends`: there is no .* 'slow'") as caught:
        load_run_profile(path)
    assert caught.value.hint.startswith("known: experiments, full, hosted, quick, smoke")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("rund = 3", "contains unknown field `rund`"),
        ("[throughput]\nsecond = 3", r"contains unknown field `second` - at `\$\.throughput`"),
        ("[thruput]\nseconds = 3", "contains unknown field `thruput`"),
        ('without = ["storm"]', "names 'storm', which run profile 'quick' does not have"),
        ('without = ["rounds.x"]', r"names 'rounds\.x', which run profile"),
        ('without = "storm"', "`without` must be a list of keys"),
        ("extends = 3", "`extends` must be the name of a run profile"),
        ("name = [", "Invalid value"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(tmp_path: Path, line: str, complaint: str) -> None:
    text = 'extends = "quick"\nname = "x"\n' if "extends" not in line else ""
    path = write(tmp_path, "x", f"{text}{line}\n")
    assert re.search(rf"x\.toml: .*{complaint}", refusal(path)), refusal(path)


def test_leaving_out_needs_something_that_is_extended(tmp_path: Path) -> None:
    text = (PROFILES / "quick.toml").read_text()
    assert "leaves nothing out" in refusal(write(tmp_path, "x", f'without = ["floor"]\n{text}'))


def test_a_fault_of_the_extended_file_is_named_there(tmp_path: Path) -> None:
    write(tmp_path, "a", 'extends = "quick"\nname = "a"\nrund = 3\n')
    path = write(tmp_path, "b", 'extends = "a.toml"\nname = "b"\n')
    assert re.search(r"a\.toml: .*`rund`", refusal(path))


@pytest.mark.parametrize("name", ["full", "hosted", "smoke"])
def test_the_profiles_here_say_only_what_differs(name: str) -> None:
    """A key that repeats the extended profile's would stay behind when that one changes."""
    path = PROFILES / f"{name}.toml"
    own = msgspec.toml.decode(path.read_bytes())
    base = msgspec.toml.decode((PROFILES / f"{own['extends']}.toml").read_bytes())
    assert list(repeated(own, base)) == []


def repeated(own: dict[str, object], base: dict[str, object], place: str = ""):
    for key, value in own.items():
        there = base.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            yield from repeated(value, there, f"{place}{key}.")
        elif key in base and value == there:
            yield f"{place}{key}"
