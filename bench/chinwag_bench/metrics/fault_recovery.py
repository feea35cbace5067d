"""Fault recovery: what clients notice of a handler that fails, of one that does not end, and of
processes that are killed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import msgspec

from chinwag_bench.faults import causes
from chinwag_bench.faults.causes import causes_of
from chinwag_bench.faults.outcome import Outcome, slowest
from chinwag_bench.faults.proof import PROCESS_KILLED
from chinwag_bench.faults.trial import Stage, TrialSettings, try_fault
from chinwag_bench.judging.bounds import Bounds, exactly
from chinwag_bench.judging.matrix import Note
from chinwag_bench.judging.row import Better, Spec, row
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.records import Record


class FaultRecovery(Record, kw_only=True, tag="fault_recovery", tag_field="metric"):
    """One of each fault that the server can have, one after the other."""

    connections: int = 0
    messages_per_s: float = 0.0
    outcomes: dict[str, Outcome] = msgspec.field(default_factory=dict)
    """By the fault's name: exception, stuck, kill_unit where that is not all of it, kill_all, and
    inner parts that the manifest names."""


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    connections: int
    repeats: int
    setup_s: float
    faults_s: float
    """Allowance for all faults of one visit."""
    trial: TrialSettings

    @property
    def planned_s(self) -> float:
        return self.setup_s + self.faults_s

    def rounds(self, of_run: int) -> int:
        return self.repeats

    def loads(self) -> set[str]:
        return {self.load}


def _visit(visit: Visit) -> list[FaultRecovery]:
    settings: Settings = visit.settings
    target = visit.place.target
    started_at, started = time.time(), time.monotonic()
    with Stage(visit.place, visit.load, settings.connections) as stage:
        outcomes = {
            cause.name: try_fault(stage, cause, settings.trial)
            for cause in causes_of(target, settings.trial.spin_ms)
        }
    failures = {name: one.reason for name, one in outcomes.items() if one.reason is not None}
    return [
        FaultRecovery(
            column=target.id,
            round=visit.place.round,
            started_at=started_at,
            seconds=time.monotonic() - started,
            status="failed" if len(failures) == len(outcomes) else "ok",
            reason="; ".join(f"{name}: {why}" for name, why in failures.items()) or None,
            connections=settings.connections,
            messages_per_s=settings.trial.messages_per_s,
            outcomes=outcomes,
        )
    ]


def _describe(record: FaultRecovery) -> str:
    return "; ".join(f"{name} {_in_words(one)}" for name, one in record.outcomes.items())


def _in_words(outcome: Outcome) -> str:
    if not outcome.roles:
        return f"not measured: {outcome.reason}"
    value = hears_again_ms(outcome, *outcome.roles)
    lost = sum(role.lost_connections for role in outcome.roles.values())
    deaf = sum(role.deaf for role in outcome.roles.values())
    parts = [
        "somebody never heard again" if value is None else f"all hear after {value:,.0f} ms",
        f"{lost} connections lost",
        *([f"{deaf} deaf"] if deaf else []),
        *([f"{outcome.lost} deliveries lost"] if outcome.lost else []),
        *([f"but {outcome.reason}"] if outcome.reason else []),
    ]
    return ", ".join(parts)


def hears_again_ms(outcome: Outcome, *roles: str) -> float | None:
    """Until every connection of these roles heard again; ``None`` where one never did."""
    return slowest([ms for name in roles for ms in outcome.roles[name].hears_again_ms])


def _outcome(record: FaultRecovery, fault: str) -> Outcome | None:
    """Without a unit of its own to kill, a server's smallest one is all of it."""
    fault = fault if fault in record.outcomes else _WHOLE.get(fault, fault)
    found = record.outcomes.get(fault)
    return None if found is None or found.happened is None else found


_ROOM = 10
"""Members of a room of the load profile ``faults``; its messages come at random moments."""
_RETRY_MS = 10.0
"""From a failed attempt to come back to the next one."""
_WHOLE = {causes.KILL_UNIT: causes.KILL_ALL}


def _again(fault: str, *roles: str) -> Callable[[FaultRecovery], Bounds | None]:
    def bounds(record: FaultRecovery) -> Bounds | None:
        found = _outcome(record, fault)
        if found is None:
            return None
        there = [name for name in roles if found.roles[name].connections]
        # Where everybody is a victim, that is what becomes of everybody.
        who = there or ["victims"]
        heard_ms = hears_again_ms(found, *who)
        if heard_ms is None:
            return None
        return Bounds(max(0.0, heard_ms - resolution_ms(record, found, *who)), heard_ms)

    return bounds


def resolution_ms(record: FaultRecovery, outcome: Outcome, *roles: str) -> float:
    """How long these connections would wait without any fault: the mean of the longest of their
    rooms' times to the next message, and where one of them has to come back, one more attempt.
    """
    if record.messages_per_s <= 0:
        return 0.0
    gap_ms = 1000 * record.connections / _ROOM / record.messages_per_s
    connections = sum(outcome.roles[name].connections for name in roles)
    rooms = max(1, math.ceil(connections / _ROOM))
    comes_back = any(outcome.roles[name].lost_connections for name in roles)
    return gap_ms * sum(1 / nth for nth in range(1, rooms + 1)) + comes_back * _RETRY_MS


def _connections_lost(fault: str) -> Callable[[FaultRecovery], Bounds | None]:
    def bounds(record: FaultRecovery) -> Bounds | None:
        found = _outcome(record, fault)
        if found is None:
            return None
        lost = sum(role.lost_connections for role in found.roles.values())
        return exactly(100.0 * lost / record.connections)

    return bounds


def _deliveries_lost(fault: str) -> Callable[[FaultRecovery], Bounds | None]:
    def bounds(record: FaultRecovery) -> Bounds | None:
        found = _outcome(record, fault)
        return None if found is None else exactly(float(found.lost))

    return bounds


_TITLES = {
    causes.EXCEPTION: ("Exception in a handler", "A handler throws at one message"),
    causes.STUCK: ("Stuck handler", "A handler does not end for 2 s"),
    causes.KILL_UNIT: (
        "Kill of the smallest unit",
        "What ends by itself when it is killed, is: a connection's process, a worker, or all",
    ),
    causes.KILL_ALL: ("Kill of all", "All of the server's processes are killed"),
    causes.ALLOWED: (
        "As many crashes as its supervisor allows",
        "An inner part is killed as often as its supervisor starts it again, in half of the time "
        "that counts",
    ),
    causes.EXCEEDED: (
        "One crash more than its supervisor allows",
        "An inner part is killed once more often than its supervisor starts it again",
    ),
}
_ALL = ("victims", "room_mates", "bystanders")
OTHERS = ("room_mates", "bystanders")
"""Roles beside the one that asked for the fault."""
HANDLER_FAULTS = frozenset({causes.EXCEPTION, causes.STUCK})
"""In which one connection's handler fails, and the others may hear on."""
_PARTS: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    causes.EXCEPTION: (
        ("victim", "who sent the message hears again", ("victims",)),
        ("others", "everybody else hears again", OTHERS),
    ),
    causes.STUCK: (
        ("victim", "who sent the message hears again", ("victims",)),
        ("others", "everybody else hears again", OTHERS),
    ),
    causes.KILL_UNIT: (("all", "everybody hears again", _ALL),),
    causes.KILL_ALL: (("all", "everybody hears again", _ALL),),
    causes.ALLOWED: (("all", "everybody hears again", _ALL),),
    causes.EXCEEDED: (("all", "everybody hears again", _ALL),),
}


def _rows() -> list[Spec]:
    specs = []
    for fault, (title, what) in _TITLES.items():
        said = f"{what}, under load, with the same restarter and the same clients for all servers"
        for key, who, roles in _PARTS[fault]:
            definition = (
                f"{said}: until {who}, from the fault to the arrival of the first message that "
                "was sent after it, the slowest connection counting."
            )
            specs.append(_spec(fault, key, f"{title}: {who}", "ms", definition, roles))
        lost = f"{said}: share of the connections that end."
        specs.append(_spec(fault, "lost", f"{title}: connections lost", "%", lost))
    lost = (
        "Deliveries that are missing though their member was connected when the message was sent."
    )
    made = row("Faults", "kill_all_deliveries", "Kill of all: deliveries lost", "", "lower", lost)
    specs.append(Spec(made, "fault_recovery", _deliveries_lost(causes.KILL_ALL), absent=_ABSENT))
    return specs


def _spec(
    fault: str, key: str, title: str, unit: str, definition: str, roles: tuple[str, ...] = ()
) -> Spec:
    """Of a fault that is not the same for all nobody is better: each cell says what was killed."""
    is_unlike = fault == causes.KILL_UNIT
    better: Better = "none" if is_unlike else "lower"
    made = row("Faults", f"{fault}_{key}", title, unit, better, definition)
    bounds = _again(fault, *roles) if roles else _connections_lost(fault)
    notes = _killed if is_unlike else _no_notes
    return Spec(made, "fault_recovery", bounds, absent=_ABSENT, notes=notes)


def _killed(record: FaultRecovery) -> list[Note]:
    """Which unit it was, by who was a victim of it."""
    found = record.outcomes.get(causes.KILL_UNIT)
    if found is None:
        return [Note(code="killed", args={"unit": "all"})]
    happened = found.happened or ""
    unit = "worker" if happened.startswith(PROCESS_KILLED) else "connection"
    return [Note(code="killed", args={"unit": unit})]


def _no_notes(_: FaultRecovery) -> list[Note]:
    return []


_ABSENT = "it can't have that fault, or somebody never heard again"

METHOD = """
**Fault recovery.** 80 clients in rooms of 10, each room with 200 messages/s of 100 bytes. Faults
are asked for by a client (`CHAT_FAULTS=1`), or processes are killed, at a random moment: a handler
throws; a handler does not end for 2 s; an inner part is killed as often as its supervisor allows,
and once more, where a manifest names such a limit (Elixir: 10 restarts in 5 s); SIGKILL of the
smallest unit that ends by itself (a connection's process in a virtual machine, a worker, else all
of it); SIGKILL of all processes.
Whatever ends is started again at once by the same restarter, unless it restarts its parts itself.
Clients that lose their connection come back at once, and then every 10 ms. The time runs to the
arrival of the first message that was sent after the fault, for the victim (who sent the message),
and for all others; the slowest connection counts. Messages come at random moments, in each room
200 a second: whoever no fault has touched waits so long, too, 14 ms for the slowest of eight rooms
on average, and who has to come back up to 10 ms more. That is what a time is known to: its low
side lies so much lower, and one that is no longer than that is only known to be at most what was
measured. Units that are not alike are ranked nowhere: a cell says what was killed; the kill of all
is the same for all. A fault counts only if something outside of the
server's word to its clients shows it: a process that is gone, the exception in its log, its sender
unserved for 2 s.
"""
METRIC = Metric(
    record=FaultRecovery,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    rows=_rows(),
    method=METHOD,
)
