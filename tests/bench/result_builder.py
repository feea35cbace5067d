"""Builds a result directory out of made-up but consistent records, the same ones every time.

Seven columns: a core that the generator can't saturate, Elixir, Go twice (A/A), Rust, a Node.js
server that failed verification and a C++ one whose toolchain is missing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from chinwag_bench.generator.hdr_log import empty_histogram
from chinwag_bench.judging.matrix import Cell
from chinwag_bench.judging.stats import median
from chinwag_bench.judging.sustained import find_failure
from chinwag_bench.metrics.broadcast import Broadcast
from chinwag_bench.metrics.connections import Connections
from chinwag_bench.metrics.cpu_at_n import CpuAtN
from chinwag_bench.metrics.latency import Latency
from chinwag_bench.metrics.memory import Memory
from chinwag_bench.metrics.registry import ANY_RECORD
from chinwag_bench.metrics.start import Start
from chinwag_bench.metrics.storm import Storm
from chinwag_bench.metrics.throughput import Throughput
from chinwag_bench.records import (
    Column,
    Effort,
    Hold,
    MemoryPoint,
    RampStep,
    Record,
    Run,
    Step,
    Verification,
)
from hdrh.log import HistogramLogWriter

DELIVERIES_PER_MESSAGE = 50.5
COMMON_RATE = 20_000.0
HOLD_S = 4.0
CLOCK = 1_790_000_000.0
LATENCY_SAMPLES = 4_000


@dataclass(frozen=True)
class Made:
    """What the made-up server is like. Rates in deliveries/s, CPU in us, memory in MB per 10k."""

    column: Column
    rate: float
    cpu_us: float
    p50_ms: float
    tail: float
    user_mb: float
    empty_mb: float
    start_s: float
    generator_limited: bool = False


def _column(server: str, title: str, language: str, **fields: object) -> Column:
    given = {"id": server, "variant": "default", "versions": {}, **fields}
    return msgspec.convert(
        {"server": server, "title": title, "language": language, **given}, type=Column
    )


GO = {"published": "go", "versions": {"go": "go1.26.8", "gorilla/websocket": "v1.5.3"}}
SERVERS = [
    Made(_column("chinwagd", "Chinwag core", "C++", threads="one", versions={"g++": "12.2.0"}),
         612_000, 0.82, 0.31, 0.35, 11, 6, 0.011, generator_limited=True),
    Made(_column("elixir", "Elixir · Bandit", "Elixir", published="elixir",
                 versions={"elixir": "1.14.0", "otp": "25"},
                 caveats=["CPU includes the idle spin of the BEAM's schedulers"]),
         94_000, 10.4, 1.9, 0.75, 153, 71, 1.28),
    Made(_column("go", "Go · gorilla/websocket", "Go", **GO),
         168_000, 5.7, 1.1, 0.55, 144, 9, 0.034),
    Made(_column("go", "Go · gorilla/websocket (again)", "Go", id="go (again)", aa_of="go", **GO),
         168_000, 5.75, 1.12, 0.55, 144, 9, 0.034),
    Made(_column("rust", "Rust · tokio-tungstenite", "Rust", published="rust",
                 versions={"rustc": "1.95.0", "tokio": "1.38.2"}),
         205_000, 4.6, 0.8, 0.5, 41, 4, 0.009),
]  # fmt: skip
UNMEASURED = [
    _column(
        "node-ws",
        "Node.js · ws",
        "JavaScript",
        published="node",
        status="failed",
        reason="3 of 61 conformance cases failed, so it was not measured",
    ),
    _column(
        "cpp-beast",
        "C++ · Boost.Beast",
        "C++",
        status="missing",
        reason="Boost 1.81 is not installed: run `make setup`",
    ),
]
MACHINE = {
    "hostname": "example",
    "system": "Debian GNU/Linux 12 (bookworm)",
    "kernel": "6.1.0-40-amd64",
    "architecture": "x86_64",
    "cpu": {"model": "Example CPU @ 2.50GHz", "logical": 2, "usable": [0, 1], "governor": None},
    "caches": {"L2 Unified": "1024K", "L3 Unified": "32768K"},
    "memory_bytes": 8_201_338_880,
    "open_files": [20000, 20000],
    "sysctl": {"net.core.somaxconn": "4096"},
}
PLAN = {
    "rounds": 3,
    "budget_s": 1800,
    "server_cores": [0],
    "generator_cores": [1],
    "cores_note": "server on core 0, generator on core 1",
    "settings": {"throughput": {"connections": 1000}, "memory": {"connections": 10_000}},
    "loads": {
        "article": {
            "connections": 1000,
            "room_size": 100,
            "content_bytes": 1024,
            "mix": {"room": 0.5, "direct": 0.5},
        }
    },
}


def build(directory: Path, rounds: int = 3, seed: int = 7) -> Path:
    """Writes the directory and returns it."""
    rng = random.Random(seed)
    (directory / "raw" / "hdr").mkdir(parents=True)
    columns = [*(made.column for made in SERVERS), *UNMEASURED]
    _write(directory / "raw" / "throughput.ndjson", _each(rounds, lambda m, n: _load(m, n, rng)))
    _write(directory / "raw" / "latency.ndjson", _latencies(directory, rounds, rng))
    _write(directory / "raw" / "memory.ndjson", _each(1, lambda m, n: _memory(m, n, rng)))
    _write(directory / "raw" / "cpu_at_n.ndjson", _each(1, _cpu))
    _write(directory / "raw" / "connections.ndjson", _each(1, _connections))
    _write(directory / "raw" / "storm.ndjson", _each(1, _storm))
    _write(directory / "raw" / "broadcast.ndjson", _each(1, lambda m, n: _broadcast(m, n, rng)))
    _write(directory / "raw" / "start.ndjson", _each(rounds, lambda m, n: _start(m, n, rng)))
    (directory / "run.json").write_bytes(msgspec.json.encode(_run(columns, rounds, seed)))
    return directory


def _run(columns: list[Column], rounds: int, seed: int) -> Run:
    failures = ["R4 leave: user_left went to the leaver", "F3 <binary>: no close 1003"]
    passed = [Verification(column=m.column.id, passed=61, failed=0, skipped=1) for m in SERVERS]
    return Run(
        id="2026-09-21-example",
        profile="quick",
        seed=seed,
        started_at=CLOCK,
        command="chinwag matrix --profile quick",
        git_commit="0123456789abcdef0123456789abcdef01234567",
        kit_version="0.1.0",
        columns=columns,
        machine=MACHINE,
        plan={**PLAN, "rounds": rounds},
        effort={
            "go": Effort(
                lines_of_code=214, build_cold_s=4.2, build_warm_s=0.3, deployed_bytes=6_300_000
            ),
            "rust": Effort(lines_of_code=297, build_cold_s=41.0, build_warm_s=0.4),
        },
        common_rate_deliveries_per_s=COMMON_RATE,
        verifications=[
            *passed,
            Verification(column="node-ws", passed=58, failed=3, skipped=1, failures=failures),
        ],
        finished_at=CLOCK + 1620,
        notes=["Synthetic records: these are not measurements."],
    )


def _each(rounds: int, make: Callable[[Made, int], Record]) -> list[Record]:
    return [make(made, index) for index in range(1, rounds + 1) for made in SERVERS]


def _write(path: Path, records: list[Record]) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))


def hold(deliveries_per_s: float, latency_ms: dict[str, float], **changes: object) -> Hold:
    """A hold that delivered in full and keeps Little's law; ``changes`` replace fields."""
    delivered = round(deliveries_per_s * HOLD_S)
    mean = latency_ms["mean"]
    outstanding = deliveries_per_s * mean / 1000
    fields = {
        "offered_messages_per_s": deliveries_per_s / DELIVERIES_PER_MESSAGE,
        "hold_s": HOLD_S,
        "sent": round(delivered / DELIVERIES_PER_MESSAGE),
        "expected": delivered,
        "delivered": delivered,
        "lost": 0,
        "duplicated": 0,
        "reordered": 0,
        "corrupted": 0,
        "messages_per_s": deliveries_per_s / DELIVERIES_PER_MESSAGE,
        "deliveries_per_s": deliveries_per_s,
        "latency_ms": latency_ms,
        "quarter_mean_ms": [mean] * 4,
        "outstanding_after_drain": 0,
        "send_lag_ms": {"p50": 0.02, "p99": 0.11, "max": 0.9},
        "receive_lag_ms": {"p50": 0.03, "p99": 0.15, "max": 1.1},
        "generator_cpu": 0.61,
        "generator_limited": False,
        "generator_limits": [],
        "little": {"outstanding_mean": outstanding * 1.01, "predicted": outstanding, "ratio": 1.01},
        "closes": {},
        "wire_bytes_per_delivery": 1129.0,
        **changes,
    }
    return Hold(**fields)  # type: ignore[arg-type]


def step_of(made: Hold, server_cpu_s: float = 0.2) -> Step:
    """A hold as an outcome of no search; its server has CPU time left."""
    failure = find_failure(made)
    return Step(
        hold=made,
        server_cpu_s=server_cpu_s,
        cpu_us_per_delivery=server_cpu_s * 1e6 / made.delivered if made.delivered else None,
        sustained=failure is None,
        why_not=failure.text if failure else None,
    )


LIMITED = {
    "generator_cpu": 0.97,
    "generator_limited": True,
    "generator_limits": ["CPU 0.97 of a core is over 0.90"],
}
LATE = LIMITED | {"receive_lag_ms": {"p50": 90.0, "p99": 200.0, "max": 250.0}}
"""Of a hold with a busy server, too, what says that the generator was the limit."""


def _percentiles(made: Made, load: float, rng: random.Random) -> tuple[dict[str, float], list[int]]:
    """Log-normal latencies at a share of the server's rate, stated in ms and listed in ns."""
    scale = made.p50_ms / (1 - 0.6 * load) * rng.uniform(0.95, 1.05)
    values = sorted(
        scale * math.exp(rng.gauss(0, made.tail)) * (6 if rng.random() < 0.004 else 1)
        for _ in range(LATENCY_SAMPLES)
    )

    def at(quantile: float) -> float:
        return values[min(len(values) - 1, int(quantile * len(values)))]

    stated = {"mean": sum(values) / len(values), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99)}
    return {**stated, "p99_9": at(0.999), "max": values[-1]}, [round(v * 1e6) for v in values]


def _step(made: Made, rate: float, rng: random.Random, **changes: object) -> Step:
    stated, _ = _percentiles(made, min(1.0, rate / made.rate), rng)
    cpu = made.cpu_us * rng.uniform(0.98, 1.02)
    found = hold(rate, stated, **changes)
    return Step(
        hold=found,
        server_cpu_s=cpu * found.delivered / 1e6,
        cpu_us_per_delivery=cpu,
        sustained=True,
    )


def fail(step: Step) -> None:
    """Makes the hold one that was too slow."""
    step.hold.latency_ms |= {"p99": 1420.0, "p99_9": 1500.0, "max": 1600.0}
    step.sustained, step.why_not = False, "p99 1420 ms is over 1000 ms"


def _load(made: Made, index: int, rng: random.Random) -> Throughput:
    rate = made.rate * rng.uniform(0.96, 1.04)
    limits = LATE if made.generator_limited else {}
    best = _step(made, rate, rng, **limits)
    last = _step(made, rate * 1.15, rng, **limits)
    fail(last)
    disturbed = made.column.id == "elixir" and index == 2
    return Throughput(
        column=made.column.id,
        round=index,
        started_at=CLOCK + 60 * index,
        seconds=38.5,
        status="ok",
        connections=1000,
        steps=[_step(made, rate / 1.15, rng), best, last],
        best=best,
        limited_by="generator" if made.generator_limited else "latency",
        lower_bound=made.generator_limited,
        cpu_us_per_delivery=best.cpu_us_per_delivery,
        disturbance={"reasons": ["steal 7 % is over 2 %"]} if disturbed else {},
    )


def _latencies(directory: Path, rounds: int, rng: random.Random) -> list[Record]:
    common = _each(rounds, lambda m, n: _latency(directory, m, n, "common", rng))
    return [*common, *_each(rounds, lambda m, n: _latency(directory, m, n, "half", rng))]


def _latency(directory: Path, made: Made, index: int, point: str, rng: random.Random) -> Latency:
    rate = COMMON_RATE if point == "common" else made.rate / 2
    stated, values = _percentiles(made, rate / made.rate, rng)
    limits = LIMITED if made.generator_limited and point == "half" else {}
    name = f"raw/hdr/{made.column.id.replace(' ', '-')}-{point}-{index}.hlog"
    started_at = CLOCK + 600 + 30 * index
    _write_histogram(directory / name, values, started_at + 1)
    cpu = made.cpu_us * 1.2
    found = hold(rate, stated, **limits)
    return msgspec.convert(
        {
            "metric": "latency",
            "column": made.column.id,
            "round": index,
            "started_at": started_at,
            "seconds": 6.2,
            "status": "ok",
            "point": point,
            "deliveries_per_s": rate,
            "step": msgspec.to_builtins(
                Step(
                    hold=found,
                    server_cpu_s=cpu * found.delivered / 1e6,
                    cpu_us_per_delivery=cpu,
                    sustained=True,
                )
            ),
            "hdr": name,
        },
        type=Latency,
    )


def _write_histogram(path: Path, values_ns: list[int], start_s: float) -> None:
    histogram = empty_histogram()
    for value in values_ns:
        histogram.record_value(value)
    with path.open("w", encoding="ascii") as log:
        writer = HistogramLogWriter(log)
        writer.output_log_format_version()
        writer.output_legend()
        writer.output_interval_histogram(histogram, start_s, start_s + HOLD_S)


def _memory(made: Made, index: int, rng: random.Random) -> Memory:
    def point(user: float, kernel: float) -> MemoryPoint:
        return MemoryPoint(
            user_bytes=round((made.empty_mb + user) * 1e6),
            kernel_bytes=round(kernel * 1e6),
            kernel_method="cgroup v2",
        )

    joined = made.user_mb * rng.uniform(0.99, 1.01)
    return Memory(
        column=made.column.id,
        round=index,
        started_at=CLOCK + 1200,
        seconds=48.0,
        status="ok",
        connections=10_000,
        points={
            "empty": point(0, 0.4),
            "idle": point(joined * 0.9, 38),
            "joined": point(joined, 40),
            "after_load": point(joined * 1.4, 41),
            "after_rest": point(joined * 1.1, 40),
        },
    )


def _cpu(made: Made, index: int) -> CpuAtN:
    return CpuAtN(
        column=made.column.id,
        round=index,
        started_at=CLOCK + 1210,
        seconds=7.0,
        status="ok",
        connections=10_000,
        messages_per_s=167.0,
        user_share=made.cpu_us / 800,
        system_share=made.cpu_us / 1200,
    )


def _storm(made: Made, index: int) -> Storm:
    """A server that takes long for a delivery takes long for a handshake."""
    total_s = 0.5 + 0.3 * made.cpu_us
    return Storm(
        column=made.column.id,
        round=index,
        started_at=CLOCK + 950,
        seconds=total_s + 1,
        status="ok",
        connections=10_000,
        joined=10_000,
        total_s=total_s,
        rejoin_ms={
            "mean": 600 * total_s,
            "p50": 620 * total_s,
            "p99": 950 * total_s,
            "max": 990 * total_s,
        },
        generator_cpu=0.4,
    )


def _connections(made: Made, index: int) -> Connections:
    counts = [10_000, 15_000, 19_500]
    each = made.user_mb * 100 + 4000
    steps = [
        RampStep(
            connections=count,
            seconds=2.0 * number,
            p99_ms=made.p50_ms * 4,
            user_bytes=round(made.empty_mb * 1e6 + count * each),
        )
        for number, count in enumerate(counts, 1)
    ]
    return Connections(
        column=made.column.id,
        round=index,
        started_at=CLOCK + 1240,
        seconds=6.5,
        status="ok",
        connections=19_500,
        steps=steps,
        limited_by="open files",
        lower_bound=True,
        stopped="open files of the generator: 19,500 connections",
        bytes_per_connection=each,
    )


def _broadcast(made: Made, index: int, rng: random.Random) -> Broadcast:
    return Broadcast(
        column=made.column.id,
        round=index,
        started_at=CLOCK + 1300,
        seconds=7.0,
        status="ok",
        members=1000,
        messages_per_s=10.0,
        step=_step(made, 10_000, rng),
    )


def _start(made: Made, index: int, rng: random.Random) -> Start:
    health = made.start_s * rng.uniform(0.9, 1.1)
    return Start(
        column=made.column.id,
        round=index,
        started_at=CLOCK + 1500,
        seconds=health + 0.1,
        status="ok",
        health_s=health,
        first_message_s=health + 0.006,
    )


Side = tuple[float, float | None]


def made_cell(row: str, *rounds: float | Side, column: str = "go", unit: str = "ms") -> Cell:
    """A cell as the judge makes it of rounds: numbers, or (low, high) with ``None`` for open."""
    pairs = [r if isinstance(r, tuple) else (r, r) for r in rounds]
    sides = [(low, math.inf if high is None else high) for low, high in pairs]
    low, high = median([s[0] for s in sides]), median([s[1] for s in sides])
    top = max(s[1] for s in sides)
    return Cell(
        row=row,
        column=column,
        unit=unit,
        value=low if math.isinf(high) or unit.endswith("/s") else high,
        low=low,
        high=None if math.isinf(high) else high,
        reach=None if math.isinf(high) else high,
        interval=(min(s[0] for s in sides), None if math.isinf(top) else top)
        if len(sides) > 1
        else None,
        rounds=len(sides),
        samples=[s[0] if math.isinf(s[1]) else s[1] for s in sides],
        bounds=list(pairs),
    )


def quiet(directory: Path) -> Path:
    """Takes out what no reference run has: the one disturbance, and what did not conform."""

    def change(record: Record) -> Record:
        if not isinstance(record, Start):
            record.disturbance = {}
        return record

    rewrite(directory, "throughput", change)
    change_run(directory, lambda run: [one.update(failed=0) for one in run["verifications"]])
    return directory


def change_run(directory: Path, change: Callable[[Any], object]) -> None:
    """Has run.json changed in place, as the dictionary that it is."""
    path = directory / "run.json"
    run = msgspec.json.decode(path.read_bytes())
    change(run)
    path.write_bytes(msgspec.json.encode(run))


def rewrite(directory: Path, name: str, change: Callable[[Record], Record | None]) -> None:
    """Passes every record of a raw file through ``change``; ``None`` leaves the record out."""
    path = directory / "raw" / f"{name}.ndjson"
    lines = path.read_bytes().splitlines()
    changed = (change(msgspec.json.decode(line, type=ANY_RECORD)) for line in lines)
    _write(path, [record for record in changed if record is not None])


def append(directory: Path, name: str, record: Record) -> None:
    """Adds one record at the end of a raw file, as a repeated or resumed round does."""
    with (directory / "raw" / f"{name}.ndjson").open("ab") as file:
        file.write(msgspec.json.encode(record) + b"\n")
