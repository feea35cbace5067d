"""Where things lie: one place that knows the tree's folders."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from chinwag_bench.errors import HostError, UsageError

_MARKER = Path("protocol/chat-1.md")


class Workspace(msgspec.Struct, frozen=True):
    """A checkout of the kit. All other paths are derived from its root."""

    root: Path

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def load_profiles(self) -> Path:
        return self.root / "bench" / "load" / "profiles"

    @property
    def conformance(self) -> Path:
        return self.root / "tests" / "conformance"

    @property
    def toolchain(self) -> Path:
        """What `make setup` installs into the checkout: programs in ``bin``, and its stamps."""
        return self.root / ".toolchain"

    @property
    def is_set_up(self) -> bool:
        """Whether `make setup` has come to its end here."""
        return (self.toolchain / "stamps" / "python").is_file()

    def server_build(self, name: str) -> Path:
        """The build folder of one server: binaries, build log, stamp."""
        return self.root / "build" / "servers" / name

    def generator(self) -> Path:
        """The load generator's binary. Raises ``HostError`` when it has not been built."""
        return self._program("the load generator", "bench/load/chinwag-load", "CHINWAG_LOAD")

    def floor(self) -> Path:
        """What measures the kernel alone. Raises ``HostError`` when it has not been built."""
        return self._program("chinwag-floor", "bench/floor/chinwag-floor", "CHINWAG_FLOOR")

    def _program(self, what: str, built: str, variable: str) -> Path:
        chosen = os.environ.get(variable)
        path = Path(chosen) if chosen else self.root / "build/release" / built
        installed = shutil.which(path.name)
        if not chosen and not path.exists() and installed:
            return Path(installed)
        if not path.is_file() or not os.access(path, os.X_OK):
            source = variable if chosen else "the release build"
            raise HostError(
                f"{what} is missing: {path} (from {source}) is not an executable file",
                hint=f"build it with `make native`, or point {variable} at it",
            )
        return path


def put_toolchain_first() -> None:
    """Has PATH begin with what `make setup` installed, as the Makefile does: a `chinwag` that was
    started by its path finds the same programs. Outside of a checkout nothing changes.
    """
    try:
        programs = str(find_workspace().toolchain / "bin")
    except UsageError:
        return
    path = os.environ.get("PATH", os.defpath)
    if os.path.isdir(programs) and path.split(os.pathsep)[0] != programs:
        os.environ["PATH"] = os.pathsep.join([programs, path])


def find_workspace() -> Workspace:
    """The checkout named by CHINWAG_ROOT, else the one around the current folder, else around this
    package.
    """
    chosen = os.environ.get("CHINWAG_ROOT")
    if chosen:
        root = Path(chosen).resolve()
        if not (root / _MARKER).is_file():
            raise UsageError(f"CHINWAG_ROOT={chosen} is not a checkout: it has no {_MARKER}")
        return Workspace(root)
    for start in (Path.cwd(), Path(__file__).resolve()):
        for folder in (start, *start.parents):
            if (folder / _MARKER).is_file():
                return Workspace(folder)
    raise UsageError(
        f"no checkout found: neither {Path.cwd()} nor the installed package lies in one",
        hint="run `chinwag` inside the checkout, or set CHINWAG_ROOT",
    )
