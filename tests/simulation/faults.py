"""Plants each fault of core/src/state/planted_fault.hpp in turn: the simulation has to find it.

Needs a build with -DCHINWAG_PLANT_FAULTS=ON. Usage: faults.py SIMULATION [SECONDS] [FAULT...]
"""

import subprocess
import sys
import time


def run(simulation: str, fault: str, seconds: int) -> tuple[bool, str]:
    """Whether the fault was found within so many seconds, and by which rule."""
    command = [simulation, "--fault", fault, "--seconds", str(seconds), "--shrink", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return done.returncode != 0, lines[0] if lines else f"exit {done.returncode}"


def main(simulation: str, seconds: int, wanted: list[str]) -> int:
    listed = subprocess.run([simulation, "--faults"], capture_output=True, text=True, check=True)
    missed = 0
    for fault in wanted or listed.stdout.split():
        began = time.monotonic()
        found, how = run(simulation, fault, seconds)
        missed += not found
        word = "found" if found else "MISSED"
        print(f"{word:7}{time.monotonic() - began:6.1f} s  {fault}: {how[:110]}", flush=True)
    print(f"{missed} missed" if missed else "all found")
    return 1 if missed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    limit = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    sys.exit(main(sys.argv[1], limit, sys.argv[3:]))
