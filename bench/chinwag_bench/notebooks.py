"""Executes the notebooks on a result directory: ``python -m chinwag_bench.notebooks``.

CHINWAG_RESULTS names the directory; without it the newest one is taken.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from chinwag_bench.errors import EXIT_OK, EXIT_SERVER, ChinwagError, UsageError
from chinwag_bench.paths import find_workspace

TIMEOUT_S = 300


def result_directory() -> Path:
    """The directory to show: CHINWAG_RESULTS, else the newest run, else the newest reference run.

    Raises UsageError where there is none.
    """
    chosen = os.environ.get("CHINWAG_RESULTS")
    if chosen:
        return _checked(Path(chosen))
    results = find_workspace().results
    for folder in (results, results / "reference"):
        runs = sorted(folder.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
        if runs:
            return runs[-1].parent
    raise UsageError(
        f"no results in {results}", hint="Run `make matrix`, or point CHINWAG_RESULTS at a run."
    )


def _checked(folder: Path) -> Path:
    if not (folder / "run.json").is_file():
        raise UsageError(
            f"CHINWAG_RESULTS={folder} has no run.json",
            hint="Point it at a directory that `chinwag matrix` wrote.",
        )
    return folder.resolve()


def execute(notebook: Path, results: Path, output: Path) -> None:
    """Runs one notebook and writes the executed copy. Raises CellExecutionError from its cells."""
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    document = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    environment = {**os.environ, "CHINWAG_RESULTS": str(results), "PYTHONPATH": _python_path()}
    with TemporaryDirectory(prefix="chinwag-") as sockets:
        # Unix sockets: no port is opened, and none can be taken.
        kernel = AsyncKernelManager(
            kernel_name="python3", transport="ipc", connection_file=f"{sockets}/kernel.json"
        )
        client = NotebookClient(document, timeout=TIMEOUT_S, km=kernel)
        client.execute(env=environment, cwd=str(notebook.parent))
    output.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(document, output)  # type: ignore[no-untyped-call]


def _python_path() -> str:
    """The kernel finds this package where this process found it."""
    package = str(Path(__file__).resolve().parents[1])
    return os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])


def main() -> int:
    """Executes every notebook into build/notebooks; answers the exit code."""
    from nbclient.exceptions import CellExecutionError

    try:
        root, results = find_workspace().root, result_directory()
    except ChinwagError as error:
        print(error.text(), file=sys.stderr)
        return error.exit_code
    for notebook in sorted((root / "notebooks").glob("*.ipynb")):
        output = root / "build" / "notebooks" / notebook.name
        try:
            execute(notebook, results, output)
        except CellExecutionError as error:
            print(f"{notebook}: {error}", file=sys.stderr)
            return EXIT_SERVER
        print(f"{output}: executed on {results}")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
