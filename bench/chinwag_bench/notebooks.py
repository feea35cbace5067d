"""Executes the notebooks on a result directory: ``python -m chinwag_bench.notebooks``.

CHINWAG_RESULTS names the directory; without it the newest one is taken.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from chinwag_bench.errors import EXIT_OK, EXIT_SERVER, ChinwagError, HostError, UsageError
from chinwag_bench.paths import find_workspace
from chinwag_bench.runs.store import newest_result
from chinwag_bench.runs.store import result_directory as in_folder

TIMEOUT_S = 300
_SOCKET_FOLDER_MAX = 70
"""Of the 107 characters of a Unix socket's name; the rest is the kernel's own part of it."""
_SHORT_FOLDERS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))


def result_directory() -> Path:
    """The directory to show: CHINWAG_RESULTS, else the newest run, else the newest reference run.

    Raises UsageError where there is none.
    """
    chosen = os.environ.get("CHINWAG_RESULTS")
    if chosen:
        return _checked(in_folder(Path(chosen)))
    workspace = find_workspace()
    newest = newest_result(workspace)
    if newest is None:
        raise UsageError(
            f"no results in {workspace.results}",
            hint="Run `make matrix`, or point CHINWAG_RESULTS at a run.",
        )
    return newest


def reference_directory() -> Path:
    """The run that comes with the project, which has every metric. Raises UsageError without it."""
    return _checked(in_folder(find_workspace().results / "reference"))


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
    with TemporaryDirectory(prefix="chinwag-", dir=socket_folder()) as sockets:
        # Unix sockets: no port is opened, and none can be taken.
        kernel = AsyncKernelManager(
            kernel_name="python3", transport="ipc", connection_file=f"{sockets}/kernel.json"
        )
        client = NotebookClient(document, timeout=TIMEOUT_S, km=kernel)
        client.execute(env=environment, cwd=str(notebook.parent))
    output.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(document, output)  # type: ignore[no-untyped-call]


def socket_folder(usual: Path | None = None) -> Path:
    """Where the kernels' sockets fit: their names may have 107 characters, and a temporary folder
    may have more by itself. Raises HostError where none can be written.
    """
    for folder in (usual or Path(gettempdir()), *_SHORT_FOLDERS):
        if len(os.fsencode(folder)) <= _SOCKET_FOLDER_MAX and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise HostError(
        "the notebooks' kernels find no folder for their sockets",
        hint=f"set TMPDIR to a folder whose path has at most {_SOCKET_FOLDER_MAX} characters",
    )


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
