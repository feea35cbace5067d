"""No number of a run profile may give a run without an end, without cells, or of nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.runs.profile import PROFILES, load_run_profile

FULL = msgspec.to_builtins(load_run_profile("full"))
QUICK = msgspec.to_builtins(load_run_profile("quick"))


def numbers(tables: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The keys that lead to each number of a profile."""
    for key, value in tables.items():
        if isinstance(value, dict):
            yield from numbers(value, (*keys, key))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield (*keys, key)


def extended(base: str, key: str, value: Any, path: Path) -> Path:
    """A profile that only changes one number."""
    *tables, last = key.split(".")
    head = f"[{'.'.join(tables)}]\n" if tables else ""
    path.write_text(f'extends = "{base}"\nname = "x"\n{head}{last} = {value}\n')
    return path


EVERY = {(".".join(keys), "full") for keys in numbers(FULL)} | {
    (".".join(keys), "quick") for keys in numbers(QUICK)
}


@pytest.mark.parametrize(("key", "base"), sorted(EVERY))
def test_every_number_has_limits(tmp_path: Path, key: str, base: str) -> None:
    for value in ("nan", "inf", "-1", "-0.5"):
        path = extended(base, key, value, tmp_path / "x.toml")
        with pytest.raises(UsageError) as caught:
            load_run_profile(str(path))
        assert caught.value.message.startswith(f"{path}: ")
        assert key.rpartition(".")[2] in caught.value.message


def test_the_walk_finds_what_is_there() -> None:
    found = {".".join(keys) for keys in numbers(FULL)}
    assert {"budget_s", "rounds", "throughput.confirm.hold_s", "limits.throttled_max"} <= found


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rounds = 0", "rounds is 0; it must be a number above 0 and at most 1,000"),
        ("rounds = 1000000000", "rounds is 1000000000; it must be"),
        ("budget_s = nan", "budget_s is nan; it must be a number above 0"),
        ("[throughput]\nseconds = nan", "throughput.seconds is nan"),
        ("[throughput]\nstart_deliveries_per_s = 0", "throughput.start_deliveries_per_s is 0"),
        ("[throughput]\nconnections = 0", "throughput.connections is 0"),
        ("[throughput]\nconnections = -5", "throughput.connections is -5"),
        ("[throughput]\napproach_factor = 1.0", "it must be a number above 1"),
        ("[throughput]\nspread_p99_ms = [1.0, nan]", "throughput.spread_p99_ms is nan"),
        ("[floor]\nframes_per_write = [1, 0]", "floor.frames_per_write is 0"),
        ("repeats_max = -1", "repeats_max is -1; it must be a number of at least 0"),
    ],
)
def test_a_wrong_number_is_named_with_its_file(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(f'extends = "quick"\nname = "x"\n{line}\n')
    with pytest.raises(UsageError) as caught:
        load_run_profile(str(path))
    assert caught.value.message.startswith(f"{path}: ")
    assert said in caught.value.message


def test_pauses_and_allowances_may_be_none_at_all(tmp_path: Path) -> None:
    for line in ("repeats_max = 0", "warm_memory_gib = 0", "[memory]\nrest_s = 0.0"):
        path = tmp_path / "x.toml"
        path.write_text(f'extends = "quick"\nname = "x"\n{line}\n')
        load_run_profile(str(path))


@pytest.mark.parametrize("name", sorted(path.stem for path in PROFILES.glob("*.toml")))
def test_the_kit_s_own_profiles_are_within_their_limits(name: str) -> None:
    assert load_run_profile(name).name == name
