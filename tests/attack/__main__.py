"""``python -m attack`` (`make attack`): every class of attack on a fresh server, and a table.

Exit code 1 if a class fails its bounds, 2 for a mistake in the options.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from chinwag_bench.attacks.classes import ATTACKS, Attack, find
from chinwag_bench.attacks.placement import Placement, place

from .figures import HEADER, Figures, Memory, Outcome, Sample, figures_of, row_of
from .target import Target, memory_max_of

_ROOT = Path(__file__).resolve().parents[2]
_TRIES = 3
_TICK_S = 0.05
_STOP_AT = 4  # times memory_bytes_max: the machine must survive a server that has no limit
_MIB = 1024 * 1024


class Child:
    """A part of the measurement in a process of its own, told to go on and to end by its input."""

    def __init__(self, stack: ExitStack, module: str, *arguments: object) -> None:
        self._module = module
        self.process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", module, *map(str, arguments)],
                cwd=_ROOT / "tests",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(self.process.kill)

    def wait_ready(self) -> None:
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"the {self._module} did not get ready")

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def result(self) -> dict[str, object]:
        """Tells it to end; what it measured."""
        out, _ = self.process.communicate(timeout=120)
        found: dict[str, object] = json.loads(out)
        return found


def describe(attack: Attack, counts: dict[str, object]) -> str:
    """What was pressed, as a cell of the table."""
    seconds = float(str(counts["seconds"]))
    opened = int(str(counts["opened"]))
    sent = int(str(counts["sent"]))
    if attack.opens:
        return f"{opened / seconds:,.0f} opens/s"
    parts = [f"{sent / seconds / 1024:,.0f} KiB/s sent", f"{opened:,} connections opened"]
    if ended := int(str(counts["ended"])):
        parts.append(f"{ended:,} ended by the server")
    return ", ".join(parts)


def press_for(seconds: float, target: Target, memory_max: int) -> str:
    """Waits while the attack runs; says what ended it early, if something did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(_TICK_S)
        if target.ended:
            return target.ended
        if target.resident() > _STOP_AT * memory_max:
            return f"stopped at {target.resident() / _MIB:.0f} MiB"
    return ""


def samples_of(watched: dict[str, object], name: str) -> tuple[list[Sample], str]:
    line = watched[name]
    assert isinstance(line, dict)
    return [Sample(due, answered) for due, answered in line["samples"]], str(line["lost"])


def measure(attack: Attack, chinwagd: Path, seconds: float, at: Placement) -> Outcome:
    """One class on a server of its own."""
    memory_max = memory_max_of(chinwagd)
    with ExitStack() as stack:
        target = stack.enter_context(Target(chinwagd, at.server))
        control = stack.enter_context(Target(chinwagd, at.load, preferred=True))
        attacker = Child(
            stack, "chinwag_bench.attacks.attacker", attack.name,
            "--port", target.port, "--cpu", at.load,
        )  # fmt: skip
        attacker.wait_ready()
        bystander = Child(
            stack, "attack.bystander", "--port", target.port, "--control-port", control.port,
            "--cpu", at.load,
        )  # fmt: skip
        bystander.wait_ready()
        begin = time.monotonic_ns()
        time.sleep(seconds / 2)
        before, waited_before = target.resident(), target.waited_ns()
        pressed = time.monotonic_ns()
        attacker.go_on()
        trouble = press_for(seconds, target, memory_max)
        end = time.monotonic_ns()
        waited = (target.waited_ns() - waited_before) / (end - pressed)
        counts = attacker.result() if not trouble.startswith("stopped") else {}
        peak = target.peak()
        watched = bystander.result()
        now = time.monotonic_ns()
        peak = max(peak, target.peak())
        time.sleep(min(1.0, seconds / 4))
        trouble = trouble or target.ended
        after, proportional = target.resident(), target.proportional()
    samples, lost = samples_of(watched, "attacked")
    control_samples, _ = samples_of(watched, "control")

    def phases(of: list[Sample]) -> tuple[Figures, Figures]:
        return figures_of(of, begin, pressed, now), figures_of(of, pressed, end, now)

    quiet, attacked = phases(samples)
    control_quiet, control_attacked = phases(control_samples)
    if not trouble and not (counts.get("sent") or counts.get("opened")):
        trouble = "the attack did nothing"
    return Outcome(
        attack.name,
        describe(attack, counts) if counts else "",
        quiet,
        attacked,
        control_quiet,
        control_attacked,
        Memory(before, max(peak, before), after, proportional),
        memory_max,
        trouble or lost,
        waited,
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="attack", description=__doc__)
    parser.add_argument(
        "--chinwagd", type=Path, default=_ROOT / "build/release/core/chinwagd", metavar="FILE",
        help="the build to attack",
    )  # fmt: skip
    parser.add_argument("--classes", metavar="A,B", help="these only")
    parser.add_argument("--seconds", type=float, default=10.0, help="of attack, each class")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the outcomes as JSON, too")
    parser.add_argument("--list", action="store_true", help="say what the classes are, and end")
    asked = parser.parse_args()
    if asked.seconds < 1:
        parser.error(f"--seconds is {asked.seconds:g}: give 1 or more")
    try:
        asked.attacks = find(asked.classes.split(",")) if asked.classes else list(ATTACKS)
    except KeyError as problem:
        parser.error(problem.args[0])
    if not asked.chinwagd.is_file() or not os.access(asked.chinwagd, os.X_OK):
        parser.error(f"{asked.chinwagd} is no program: run `make native`, or give --chinwagd")
    return asked


def main() -> int:
    asked = arguments()
    if asked.list:
        for one in asked.attacks:
            print(f"{one.name:18} {one.what}")
        return 0
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    at = place()
    if at.shared:
        print("one processor only: the server shares it with the load", file=sys.stderr)
    print(HEADER, flush=True)
    outcomes = []
    for attack in asked.attacks:
        for _ in range(_TRIES):
            outcome = measure(attack, asked.chinwagd, asked.seconds, at)
            if not outcome.disturbed:
                break
        outcomes.append(outcome)
        print(row_of(outcome), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([one.as_json() for one in outcomes], indent=2) + "\n")
    return 1 if any(one.faults for one in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
