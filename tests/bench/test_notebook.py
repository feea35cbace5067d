"""The notebook runs on the fixture, is stored without outputs, and finds its results."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest
from chinwag_bench import notebooks
from chinwag_bench.errors import HostError, UsageError

from .result_builder import build

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "protocol").mkdir()
    (tmp_path / "protocol" / "chat-1.md").touch()
    monkeypatch.setenv("CHINWAG_ROOT", str(tmp_path))
    monkeypatch.delenv("CHINWAG_RESULTS", raising=False)
    return tmp_path


def a_run(folder: Path, modified_s: int) -> Path:
    folder.mkdir(parents=True)
    (folder / "run.json").touch()
    os.utime(folder / "run.json", (modified_s, modified_s))
    return folder


def test_it_executes(tmp_path: Path) -> None:
    result = build(tmp_path / "run")
    executed = tmp_path / "executed.ipynb"
    notebooks.execute(ROOT / "notebooks" / "02_decision_matrix.ipynb", result, executed)
    outputs = json.dumps(nbformat.read(executed, as_version=4))
    assert "chinwagd (this kit" in outputs
    assert outputs.count("<figure class") == 5
    assert '"output_type": "error"' not in outputs


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "01_quick_look",
            ["chinwagd (this kit", "<figure class", "noise: one server"],
        ),
        ("04_memory_and_density", ["19,500", "<figure class", "32 GB"]),
        ("07_claims", ["image/png", "statements"]),
        ("08_decide", ["Asked: 10,000 connections", "A start-up's chat", "USD a month"]),
    ],
)
def test_the_notebooks_of_results_execute_on_any_run(
    tmp_path: Path, name: str, shown: list[str]
) -> None:
    executed = tmp_path / "executed.ipynb"
    notebooks.execute(ROOT / "notebooks" / f"{name}.ipynb", build(tmp_path / "run"), executed)
    outputs = json.dumps(
        [c.get("outputs") for c in nbformat.read(executed, as_version=4).cells], ensure_ascii=False
    )
    assert all(text in outputs for text in shown)
    assert '"output_type": "error"' not in outputs


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_stored_without_outputs_and_explain_themselves(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert len(cells) - len(code) >= len(code)


def test_it_executes_where_the_temporary_folder_has_a_long_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Unix socket's name has room for 107 characters."""
    deep = tmp_path / "a-folder-with-a-long-name" / ("x" * 100)
    deep.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(deep))
    monkeypatch.setattr("tempfile.tempdir", None)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(6 * 7)")])
    nbformat.write(notebook, tmp_path / "one.ipynb")
    notebooks.execute(tmp_path / "one.ipynb", tmp_path, tmp_path / "executed.ipynb")
    (cell,) = nbformat.read(tmp_path / "executed.ipynb", as_version=4).cells
    assert cell.outputs[0].text == "42\n"


def test_where_no_folder_is_short_enough_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebooks, "_SHORT_FOLDERS", ())
    with pytest.raises(HostError, match="no folder for their sockets") as caught:
        notebooks.socket_folder(tmp_path / ("x" * 100))
    assert "TMPDIR" in (caught.value.hint or "")


def test_the_newest_run_is_taken(workspace: Path) -> None:
    a_run(workspace / "results" / "older", 1_000)
    newest = a_run(workspace / "results" / "newer", 2_000)
    a_run(workspace / "results" / "reference" / "newest", 3_000)
    assert notebooks.result_directory() == newest


def test_else_the_reference_run(workspace: Path) -> None:
    reference = a_run(workspace / "results" / "reference" / "one", 1_000)
    assert notebooks.result_directory() == reference


def test_without_results_it_says_what_to_do(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError):
        notebooks.result_directory()
    assert notebooks.main() == 2
    assert "make matrix" in capsys.readouterr().err


def test_a_wrong_directory_is_named(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHINWAG_RESULTS", "/no/such/run")
    with pytest.raises(UsageError, match="/no/such/run"):
        notebooks.result_directory()
