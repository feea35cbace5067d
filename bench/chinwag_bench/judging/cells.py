"""A cell's sides, interval, limits and notes, from the records of one row and one column."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from chinwag_bench.judging.bounds import Bounds, ByRound, are_scattered, medians
from chinwag_bench.judging.evidence import Evidence
from chinwag_bench.judging.matrix import Cell, Note
from chinwag_bench.judging.rate_points import (
    highest_rate,
    highest_rates,
    ladder,
    looked_near,
    of_column,
    over_rounds,
    searches_of,
    with_low_side,
)
from chinwag_bench.judging.repeats import disturbed_by, kept
from chinwag_bench.judging.row import Spec
from chinwag_bench.judging.rules import Rules
from chinwag_bench.judging.searches import ended_by, of_search, result_of
from chinwag_bench.judging.stats import interval
from chinwag_bench.metrics.registry import BY_NAME
from chinwag_bench.records import Column, Effort, Json, Limited, Paced, Record, Run, Searched

MESSAGES_BEYOND = 10
"""A quantile is stated while so many messages, of all rounds, lie beyond it: deliveries of one
message are one event."""
EPSILON = 1e-9


def measured(spec: Spec, column: Column, evidence: Evidence) -> tuple[Cell, ByRound]:
    """The cell without rank and verdict, and the sides that each round gives it."""
    cell = Cell(row=spec.row.id, column=column.id, unit=spec.row.unit)
    if spec.source == "effort":
        return cell, _effort(cell, spec, _effort_of(column, evidence.run.effort))
    if spec.p99_limit_ms is not None:
        return cell, _rate_within(cell, spec, column, evidence)
    made = evidence.of(spec.source, column.id, spec.load)
    used = kept(made)
    cell.reason = _no_value(spec, column, used, evidence)
    if cell.reason is not None:
        return cell, {}
    rules = evidence.rules_of(column.id, spec.source)
    rounds = {
        r.round: found
        for r in used
        if r.status == "ok" and (found := _bounds(spec, r, rules)) is not None
    }
    good = [record for record in used if record.round in rounds]
    cell.limited_by = _ends(good, rules)
    if cell.limited_by == "time":
        # No round came to the end of its search: what failed next is as far as is known.
        rounds = {index: Bounds(one.low, one.reach) for index, one in rounds.items()}
    _fill(cell, spec, rounds, evidence.run.seed)
    cell.notes += _of_records(spec, good, rounds, rules)
    cell.notes += _round_notes(made, used, len(rounds), rules)
    return cell, rounds


def _bounds(spec: Spec, record: Record, rules: Rules) -> Bounds | None:
    return spec.bounds(record, rules) if spec.by_rules else spec.bounds(record)


def _effort_of(column: Column, efforts: dict[str, Effort]) -> Effort | None:
    """By column; runs from before variants could have builds of their own have it by server."""
    return efforts.get(column.aa_of or column.id) or efforts.get(column.server)


def _effort(cell: Cell, spec: Spec, effort: Effort | None) -> ByRound:
    """Effort belongs to a column, not to a round; it is known even where nothing was measured."""
    found = None if effort is None else spec.bounds(effort)
    if found is None:
        cell.reason = Note(code="not_counted")
        return {}
    _fill(cell, spec, {1: found}, seed=0)
    return {1: found}


def _rate_within(cell: Cell, spec: Spec, column: Column, evidence: Evidence) -> ByRound:
    """The highest rate within a p99, from all holds of the column."""
    assert spec.p99_limit_ms is not None
    points = list(of_column(evidence, column.id, spec.load))
    found = highest_rate(ladder(points), spec.p99_limit_ms)
    if found is not None:
        rounds = highest_rates(points, spec.p99_limit_ms)
        _fill(cell, spec, rounds, evidence.run.seed, found)
        if 0 in rounds:
            cell.notes.append(Note(code="pooled"))
        else:
            made = len({point.round for point in points})
            near = sum(math.isinf(one.high) or looked_near(one) for one in rounds.values())
            if near < made:
                args = {"missing": made - near, "used": made}
                cell.notes.append(Note(code="rounds_not_looked", args=args))
        return rounds
    searches = evidence.of(searches_of(spec.load), column.id, spec.load)
    cell.reason = _no_value(spec, column, kept(searches), evidence)
    if cell.reason is None or cell.reason.code == "without_value":
        best = min((point.p99_ms[1] for point in points), default=None)
        cell.reason = Note(code="no_rate_within", args={"p99_ms": spec.p99_limit_ms, "best": best})
    return {}


def _fill(cell: Cell, spec: Spec, rounds: ByRound, seed: int, middle: Bounds | None = None) -> None:
    """``middle`` instead of what the row's rounds say together."""
    found = [rounds[index] for index in sorted(rounds)]
    promises_low = spec.row.better == "higher"
    valued = with_low_side(found) if promises_low else found
    middle = middle or (over_rounds(found) if promises_low else medians(found))
    cell.low, cell.high = middle.pair
    cell.reach = None if math.isinf(middle.reach) else middle.reach
    cell.samples = [one.low if promises_low or math.isinf(one.high) else one.high for one in valued]
    cell.value = cell.low if promises_low or cell.high is None else cell.high
    cell.bounds = [one.pair for one in found]
    cell.rounds = len(valued)
    cell.scattered = are_scattered(found)
    _set_interval(cell, valued, found, seed)


def _set_interval(
    cell: Cell, valued: Sequence[Bounds], rounds: Sequence[Bounds], seed: int
) -> None:
    lows = interval([one.low for one in valued], seed)
    if lows is None:
        return
    ends = [one.reach for one in rounds]
    if any(map(math.isinf, ends)):
        top = None
    else:
        highs = interval(ends, seed)
        top = None if highs is None else highs.high
    cell.interval, cell.coverage = (lows.low, top), lows.coverage


def _no_value(
    spec: Spec, column: Column, used: Sequence[Record], evidence: Evidence
) -> Note | None:
    """Why the cell has no value, or ``None`` if it has one."""
    if spec.source == "none":
        return Note(code="never" if spec.row.id == "learning" else "not_by_this_version")
    if column.status != "ok":
        return Note(code="column", args={"status": column.status, "reason": column.reason or ""})
    if not used:
        return Note(code=_not_measured(spec, column, evidence.run))
    rules = evidence.rules_of(column.id, spec.source)
    failures = [why for record in used if (why := _failure(spec, record, rules)) is not None]
    if len(failures) == len(used):
        texts = Counter(failures).most_common(1)
        return Note(code="without_value", args={"why": texts[0][0]})
    overloaded = [record for record in used if _unsustained(record, rules) is not None]
    if spec.quantile is not None and 2 * len(overloaded) > len(used):
        return _too_fast(overloaded, rules)
    return _too_few(spec, used, rules)


def _too_fast(overloaded: Sequence[Record], rules: Rules) -> Note:
    """The server's doing, if it was so in a single round."""
    own = [record for record in overloaded if not _is_held_back(record, rules)]
    if own:
        return Note(code="too_fast", args={"why": _unsustained(own[-1], rules)})
    return Note(code="generator_too_slow", args={"why": _unsustained(overloaded[-1], rules)})


def _settings(run: Run) -> Json:
    found: Json = run.plan.get("settings", {})
    return found


def _not_measured(spec: Spec, column: Column, run: Run) -> str:
    metric = BY_NAME.get(spec.source)
    if metric and metric.of_nodes and not column.nodes_by and _settings(run).get(metric.name):
        return "no_nodes"
    if spec.source in _settings(run).get("one_variant", []):
        return "one_variant"
    if spec.source in _settings(run).get("columns", {}):
        return "other_columns"
    return "not_in_run" if run.finished_at else "not_yet"


def _too_few(spec: Spec, used: Sequence[Record], rules: Rules) -> Note | None:
    if spec.quantile is None:
        return None
    sent = sum(_messages(record, rules) for record in used)
    needed = math.ceil(MESSAGES_BEYOND / (1 - spec.quantile) - EPSILON)
    if sent >= needed:
        return None
    return Note(code="too_few_messages", args={"sent": sent, "needed": needed})


def _messages(record: Record, rules: Rules) -> int:
    if isinstance(record, Searched):
        result = result_of(record, rules)
        return result.hold.sent if result else 0
    if isinstance(record, Paced) and record.step is not None:
        return record.step.hold.sent
    return 0


def _failure(spec: Spec, record: Record, rules: Rules) -> str | None:
    """Why one record gives the row no number."""
    if record.status != "ok":
        return record.reason or f"the cell is {record.status}"
    if _bounds(spec, record, rules) is not None:
        return None
    if isinstance(record, Searched) and record.best is None:
        return record.reason or "no rate was sustained"
    return record.reason or _unsustained(record, rules) or spec.absent


def _unsustained(record: Record, rules: Rules) -> str | None:
    if not isinstance(record, Paced) or record.step is None:
        return None
    failure = rules.failure(record.step)
    return None if failure is None else failure.text


def _is_held_back(record: Record, rules: Rules) -> bool:
    if not isinstance(record, Paced) or record.step is None:
        return False
    return rules.is_held_back(record.step)


def _ends(records: Sequence[Record], rules: Rules) -> str | None:
    """What ended the searches of the rounds, the most frequent first."""
    ends = [end for r in records if isinstance(r, Limited) and (end := _end(r, rules))]
    return ", ".join(name for name, _ in Counter(ends).most_common()) or None


def _end(record: Limited, rules: Rules) -> str | None:
    return ended_by(record, rules) if isinstance(record, Searched) else record.limited_by


def _of_records(spec: Spec, records: Sequence[Record], rounds: ByRound, rules: Rules) -> list[Note]:
    """What the rows and the records themselves have to say, each thing once."""
    notes: list[Note] = []
    for record in records:
        notes += [note for note in spec.notes(record) if note not in notes]
        if spec.bounds is of_search and isinstance(record, Searched):
            notes += _of_search(record, rounds[record.round], rules)
    return notes


def _of_search(record: Searched, found: Bounds, rules: Rules) -> list[Note]:
    notes = []
    if record.reason is not None or result_of(record, rules) is not record.best:
        notes.append(Note(code="not_confirmed", args={"round": record.round}))
    if math.isinf(found.high):
        args = {"round": record.round, "by": ended_by(record, rules)}
        notes.append(Note(code="search_ended_early", args=args))
    return notes


def _round_notes(
    made: Sequence[Record], used: Sequence[Record], valued: int, rules: Rules
) -> list[Note]:
    notes = []
    for record in made:
        reasons = disturbed_by(record)
        if reasons:
            args = {"round": record.round, "reasons": reasons, "kept": record in used}
            notes.append(Note(code="disturbed", args=args))
    if len(made) > len(used):
        notes.append(Note(code="rounds_made", args={"made": len(made), "used": len(used)}))
    if valued < len(used):
        args = {"missing": len(used) - valued, "used": len(used)}
        notes.append(Note(code="rounds_without_value", args=args))
    for record in used:
        why = _unsustained(record, rules)
        if why is not None:
            args = {"round": record.round, "why": why}
            by_server = not _is_held_back(record, rules)
            notes.append(
                Note(code="not_sustained", args=args)
                if by_server
                else Note(code="not_offered", args=args)
            )
    return notes
