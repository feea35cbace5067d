"""What a metric is to a run: a table of settings, a planned time, and how one cell is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from chinwag_bench.judging.row import Spec
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Place
from chinwag_bench.records import Record, Run


class MetricSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A metric's table in a run profile."""

    @property
    def planned_s(self) -> float:
        """Seconds of one cell, set-up included; planned, not enforced."""
        raise NotImplementedError

    def rounds(self, of_run: int) -> int:
        """How often each column is visited in a run of ``of_run`` rounds."""
        return of_run

    def loads(self) -> set[str]:
        """Names of the load profiles that its cells use."""
        return set()

    def each_load(self) -> Sequence[str]:
        """Load profiles that have cells of their own, with a record's ``load`` each; without such
        cells of none in particular.
        """
        return ("",)

    def capped(self, connections: int) -> MetricSettings:
        """The same with another end of the search for max connections, where there is one."""
        return self

    def storms(self) -> int:
        """How many connections come at once in a cell's storm; 0 where there is none."""
        return 0

    def also(self) -> tuple[type[Record], ...]:
        """What a cell measures besides, on the same set-up."""
        return ()


class Visit(msgspec.Struct, kw_only=True):
    """One cell about to be measured, and what the run knows by then."""

    place: Place
    settings: Any
    """The metric's own table."""
    loads: Mapping[str, LoadProfile]
    run: Run
    records: Sequence[Record]
    """All that were written so far, of every metric."""
    load_name: str = ""
    """Of the metric's loads, where it has several."""

    @property
    def load(self) -> LoadProfile:
        return self.loads[self.load_name or self.settings.load]


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """Each file of this package that measures something ends with one of these."""

    record: type[Record]
    settings: type[MetricSettings]
    measure: Callable[[Visit], Sequence[Record]]
    """One cell. Raises ``ServerError`` or ``GeneratorError``."""
    describe: Callable[[Any], str]
    """A good record in a few words with units, for the progress output."""
    of_nodes: bool = False
    """Measures a server as several nodes: its cells stand in the column of the server's default
    variant, if there is a variant of several nodes."""
    prepare: Callable[[Run, Sequence[Record], Any], str | None] | None = None
    """Called once before the metric's first cell with run, records and settings; may change the
    run, and then says what it did."""

    method: str
    """What its numbers mean: paragraphs for the change log of the method, each with its name."""
    rows: Sequence[Spec] = ()
    """What the matrix shows of its records."""
    rows_of_run: Callable[[Run], Sequence[Spec]] = lambda _: ()
    """Rows that depend on what a run measures. A run without them shows none."""
    possible_rows: Callable[[], Sequence[Spec]] = lambda: ()
    """All that ``rows_of_run`` may give, where statements of the articles name one."""

    @property
    def name(self) -> str:
        """The record's tag, the name of its file, and the key of its table in a run profile."""
        return str(self.record.__struct_config__.tag)
