"""A chinwagd that is attacked: started fresh, pinned, watched."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from pathlib import Path

from chinwag_bench.attacks.placement import pin, prefer

MEMORY_MAX_DEFAULT = 1024 * 1024 * 1024
_SERVING = re.compile(r"serving on [\d.]+:(\d+)")
_MEMORY_MAX = re.compile(r"^memory_bytes_max\s*=\s*(\d+)", re.MULTILINE)


def memory_max_of(chinwagd: Path) -> int:
    """The value of its option memory_bytes_max; a build that has none is held to the default."""
    command = [str(chinwagd), "--print-config"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = _MEMORY_MAX.search(shown)
    return int(found.group(1)) if found else MEMORY_MAX_DEFAULT


class Target:
    """A running server. Use as a context: it is gone at the end, whatever happened."""

    def __init__(self, chinwagd: Path, cpu: int, preferred: bool = False) -> None:
        self._process = subprocess.Popen(
            [str(chinwagd), "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        (prefer if preferred else pin)(self._process.pid, cpu)
        self.said: list[str] = []
        self.port = self._read_port()
        (prefer if preferred else pin)(self._process.pid, cpu)
        threading.Thread(target=self._keep_output, daemon=True).start()

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> str:
        """How it ended; empty while it serves."""
        code = self._process.poll()
        if code is None:
            return ""
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"the server ended: {how}; {' '.join(self.said[-1:])}".strip()

    def resident(self) -> int:
        """Bytes now; 0 if it has ended."""
        return self._field("status", "VmRSS")

    def peak(self) -> int:
        """The highest number of resident bytes so far, as the kernel counts it."""
        return self._field("status", "VmHWM")

    def proportional(self) -> int:
        return self._field("smaps_rollup", "Pss")

    def waited_ns(self) -> int:
        """How long its threads could have run and something else had the processor, so far."""
        waited = 0
        for of_thread in Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
            try:
                waited += int(of_thread.read_text().split()[1])
            except (OSError, IndexError):
                continue
        return waited

    def _field(self, file: str, name: str) -> int:
        try:
            text = Path(f"/proc/{self.pid}/{file}").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return 0
        found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
        return int(found.group(1)) * 1024 if found else 0

    def _read_port(self) -> int:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.strip())
            if found := _SERVING.search(line):
                return int(found.group(1))
        self._process.wait()
        raise RuntimeError(f"chinwagd does not serve: {' '.join(self.said)}")

    def _keep_output(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said = [*self.said[-20:], line.strip()]
