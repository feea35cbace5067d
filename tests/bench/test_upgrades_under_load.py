"""chinwagd hands its connections over while the load generator counts every delivery."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def measure(monkeypatch):
    """bench/handover/measure.py, which is no part of the kit's package."""
    path = ROOT / "bench" / "handover" / "measure.py"
    spec = importlib.util.spec_from_file_location("measure_handover", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(120)
def test_nothing_is_lost_and_nobody_notices(measure, tmp_path):
    seen = measure.upgrade_again_and_again(
        connections=300, slow=10, upgrades=8, messages_per_s=600, apart_s=0.25, folder=tmp_path
    )
    assert seen.slow["half_received"] > 0
    assert [seen.slow[what] for what in ("ended", "lost", "duplicated", "reordered")] == [0] * 4
    assert seen.done == 8
    assert seen.ended == 0
    assert (seen.lost, seen.duplicated, seen.reordered) == (0, 0, 0)
    assert seen.messages > 1_000
