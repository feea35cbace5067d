"""Is a result directory whole, and does it agree with itself? Nothing in it is changed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.errors import UsageError
from chinwag_bench.judging.sustained import limits_of
from chinwag_bench.metrics.registry import KINDS
from chinwag_bench.records import Calibration, Record, Run
from chinwag_bench.run_json import decode_run
from chinwag_bench.validation.cells_file import has_cells_file
from chinwag_bench.validation.duplicates import duplicate_problems
from chinwag_bench.validation.floor import floor_problems
from chinwag_bench.validation.histograms import histogram_problems
from chinwag_bench.validation.matrix_file import matrix_problems
from chinwag_bench.validation.problem import Problem
from chinwag_bench.validation.promises import promise_problems
from chinwag_bench.validation.raw_lines import RawLine, read_raw
from chinwag_bench.validation.sums import sum_problems


class Validation(msgspec.Struct, kw_only=True):
    """What was looked at, and what is wrong with it."""

    directory: str
    records: int = 0
    histograms: int = 0
    cells: int | None = None
    """Of matrix.json; ``None`` where there is none, as after `chinwag run`."""
    cells_csv: bool | None = None
    """Whether cells.csv is beside matrix.json, which is no problem where an older kit rendered it;
    ``None`` without matrix.json."""
    problems: list[Problem] = []

    def summary(self) -> str:
        """One line: the directory, how much was looked at, the verdict."""
        matrix = "no matrix.json" if self.cells is None else f"{self.cells} cells"
        if self.cells_csv is False:
            matrix += f", no cells.csv (`chinwag report {self.directory}` writes it)"
        count = len(self.problems)
        verdict = "no problem" if not count else f"{count} problem{'s' if count > 1 else ''}"
        return (
            f"{self.directory}: {self.records} records, {self.histograms} histograms, {matrix}: "
            f"{verdict}"
        )


def validate(directory: Path) -> Validation:
    """Checks everything that a result directory states. Raises ``UsageError`` where there is no
    such directory; whatever is wrong inside is a ``Problem``.
    """
    if not directory.is_dir():
        raise UsageError(f"{directory} is not a directory", hint="see results/")
    found = Validation(directory=str(directory))
    run = _read_run(directory, found.problems)
    if run is None:
        return found
    raw: list[RawLine[Record]] = []
    for name, kind in KINDS.items():
        raw += read_raw(directory, name, kind, found.problems)
    calibrations = read_raw(directory, "calibration", Calibration, found.problems)
    found.records = len(raw) + len(calibrations)
    found.histograms = sum(getattr(line.record, "hdr", None) is not None for line in raw)
    found.problems += promise_problems(run, raw)
    found.problems += duplicate_problems(run, raw)
    limits = limits_of(run.plan)
    found.problems += [problem for line in raw for problem in sum_problems(line, limits)]
    found.problems += [p for line in raw for p in histogram_problems(directory, line)]
    found.problems += floor_problems(directory, run)
    found.cells, in_matrix = matrix_problems(directory)
    found.problems += in_matrix
    if found.cells is not None:
        found.cells_csv = has_cells_file(directory)
    return found


def _read_run(directory: Path, problems: list[Problem]) -> Run | None:
    try:
        return decode_run((directory / "run.json").read_bytes())
    except OSError as error:
        problems.append(Problem("run.json", None, f"can't be read: {error.strerror}"))
    except UNDECODABLE as error:
        problems.append(Problem("run.json", None, str(error)))
    return None
