"""First touches of memory: what they cost, and how much of them a run makes beforehand."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from chinwag_bench.machine import first_touch
from chinwag_bench.machine.doctor import memory
from chinwag_bench.machine.first_touch import GIBIBYTE, Touch, touch, warm, warmable
from chinwag_bench.runs.store import RunStore
from chinwag_bench.servers.catalog import Target

from .conftest import Checkout

MEBIBYTE = 1 << 20


def show_memory(root: Path, total_gib: float, available_gib: float) -> None:
    (root / "proc").mkdir(exist_ok=True)
    sizes = {"MemTotal": total_gib, "MemAvailable": available_gib}
    lines = [f"{name}: {int(gib * 1024**2)} kB\n" for name, gib in sizes.items()]
    (root / "proc/meminfo").write_text("".join(lines))


def test_every_page_is_touched_and_given_back() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    found = touch(64 * MEBIBYTE, budget_s=60)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert found.bytes == 64 * MEBIBYTE
    # Of 4 KiB, or of 2 MiB where the kernel gives huge pages unasked.
    assert faults >= 32
    assert found.seconds > 0
    assert 0 < found.slowest_ms <= found.seconds * 1000 * 1.001
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    again = touch(64 * MEBIBYTE, budget_s=60)
    after = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    assert again.bytes == found.bytes
    assert after - resident < 32 * MEBIBYTE


def test_it_ends_with_its_time() -> None:
    assert touch(1 << 30, budget_s=0.0).bytes == 0
    assert touch(1, budget_s=1.0) == Touch(0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("total_gib", "available_gib", "wanted_gib", "expected_gib"),
    [(16, 12, 4, 4), (16, 6, 4, 3), (3.9, 3.5, 4, 0), (16, 12, 0, 0)],
    ids=["as wanted", "half of what is available", "a small machine", "not wanted"],
)
def test_a_run_touches_what_it_needs_within_bounds(
    tmp_path: Path, total_gib: float, available_gib: float, wanted_gib: float, expected_gib: float
) -> None:
    show_memory(tmp_path, total_gib, available_gib)
    wanted = int(wanted_gib * GIBIBYTE)
    assert warmable(wanted, tmp_path) == pytest.approx(expected_gib * GIBIBYTE, rel=1e-3)


def test_a_machine_that_does_not_show_its_memory_is_left_alone(tmp_path: Path) -> None:
    assert warm(GIBIBYTE, tmp_path) is None


def test_a_slow_first_touch_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    show_memory(tmp_path, 16, 8)
    for touched, level in (
        (Touch(GIBIBYTE, 0.6, 12.0), "ok"),
        (Touch(GIBIBYTE, 4.0, 70.0), "warning"),
        (Touch(GIBIBYTE, 0.7, 140.0), "warning"),
    ):
        monkeypatch.setattr(memory, "touch", lambda size, budget_s, found=touched: found)
        found = memory.first_touch(tmp_path)
        assert found.level == level
        assert f"{touched.ms_per_gib:,.0f} ms per GiB" in found.found
    nothing = memory.first_touch(tmp_path / "elsewhere")
    monkeypatch.undo()
    assert memory.first_touch(tmp_path / "elsewhere").found == "not shown"
    assert nothing.group == "memory"


def test_a_run_warms_memory_where_its_profile_asks_and_says_so(
    checkout: Checkout, toy: Target
) -> None:
    tiny = (Path(__file__).parent / "fixtures" / "tiny.toml").read_text()
    profile = checkout.root / "warm.toml"
    profile.write_text(tiny.replace("[throughput]", "warm_memory_gib = 0.1\n[throughput]", 1))
    done = checkout.chinwag("run", str(profile))
    assert done.returncode == 0, done.stderr
    (folder,) = (checkout.root / "results").iterdir()
    (note,) = [note for note in RunStore.reopen(folder).run.notes if "memory was warmed" in note]
    touched = first_touch.warmable(GIBIBYTE)
    assert ("GiB touched in" if touched else "not on a small machine") in note
