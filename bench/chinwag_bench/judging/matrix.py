"""What the judge makes of a run, as types: matrix.json.

It is derived from the raw records alone, so it can be made again at any time. The JSON Schema
beside it is generated from here.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from chinwag_bench.records import Calibration, Column, Floor, Json, RampStep, Run

MATRIX_SCHEMA = "chinwag-matrix/3"
QUEUE_OVERFLOWED = "queue_overflowed"
UNRANKED_BY = frozenset({QUEUE_OVERFLOWED})
"""Codes of remarks on cells that are worth showing and tell nothing of who is better."""


class NearCeiling(msgspec.Struct, kw_only=True):
    """A cell whose rate the generator may have held back."""

    column: str
    row: str
    share: float
    """Of the generator's ceiling."""
    load: str = ""
    """Of a row about a load beside the throughput's: its profile."""


VerdictKind = Literal[
    "holds",
    "reversed",
    "differs",
    "undecided",
    "impossible",
    "faulty",
    "too_small",
    "opinion",
    "no_source",
    "untested",
    "no_claim",
]


class Verdict(msgspec.Struct, kw_only=True):
    """What a measurement, or plain arithmetic, says of a published statement."""

    kind: VerdictKind
    text: str
    factor: float | None = None
    """Measured divided by published, where both are numbers of one unit."""
    measured: tuple[float, float | None] | None = None
    """Both sides of what was set against the statement; ``None`` as the high side: open."""
    interval: tuple[float, float | None] | None = None
    """The same as far apart as the rounds are, and one server measured twice is from itself; ten
    percent stand in for that where there is one round. ``None`` where nothing was measured."""
    within_noise: bool = False
    """Whether the medians alone would have given another verdict, which that interval does not
    bear out."""


class Published(msgspec.Struct, kw_only=True):
    """What an article states for this cell, quoted."""

    article: str
    value: float | str
    unit: str
    where: str = ""
    """Id of the statement that the figure belongs to."""
    verdict: Verdict | None = None


class Claim(msgspec.Struct, kw_only=True):
    """A statement of an article, judged."""

    id: str
    article: str
    item: str
    """The statement that this is a part of: figures of several servers are one."""
    lines: list[tuple[int, int]]
    """Where it stands in the article's text."""
    statement: str
    kind: str
    published: float | str | None = None
    unit: str = ""
    measured_unit: str = ""
    """Of what was set against the figure, where that is not ``unit``."""
    verdict: Verdict


class CaseSide(msgspec.Struct, kw_only=True):
    """Before or after."""

    told: str
    """The article's figure; empty where it has none."""
    measured: tuple[float, float | None] | None
    """Both sides of what was measured; ``None`` as the high side: open. ``None``: no such value."""


class Comparison(msgspec.Struct, kw_only=True):
    """One line of a case study."""

    what: str
    unit: str
    before: CaseSide
    after: CaseSide


class CaseStudy(msgspec.Struct, kw_only=True):
    """A case study of an article: what it tells of both sides, and what was measured of them."""

    id: str
    article: str
    lines: tuple[int, int]
    title: str
    before: str
    after: str
    note: str = ""
    comparisons: list[Comparison]


class Note(msgspec.Struct, kw_only=True):
    """A remark on a cell: a code and what its sentence needs. ``render.notes`` has the words."""

    code: str
    args: Json = {}


class Behind(msgspec.Struct, kw_only=True):
    """By how much a cell is beaten by the best one of its row."""

    best: str
    """The column whose worst round is the best one."""
    factor: float
    """From the rounds that lie nearest to each other, as printed: every round of the best is so
    many times better, or more. Of a rate that a search in steps found, a round ends at the next
    step: it failed."""
    at_least: bool
    """Whether it may be any more: a search that may have gone on was stopped."""


class Cell(msgspec.Struct, kw_only=True):
    """What one column's rounds say of one row.

    Each round is a pair, [low, high]: the true value lies between them. The cell is the pair of the
    medians of the lows and of the highs. Of a rate, low was held, and high is open where something
    else than the server ended the search. Of a latency, high counts from the planned send time to
    the read, low from the actual send to the kernel's receive time stamp.
    """

    row: str
    column: str
    unit: str
    value: float | None = None
    """The side that promises less: of a rate the low one, of a latency or a cost the high one."""
    low: float | None = None
    high: float | None = None
    """``None`` beside a value: open, nothing is known of how high it could be."""
    reach: float | None = None
    """The median of how far each round's value may lie at most: of a rate that a search in steps
    found, the next step, which failed. ``None``: open, or in a run that was judged before."""
    interval: tuple[float, float | None] | None = None
    """From the lowest low to the highest high of the rounds, by a bootstrap from eight rounds on;
    never narrower than a search's step. ``None`` for a single round."""
    coverage: float | None = None
    """Probability that the interval holds the median: 1 - 2^(1-n) for the range of n rounds."""
    rounds: int = 0
    samples: list[float] = []
    """``value`` of each round."""
    bounds: list[tuple[float, float | None]] = []
    """[low, high] of each round."""
    scattered: bool = False
    """The rounds differ by more than five times, beyond what their pairs leave open: they are shown
    one by one."""
    limited_by: str | None = None
    tie_with_best: bool | None = None
    """True: the best, or not to be told from it. False: beaten. None: the row ranks nobody; or of
    those that nobody is ahead of one was not measured to its end, and may be the best; or only the
    distance of its rounds keeps others from being ahead of it."""
    behind: Behind | None = None
    """``None`` where ``tie_with_best`` is not False, or a side is zero."""
    reason: Note | None = None
    """Why there is no value."""
    published: list[Published] = []
    verdict: Verdict | None = None
    """The verdict on the first of ``published``; each of them carries its own."""
    notes: list[Note] = []

    @property
    def is_open(self) -> bool:
        """Whether the true value may be any higher."""
        return self.value is not None and self.high is None

    @property
    def may_rank(self) -> bool:
        """Whether it has a value, and one that is the server's."""
        return self.value is not None and UNRANKED_BY.isdisjoint(note.code for note in self.notes)

    @property
    def lacks_rounds(self) -> bool:
        """Whether rounds were made that gave no value while others did."""
        return any(note.code == "rounds_without_value" for note in self.notes)

    @property
    def is_wide(self) -> bool:
        """Whether the two sides differ."""
        return self.value is not None and self.low != self.high


class Row(msgspec.Struct, kw_only=True):
    id: str
    title: str
    unit: str
    better: Literal["higher", "lower", "none"]
    definition: str
    group: str = ""
    """Heading under which the row is printed."""


class Curve(msgspec.Struct, kw_only=True):
    """A latency distribution: points of (quantile 0-1, milliseconds), all rounds added up."""

    column: str
    point: Literal["common", "half"]
    deliveries_per_s: float
    points: list[tuple[float, float]]


class RatePoint(msgspec.Struct, kw_only=True):
    """One hold of the throughput's load: a rate, and the delay at it."""

    column: str
    round: int
    deliveries_per_s: float
    """Offered: what the planned messages make."""
    p50_ms: float
    p99_ms: tuple[float, float]
    """Low and high, as of a cell."""
    kept: bool
    """Delivered in full and in time, the delay not growing."""
    by_server: bool
    """Where it was not kept: the server's doing, not the generator's, and no mere burst."""
    by_generator: bool = False
    """The load generator held it back, whether it was kept or not: nothing of the delay is surely
    the server's."""
    delivered_per_s: float | None = None
    """What arrived within the hold; of one that was kept, no more than in the one that its search
    confirmed. ``None`` in a matrix of a version that did not tell."""
    only_seen: bool = False
    """Of a warm-up, or of a round that was disturbed and measured again: what it kept was seen, and
    counts no more than that."""
    beyond_result: bool = False
    """At a rate above the one that its search confirmed, or in a round whose search has no result:
    that it was kept for a moment is no limit kept."""
    messages: int
    hold_s: float
    cpu_us_per_delivery: float | None

    @property
    def carried(self) -> float:
        """Deliveries a second that a hold which kept its rate shows."""
        return self.deliveries_per_s if self.delivered_per_s is None else self.delivered_per_s


class Ramp(msgspec.Struct, kw_only=True):
    """A column's way up to its max connections, and what ended it."""

    column: str
    steps: list[RampStep]
    stopped: str = ""


UPGRADE = "upgrade"
"""In place of a fault's name."""


class FaultTimeline(msgspec.Struct, kw_only=True):
    """How deliveries went on around a fault of a column's, an upgrade, or an outage of its cluster:
    of that, those that cross from node to node.
    """

    column: str
    fault: str
    rounds: int
    begin_ms: int
    """Of the first bin, from the fault."""
    bin_ms: int
    shares: list[float]
    """Of what is delivered before the fault: the median of the rounds, bin by bin."""
    all_hear_ms: float | None
    """Median of the rounds; ``None`` where in one of them somebody never heard again. Of an
    upgrade: the longest silence of any connection. Of an outage: from its end."""
    connections_lost: float
    others_hear_ms: float | None = None
    """Of a fault of one connection's handler: the median until everybody but its sender heard
    again; ``None`` as above."""
    way: str = ""
    """Of an upgrade: how it was done."""
    lost: float | None = None
    """Of an outage: deliveries that are missing."""


class Matrix(msgspec.Struct, kw_only=True):
    """matrix.json: every cell, with what limits it or why there is none."""

    schema: str = MATRIX_SCHEMA
    run: Run
    rows: list[Row]
    columns: list[Column]
    cells: list[Cell]
    curves: list[Curve]
    ramps: list[Ramp] = []
    fault_timelines: list[FaultTimeline] = []
    rate_points: list[RatePoint] = []
    """All holds of all rounds, by column and rate."""
    floor: Floor | None = None
    """``None`` where the run did not try to measure it."""
    calibration: Calibration | None = None
    """The generator's own ceiling; ``None`` where the run did not measure it."""
    near_ceiling: list[NearCeiling] = []
    aa: Json
    """A/A: by how much one server differs from itself under a second name. ``pairs``: each pair of
    columns with ``ratios``, row -> one for each round. ``range``: row -> the lowest and highest of
    them all. ``spread``: row -> the median's distance from 1. ``unranked``: rows that rank nobody,
    because a pair differs by more than twice. ``apart``: row -> the factor above which two servers
    are told apart, of rows that rank."""
    claims: list[Claim] = []
    cases: list[CaseStudy] = []
    experiments: str | None = None
    """The id of the run below this one that puts single statements to the test."""
    checks: list[Json]
    """Each {name, ok, text}: Little's law, delivered <= offered, A/A within its limit."""
