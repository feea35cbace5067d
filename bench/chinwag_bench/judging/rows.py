"""The matrix's rows: what each means, where its numbers come from, and which way is better."""

from __future__ import annotations

from collections.abc import Callable

from chinwag_bench.judging.bounds import Bounds, exactly, of_latency
from chinwag_bench.judging.matrix import Row
from chinwag_bench.judging.rate_points import P99_LIMITS_MS, Rules, of_search, result_of
from chinwag_bench.judging.row import MEGABYTE, Spec, percentile, plain, row
from chinwag_bench.judging.sustained import find_failure
from chinwag_bench.metrics import broadcast, connections, cpu_at_n, memory, start, storm
from chinwag_bench.records import (
    Effort,
    Latency,
    Throughput,
)

COMMON_GROUP = "At one rate for all"
PERCENTILES = {"p50": "p50", "p99": "p99", "p99_9": "p99.9", "max": "max"}


def _wire_bytes(record: Throughput, rules: Rules) -> Bounds | None:
    result = result_of(record, rules)
    return None if result is None else exactly(result.hold.wire_bytes_per_delivery)


def _messages(record: Throughput, rules: Rules) -> Bounds | None:
    """The search's rate in messages: its mix makes a fixed number of deliveries of each."""
    found, step = of_search(record, rules), result_of(record, rules)
    if found is None or step is None or not step.hold.deliveries_per_s:
        return None
    each = step.hold.messages_per_s / step.hold.deliveries_per_s
    end = None if found.step_end is None else found.step_end * each
    return Bounds(found.low * each, found.high * each, end)


def _throughput_rows() -> list[Spec]:
    deliveries = row(
        "Throughput",
        "throughput_deliveries",
        "Throughput, deliveries",
        "deliveries/s",
        "higher",
        "Highest rate of the load profile that is sustained: delivered in full, p99 at "
        "most 1,000 ms, delay not growing, nothing outstanding 1 s after the end. One message "
        "to a room of 100 is 100 deliveries.",
    )
    messages = row(
        "Throughput",
        "throughput_messages",
        "Throughput, messages",
        "messages/s",
        "higher",
        "The same steps counted in messages sent.",
    )
    p99 = row(
        "Throughput",
        "throughput_p99",
        "p99 at that rate",
        "ms",
        "none",
        "Latency from the planned send time to the read, p99 of the hold that confirmed the "
        "server's highest sustained rate. Rates differ, so it ranks nobody.",
    )
    cpu = row(
        "Throughput",
        "cpu_per_delivery",
        "CPU per delivery, at that rate",
        "us",
        "none",
        "CPU time of the server's processes, user and system, per delivery, in that hold. At a "
        "saturated server's highest rate it is the throughput once more, so it ranks nobody: the "
        "row at one rate for all does.",
    )
    wire = row(
        "Throughput",
        "wire_bytes_per_delivery",
        "Wire bytes per delivery",
        "B",
        "none",
        "Bytes received from the socket per delivery: frame header, JSON and content. It "
        "shows that all servers send the same.",
    )

    def cpu_there(record: Throughput, rules: Rules) -> Bounds | None:
        result = result_of(record, rules)
        return None if result is None else exactly(result.cpu_us_per_delivery)

    def p99_there(record: Throughput, rules: Rules) -> Bounds | None:
        result = result_of(record, rules)
        return None if result is None else of_latency(result.hold, "p99")

    return [
        Spec(deliveries, "throughput", of_search, by_rules=True),
        *_limited_rate_rows(),
        Spec(messages, "throughput", _messages, by_rules=True),
        Spec(p99, "throughput", p99_there, by_rules=True, quantile=0.99),
        Spec(cpu, "throughput", cpu_there, by_rules=True),
        Spec(wire, "throughput", _wire_bytes, by_rules=True),
    ]


def _limited_rate_rows() -> list[Spec]:
    """The rates that a chat can live with: the search itself only asks for 1,000 ms."""
    return [
        Spec(
            row(
                "Throughput",
                f"rate_p99_{limit:.0f}",
                f"Highest rate with p99 <= {limit:.0f} ms",
                "deliveries/s",
                "higher",
                f"From all holds of the throughput's load, of all rounds: the highest rate that "
                f"was delivered in full with a p99 of at most {limit:.0f} ms, and the lowest above "
                "it that was not.",
            ),
            "rate_points",
            lambda _: None,
            p99_limit_ms=limit,
        )
        for limit in P99_LIMITS_MS
    ]


QUANTILES = {"p50": 0.5, "p99": 0.99, "p99_9": 0.999, "max": None}


def _rate_reached(record: Latency) -> float | None:
    return None if record.step is None else record.step.hold.deliveries_per_s


def _cpu_per_delivery(record: Latency, rules: Rules) -> Bounds | None:
    """Nothing where the rate is too high: what is not delivered in time costs nothing, yet."""
    step = record.step
    if step is None or find_failure(step.hold, rules.limits) is not None:
        return None
    return exactly(step.cpu_us_per_delivery)


def _cpu_per_delivery_row(what: str) -> Row:
    return row(
        COMMON_GROUP,
        "common_cpu_per_delivery",
        "CPU per delivery",
        "us",
        "lower",
        "CPU time of the server's processes, user and system, per delivery, at " + what + ". "
        "Runtimes that spin while idle pay for it here.",
    )


def _latency_rows() -> list[Spec]:
    what = "one rate for all, fixed after the throughput phase"
    rate = row(COMMON_GROUP, "common_rate", "Rate reached", "deliveries/s", "none", f"At {what}.")
    rows = [
        Spec(rate, "common", plain(_rate_reached)),
        Spec(_cpu_per_delivery_row(what), "common", _cpu_per_delivery, by_rules=True),
    ]
    for key, name in PERCENTILES.items():
        about = row(
            COMMON_GROUP,
            f"common_{key}",
            name,
            "ms",
            "lower",
            f"Latency from the planned send time to the read (the high side) and from the actual "
            f"send to the kernel's receive stamp (the low side), {name} of all deliveries of a "
            f"round, at {what}.",
        )
        rows.append(Spec(about, "common", percentile(key), quantile=QUANTILES[key]))
    return rows


def _effort(field: str, per: float = 1) -> Callable[[Effort], float | None]:
    def value(effort: Effort) -> float | None:
        found = getattr(effort, field)
        return None if found is None else float(found / per)

    return value


def _effort_rows() -> list[Spec]:
    rows = {
        "lines_of_code": (
            "Lines of code",
            "",
            "Lines of the server's own sources, without blanks, comments and documentation.",
        ),
        "dependencies_direct": (
            "Libraries, direct",
            "",
            "Libraries that the server's own sources name, counted by the manifest's commands.",
        ),
        "dependencies_total": (
            "Libraries, in all",
            "",
            "Those and all that they bring along, without what comes with the language.",
        ),
        "deployed_bytes": (
            "Deployed",
            "MB",
            "Size of the files that the manifest calls deployed, without a language's runtime or "
            "shared libraries that the system has.",
        ),
    }
    return [
        Spec(
            row("Effort", f"effort_{field}", title, unit, "none", definition),
            "effort",
            plain(_effort(field, MEGABYTE if unit == "MB" else 1)),
        )
        for field, (title, unit, definition) in rows.items()
    ]


def _unmeasured(id_: str, title: str, unit: str, definition: str) -> Spec:
    about = row("Published only", id_, title, unit, "none", definition)
    return Spec(about, "none", lambda _: None, needs_article=True)


def _unmeasured_rows() -> list[Spec]:
    return [
        _unmeasured(
            "fault_recovery",
            "Fault recovery",
            "ms",
            "From a fault to the first message sent after it that arrives.",
        ),
        _unmeasured(
            "hot_upgrade",
            "Hot upgrade",
            "",
            "Replacing the running build without losing connections.",
        ),
        _unmeasured(
            "across_machines", "Across machines", "", "One room with members on two nodes."
        ),
        _unmeasured("cores", "Use of cores", "", "What it takes to use more than one core."),
        _unmeasured("cost", "Cost", "", "Per million deliveries and per 100,000 connections."),
        _unmeasured("learning", "Learning curve", "weeks", "Time until a team is productive."),
    ]


SPECS: list[Spec] = [
    *_throughput_rows(),
    *_latency_rows(),
    *broadcast.METRIC.rows,
    *memory.METRIC.rows,
    *connections.METRIC.rows,
    *storm.METRIC.rows,
    *cpu_at_n.METRIC.rows,
    *start.METRIC.rows,
    *_effort_rows(),
    *_unmeasured_rows(),
]
"""In the order of the matrix."""
