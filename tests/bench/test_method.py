"""What the metrics say of their numbers, collected: in the change log and on the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from chinwag_bench.metrics.registry import METRICS
from chinwag_bench.render import method

CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"


def test_the_change_log_has_what_the_metrics_say(tmp_path: Path) -> None:
    assert method.main(["--check", str(CHANGELOG)]) == 0


def test_every_metric_says_something_under_a_name_of_its_own() -> None:
    names = [name for name, _ in method.paragraphs()]
    assert len(names) == len(set(names))
    assert len(names) > len(METRICS)


def test_a_stale_change_log_is_refused_and_can_be_renewed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "CHANGELOG.md"
    path.write_text(f"before\n{method.BEGIN}\nold\n{method.END}\nafter\n")
    assert method.main(["--check", str(path)]) == 1
    assert "--write" in capsys.readouterr().err
    assert method.main(["--write", str(path)]) == 0
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "**Throughput.** " in text
    assert method.main(["--check", str(path)]) == 0


def test_a_document_without_marks_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.md"
    path.write_text("nothing\n")
    assert method.main(["--write", str(path)]) == 2
    assert "has no <!-- metrics -->" in capsys.readouterr().err
