"""What the kit writes to disk, as types: what all metrics' records have in common, and run.json.
What a metric adds stands in its file.

Raw records, one NDJSON line each, are written by ``metrics`` as soon as they are measured and never
changed afterwards. ``matrix.json`` is derived from them alone, so it can be made again at any time.
Times are seconds since the epoch (UTC) unless the name says otherwise; rates are per second; memory
is bytes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

import msgspec

Json = dict[str, Any]
Status = Literal["ok", "failed", "missing"]


class Disturbed(TypedDict, total=False):
    """What else happened on the machine meanwhile; empty where nobody looked. See
    ``machine.disturbance``."""

    steal_share: float | None
    other_cores: float | None
    swapped_pages: int | None
    throttled: int
    reasons: list[str]
    attempt: int
    disturbed: bool


Threads = Literal["one", "cores", "workers"]
"""What a server can use of a machine: one thread, all cores in one process, or all by worker
processes."""


class Column(msgspec.Struct, kw_only=True):
    """One compared server and variant.

    ``aa_of`` names the column that this one repeats under a second name.
    """

    id: str
    server: str
    variant: str
    title: str
    language: str
    status: Status = "ok"
    reason: str | None = None
    versions: dict[str, str] = {}
    caveats: list[str] = []
    aa_of: str | None = None
    peer: bool = False
    """Measured only when asked for: an optional library, or the core inside another program."""
    threads: Threads | None = None
    """``None`` in runs from before manifests said it."""
    nodes_by: str = ""
    """Of a default column: the server's variant of several nodes, by which `cluster` is measured;
    empty where there is none, and in older runs."""
    nodes_reason: str | None = None
    """Why that one can't be measured."""
    published: str | None = None
    """The articles' column for this server: elixir, go, rust, node; ``None`` where they have none.
    The runner copies it from the manifest's key of the same name."""


class DelayBins(msgspec.Struct, kw_only=True):
    """How delay went on over a hold: deliveries by their planned send time, in bins of equal
    length."""

    bin_s: Annotated[float, msgspec.Meta(gt=0)]
    deliveries: list[int]
    mean_ms: list[float]
    """0 where a bin has no delivery."""

    def __post_init__(self) -> None:
        if len(self.deliveries) != len(self.mean_ms):
            raise ValueError("deliveries and mean_ms are not of one length")


_LITTLE = {"outstanding_mean", "predicted", "ratio"}


class Hold(msgspec.Struct, kw_only=True):
    """One steady load, as the generator reports it.

    ``*_ms`` are milliseconds from the planned send time.
    """

    offered_messages_per_s: float
    hold_s: float
    sent: int
    expected: int
    delivered: int
    lost: int
    duplicated: int
    reordered: int
    corrupted: int
    messages_per_s: float
    deliveries_per_s: float
    latency_ms: dict[str, float]
    """Keys: mean, p50, p90, p99, p99_9, max."""
    quarter_mean_ms: Annotated[list[float], msgspec.Meta(min_length=4, max_length=4)]
    """Mean delay of the hold's four quarters, by planned send time."""
    outstanding_after_drain: int
    send_lag_ms: dict[str, float]
    """Keys: p50, p99, max. Actual minus planned send time."""
    receive_lag_ms: dict[str, float]
    """Keys: p50, p99, max. Read time minus the kernel's receive time stamp."""
    generator_cpu: float
    """Share of one core, 0 to 1 for each generator process."""
    generator_limited: bool
    generator_limits: list[str]
    little: dict[str, float]
    """Keys: outstanding_mean, predicted, ratio. Little's law by the separate counter."""
    closes: dict[str, int]
    """Connections that ended during the hold, by close code or "reset"."""
    wire_bytes_per_delivery: float
    service_ms: dict[str, float] = {}
    """Keys as ``latency_ms``: from the actual send to the kernel's receive time stamp. Without the
    generator's own lags, so at most what a delivery took. Empty in runs of generators that
    did not report it."""
    delay_bins: DelayBins | None = None
    """``None`` in runs of generators that did not report it."""
    generator_processes: int = 1
    parsed: int | None = None
    """Deliveries whose frames were read and compared; the rest were counted by their length.
    ``None``: all of them."""

    def __post_init__(self) -> None:
        """Raises ValueError, which decoders turn into theirs, without what every reader needs."""
        if "p99" not in self.latency_ms:
            raise ValueError("latency_ms has no p99")
        if self.little and not self.little.keys() >= _LITTLE:
            raise ValueError("little lacks " + ", ".join(sorted(_LITTLE - self.little.keys())))


class Step(msgspec.Struct, kw_only=True):
    """A hold with what the runner saw of the server meanwhile."""

    hold: Hold
    server_cpu_s: float
    """User and system time."""
    server_system_s: float | None = None
    """The part of it in kernel mode."""
    cpu_us_per_delivery: float | None
    sustained: bool
    why_not: str | None = None
    kind: Literal["", "warm-up", "approach", "ascend", "refine", "confirm", "whole"] = ""
    """What a search made it for; empty outside of one and in older runs."""


class Record(msgspec.Struct, kw_only=True):
    """One measured cell: a column in a round, and what disturbed it. The tag names its metric."""

    column: str
    round: int
    started_at: float
    seconds: float
    status: Status
    reason: str | None = None
    disturbance: Disturbed = {}
    load: str = ""
    """Of a metric that measures several loads: the load profile's name."""

    def spoilt_by(self) -> list[str]:
        """Why this stands for something else than its metric, beside what disturbed the machine:
        the cell is measured once more, and what stays so ranks nobody.
        """
        return []


OPEN_ENDS = frozenset({"generator", "open files", "cap", "time", "unclear"})
"""Words of ``Limited.limited_by`` that leave it open what the server might have done."""


class Limited(Record, kw_only=True):
    """Of a search upwards that something ended."""

    limited_by: str | None = None
    """A word for what ended it, such as "server", "generator", "latency", "loss" or "cap"."""
    lower_bound: bool = False
    """Whether the server might have done more."""


class Searched(Limited, kw_only=True):
    """Of a search for the highest sustained rate."""

    connections: int = 0
    stopped_by: Literal["failed", "cap", "time"] | None = None
    """What stopped the climb; ``limited_by`` is what that says of the server. ``None`` in older
    runs."""
    steps: list[Step] = []
    best: Step | None = None
    """The confirmed highest sustained step; ``None`` when none was sustained. Where time ran out
    before a confirmation, the highest step that no hold at least as long refuted: then
    ``lower_bound`` is true, and ``reason`` says so."""
    failed_at: float | None = None
    """The lowest rate above ``best`` that the server failed at, as offered, in deliveries a second:
    what it can do lies below. ``None`` where it failed at none, and in older runs."""
    cpu_us_per_delivery: float | None = None


class Paced(Record, kw_only=True):
    """Of one hold at a rate that was given, not searched."""

    step: Step | None = None


class MemoryPoint(msgspec.Struct, kw_only=True):
    user_bytes: int
    kernel_bytes: int | None
    kernel_method: str
    """"cgroup v2", "cgroup v1", "estimate" (half of the slab and sockstat difference) or "none"."""


class RampStep(msgspec.Struct, kw_only=True):
    """A number of joined connections, and how the server did with it."""

    connections: int
    seconds: float
    """Since the ramp began, at the end of the step."""
    p99_ms: float | None = None
    """Of the step's probe messages; ``None`` when it ended before they were sent."""
    user_bytes: int
    kernel_bytes: int | None = None


class KernelCost(msgspec.Struct, kw_only=True):
    """CPU time of a process that writes frames to connections in turn and does nothing else."""

    frames_per_write: int
    frames: int
    seconds: float
    cpu_s: float
    """User and system time of the sending process alone."""
    cpu_us_per_frame: float


class Floor(msgspec.Struct, kw_only=True, tag="floor", tag_field="metric"):
    """What the kernel alone takes to deliver a frame over loopback. Of the machine, no column's."""

    started_at: float
    seconds: float = 0.0
    status: Status
    reason: str | None = None
    disturbance: Disturbed = {}
    frame_bytes: int
    """A room message of the throughput's load profile, with its WebSocket header."""
    connections: int
    costs: list[KernelCost] = []


class Ceiling(msgspec.Struct, kw_only=True):
    """The highest rate of one load that the generator itself was seen to keep."""

    load: str
    """A load profile's name."""
    connections: int
    messages_per_s: float | None = None
    deliveries_per_s: float | None = None
    cpu_us_per_message: float | None = None
    """The generator's own CPU time at that rate, all of it divided by messages sent."""
    cpu_us_per_delivery: float | None = None
    """The same divided by deliveries received."""
    generator_cpu: float | None = None
    """Share of one core."""
    send_lag_ms: dict[str, float] = {}
    """Keys: p50, p99, max. At that rate; so are the next."""
    receive_lag_ms: dict[str, float] = {}
    limited_by: str | None = None
    """"generator", "server" or "time"."""
    lower_bound: bool = False
    """Whether the generator might have done more."""
    reason: str | None = None
    """Why there are no figures."""


class Calibration(msgspec.Struct, kw_only=True, tag="calibration", tag_field="metric"):
    """What the load generator can do on a machine. A line of ``raw/calibration.ndjson``."""

    server: str
    """Against which it was measured."""
    started_at: float
    seconds: float
    ceilings: list[Ceiling]


OfRun = Floor | Calibration
"""What is measured once a run, of the machine and not of a column."""
KINDS_OF_RUN: dict[str, type[OfRun]] = {
    str(kind.__struct_config__.tag): kind for kind in (Floor, Calibration)
}
"""Name -> record. The name is the record's tag and its file's name."""


class Verification(msgspec.Struct, kw_only=True):
    """Conformance of one column."""

    column: str
    passed: int
    failed: int
    skipped: int
    failures: list[str] = []
    skips: list[str] = []
    """Each skipped case with its reason."""
    seconds: float = 0.0


class Effort(msgspec.Struct, kw_only=True):
    """What a server costs to write and to ship."""

    lines_of_code: int | None = None
    """Lines of the files that the column runs: those that the manifest's ``loc`` names, the
    server's and the variant's. Without blanks, comments and documentation.
    """
    build_cold_s: float | None = None
    """Into an empty build folder; package caches outside the tree may have been warm."""
    build_warm_s: float | None = None
    """The last build over an earlier one."""
    dependencies_direct: int | None = None
    """Libraries that the server's own sources name."""
    dependencies_total: int | None = None
    """Those and all that they bring along, without the language's own."""
    deployed_bytes: int | None = None
    """Of the files that the manifest calls ``deployed``, else of the whole build folder."""


class Run(msgspec.Struct, kw_only=True):
    """run.json: what was asked, of what, on which machine."""

    id: str
    profile: str
    seed: int
    started_at: float
    command: str
    git_commit: str | None
    kit_version: str
    columns: list[Column]
    machine: Json
    """Fingerprint: cpu, caches, memory, kernel, limits, sysctl, governor."""
    plan: Json
    """Rounds, budget in seconds, server cores, generator cores, load profiles with their scale."""
    common_rate_deliveries_per_s: float | None = None
    """Written once after phase A."""
    common_rates_of_loads: dict[str, float] = {}
    """The same of each load beside the throughput's, by its profile, in deliveries a second."""
    verifications: list[Verification] = []
    effort: dict[str, Effort] = {}
    """By column, that of an A/A pair once. Older runs have it by server."""
    finished_at: float | None = None
    notes: list[str] = []
