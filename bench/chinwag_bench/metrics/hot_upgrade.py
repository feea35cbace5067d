"""Hot upgrade: what clients notice while a running server is replaced by another build."""

from __future__ import annotations

import time
from collections.abc import Callable

from chinwag_bench.judging.bounds import Bounds, exactly
from chinwag_bench.judging.matrix import Note
from chinwag_bench.judging.row import Better, Spec, row
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.records import Record
from chinwag_bench.upgrades.outcome import UpgradeOutcome
from chinwag_bench.upgrades.trial import TrialSettings, try_upgrade


class HotUpgrade(Record, kw_only=True, tag="hot_upgrade", tag_field="metric"):
    """One upgrade of a server, by its best way."""

    messages_per_s: float = 0.0
    because: str = ""
    """Why no gentler way was there."""
    unasked: str = ""
    """Why clients can't ask which build serves them, if they can't."""
    outcome: UpgradeOutcome | None = None


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    connections: int
    repeats: int
    setup_s: float
    seconds: float
    """Planned for the watch of one upgrade."""
    trial: TrialSettings

    @property
    def planned_s(self) -> float:
        return self.setup_s + self.seconds

    def rounds(self, of_run: int) -> int:
        return self.repeats

    def loads(self) -> set[str]:
        return {self.load}


def _visit(visit: Visit) -> list[HotUpgrade]:
    settings: Settings = visit.settings
    plan = visit.place.target.hot_upgrade
    started_at, started = time.time(), time.monotonic()
    outcome = try_upgrade(visit.place, visit.load, settings.connections, settings.trial)
    return [
        HotUpgrade(
            column=visit.place.target.id,
            round=visit.place.round,
            started_at=started_at,
            seconds=time.monotonic() - started,
            status="ok" if outcome.happened else "failed",
            reason=outcome.reason,
            messages_per_s=settings.trial.messages_per_s,
            because=plan.because,
            unasked=plan.unasked,
            outcome=outcome,
        )
    ]


def _describe(record: HotUpgrade) -> str:
    outcome = record.outcome
    if outcome is None or outcome.happened is None:
        return f"not measured: {record.reason}"
    silence, all_new_s = outcome.silence_at(1.0), outcome.all_on_new_s
    parts = [
        f"by {outcome.way}",
        "somebody never hears again"
        if silence is None
        else f"at most {silence:,.0f} ms of silence",
        f"{outcome.lost_connections} connections lost",
        f"{outcome.lost} deliveries lost",
    ]
    if outcome.on_new_s is not None:
        met = "somebody never" if all_new_s is None else f"all after {all_new_s:.2f} s"
        parts.append(f"{met} on the new build")
    return ", ".join(parts)


def _of(value: Callable[[UpgradeOutcome], float | None]) -> Callable[[HotUpgrade], Bounds | None]:
    """Nothing is known of an upgrade that did not happen."""

    def bounds(record: HotUpgrade) -> Bounds | None:
        outcome = record.outcome
        return None if outcome is None or outcome.happened is None else exactly(value(outcome))

    return bounds


def _in_place(outcome: UpgradeOutcome) -> float | None:
    if outcome.met_in_place is None:
        return None
    return 100.0 * outcome.met_in_place / outcome.connections


def _notes(record: HotUpgrade) -> list[Note]:
    outcome = record.outcome
    if outcome is None:
        return []
    return [Note(code="upgraded_by", args={"way": outcome.way, "because": record.because})]


_LOAD = "Under load, a running server is replaced by a build whose answers differ"
_SILENT = "somebody never heard again"
_UNASKED = "its clients can't ask which build serves them, or somebody never met the new one"
_QUANTILES = {"p50": ("half of", 0.5), "p95": ("19 of 20", 0.95), "max": ("all", 1.0)}


def _spec(
    key: str,
    title: str,
    unit: str,
    better: Better,
    definition: str,
    value: Callable[..., float | None],
    absent: str = _SILENT,
) -> Spec:
    made = row("Upgrades", key, title, unit, better, f"{_LOAD}: {definition}")
    return Spec(made, "hot_upgrade", _of(value), notes=_notes, absent=absent)


def _rows() -> list[Spec]:
    silences = [
        _spec(
            f"hot_upgrade_silence_{name}",
            f"Hot upgrade: longest silence, {name} of the connections",
            "ms",
            "lower",
            f"no longer than this {who} the connections went without a delivery that was due, from "
            "the upgrade's begin on.",
            lambda outcome, at=quantile: outcome.silence_at(at),
        )
        for name, (who, quantile) in _QUANTILES.items()
    ]
    return [
        *silences,
        _spec(
            "hot_upgrade", "Hot upgrade: connections lost", "%", "lower",
            "share of the connections that end.",
            lambda outcome: 100.0 * outcome.lost_connections / outcome.connections,
        ),
        _spec(
            "hot_upgrade_lost", "Hot upgrade: deliveries lost", "", "lower",
            "deliveries that are missing though their member was connected when the message was "
            "sent.",
            lambda outcome: float(outcome.lost),
        ),
        _spec(
            "hot_upgrade_duplicated", "Hot upgrade: deliveries that came twice", "", "lower",
            "copies of what a member had got already.",
            lambda outcome: float(outcome.duplicated),
        ),
        _spec(
            "hot_upgrade_reordered", "Hot upgrade: deliveries out of order", "", "lower",
            "copies that came behind a later message of the same sender.",
            lambda outcome: float(outcome.reordered),
        ),
        _spec(
            "hot_upgrade_in_place", "Hot upgrade: connections that meet the new build", "%",
            "higher",
            "share of the connections that the new build answers without their having ended.",
            _in_place,
            _UNASKED,
        ),
        _spec(
            "hot_upgrade_all", "Hot upgrade: until all are on the new build", "s", "lower",
            "from the upgrade's begin, the start of a new process included, until the new build "
            "answers every connection.",
            lambda outcome: outcome.all_on_new_s,
            _UNASKED,
        ),
    ]  # fmt: skip


METHOD = """
**Hot upgrade.** 80 clients in rooms of 10, each room with 200 messages/s of 100 bytes. A running
server is replaced by a build that differs in one answer, by the best way that its runtime has; its
cell names it: into the running program (`code`); connections handed to a new process (`handover`);
one worker after the other (`workers`); a new process gets the same listening socket, and once it
answers /health the old one is told to stop by SIGTERM and drains (`socket`); the same with
SO_REUSEPORT (`port`); the old one is stopped first (`restart`). Every client asks every 50 ms which
build serves it. Clients that lose their connection come back at once, and then every 10 ms. Times
run from the upgrade's begin; to compile, and what else is done before a server is touched, does not
count. A connection's silence is the longest time from when a message of its room was due, also of a
sender who is away, until it got that or a later one. An upgrade counts only if other processes
answer /health than before (unless the code alone is replaced) and the new build answers somebody.
"""
METRIC = Metric(
    record=HotUpgrade,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    rows=_rows(),
    method=METHOD,
)
