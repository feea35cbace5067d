"""Robustness: what well-behaved members notice of those that stop reading or are gone without a
goodbye, of strangers who send garbage, of a crowd that takes all descriptors, and of attacks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from chinwag_bench.attacks.classes import ATTACKS
from chinwag_bench.errors import GeneratorError, HostError, ServerError
from chinwag_bench.judging.bounds import Bounds, exactly, of_latency
from chinwag_bench.judging.row import MEGABYTE, Spec, row
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.records import Record, Run
from chinwag_bench.troubles import crowds, silence
from chinwag_bench.troubles.press import Setting, Trouble

SILENT, GARBAGE, CROWD, HALF_OPEN = "silent_readers", "garbage", "no_descriptors", "half_open"
REQUESTS = "requests"
_ATTACK = "attack_"
"""Begins the name of a trouble that is an attack of a class."""


class Robustness(Record, kw_only=True, tag="robustness", tag_field="metric"):
    connections: int = 0
    deliveries_per_s: float = 0.0
    troubles: dict[str, Trouble] = msgspec.field(default_factory=dict)
    """By name: silent_readers, half_open, garbage, no_descriptors, requests, and attack_ with a
    class. One that ended the server is missing, and ``reason`` says so."""


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    silent_load: str
    """Of the members that fall silent: as many as it has connections, one a room."""
    connections: int
    repeats: int
    setup_s: float
    """Of each trouble."""
    deliveries_per_s: float
    garbage_per_s: float
    open_files_spare: int
    """Descriptors that a server has left for strangers, in the trouble of that name."""
    hold: HoldSeconds
    requests_per_s: float = 0.0
    """Plain HTTP requests beside the chat; 0 leaves them out."""
    attacks: tuple[str, ...] = ()
    """Classes of ``attacks/classes.py``; docs/attacks.md says what they press."""
    attack_hold: HoldSeconds | None = None

    def __post_init__(self) -> None:
        known = [one.name for one in ATTACKS]
        for name in self.attacks:
            if name not in known:
                raise ValueError(f"there is no attack {name!r}; there are {', '.join(known)}")

    @property
    def planned_s(self) -> float:
        attack_s = (self.attack_hold or self.hold).seconds
        troubles = 5 if self.requests_per_s else 4
        troubles_s = troubles * (self.setup_s + 3 * self.hold.seconds)
        return troubles_s + len(self.attacks) * (self.setup_s + attack_s)

    def rounds(self, of_run: int) -> int:
        return self.repeats

    def loads(self) -> set[str]:
        return {self.load, self.silent_load}


def _visit(visit: Visit) -> list[Robustness]:
    settings: Settings = visit.settings
    started_at, started = time.time(), time.monotonic()
    troubles: dict[str, Trouble] = {}
    failures = []
    for name, make in _troubles(visit, settings):
        try:
            troubles[name] = make()
        except (ServerError, GeneratorError, HostError) as error:
            failures.append(f"{name}: {error.text()}")
    return [
        Robustness(
            column=visit.place.target.id,
            round=visit.place.round,
            started_at=started_at,
            seconds=time.monotonic() - started,
            status="ok" if troubles else "failed",
            reason="; ".join(failures) or None,
            connections=settings.connections,
            deliveries_per_s=settings.deliveries_per_s,
            troubles=troubles,
        )
    ]


def _troubles(visit: Visit, settings: Settings) -> Iterator[tuple[str, Callable[[], Trouble]]]:
    """Each on a fresh server, the gentle ones first."""
    silent = visit.loads[settings.silent_load]

    def setting(name: str, hold: HoldSeconds = settings.hold) -> Setting:
        return Setting(
            place=msgspec.structs.replace(visit.place, metric=f"{visit.place.metric}-{name}"),
            load=visit.load,
            connections=settings.connections,
            deliveries_per_s=settings.deliveries_per_s,
            hold=hold,
        )

    yield SILENT, partial(silence.silent_readers, setting(SILENT), silent)
    yield HALF_OPEN, partial(silence.half_open, setting(HALF_OPEN), silent)
    yield GARBAGE, partial(crowds.garbage, setting(GARBAGE), settings.garbage_per_s)
    yield CROWD, partial(crowds.no_descriptors, setting(CROWD), settings.open_files_spare)
    # A library that answers no plain HTTP has its /health elsewhere.
    if settings.requests_per_s and visit.place.target.server.manifest.health_host is None:
        yield REQUESTS, partial(crowds.requests, setting(REQUESTS), settings.requests_per_s)
    for one in crowds.attacks_on(visit.place.target, settings.attacks):
        name = f"{_ATTACK}{one.name}"
        hold = settings.attack_hold or settings.hold
        yield name, partial(crowds.attack, setting(name, hold), one)


def _describe(record: Robustness) -> str:
    return "; ".join(f"{name}: {_in_words(one)}" for name, one in record.troubles.items())


def _in_words(one: Trouble) -> str:
    during = one.during.hold.latency_ms["p99"]
    before = "" if one.before is None else f"{one.before.hold.latency_ms['p99']:.1f} -> "
    lost = one.during.hold.lost
    parts = [
        f"p99 {before}{during:.1f} ms",
        f"memory {(one.bytes_during - one.bytes_before) / MEGABYTE:+.1f} MB",
        *([f"{lost} deliveries lost"] if lost else []),
        *([] if one.serves_again else ["nobody is let in afterwards"]),
    ]
    return ", ".join(parts)


def _p99(name: str) -> Callable[[Robustness], Bounds | None]:
    def bounds(record: Robustness) -> Bounds | None:
        found = record.troubles.get(name)
        if found is None or not found.serves_again or found.during.hold.lost:
            return None
        if found.during.hold.generator_limits:
            return None
        return of_latency(found.during.hold, "p99")

    return bounds


def _memory(name: str) -> Callable[[Robustness], Bounds | None]:
    def bounds(record: Robustness) -> Bounds | None:
        found = record.troubles.get(name)
        if found is None:
            return None
        return exactly(max(0.0, (found.bytes_during - found.bytes_before) / MEGABYTE))

    return bounds


def _noticed(record: Robustness) -> Bounds | None:
    found = record.troubles.get(HALF_OPEN)
    if found is None or found.pressed.get("left"):
        return None
    return exactly(float(found.pressed["noticed_s"]))


_TITLES = {
    SILENT: ("1 % stop reading", "One member of each room of 100 stops reading"),
    HALF_OPEN: (
        "1 % gone without a goodbye",
        "The link of one member of each room of 100 is cut, and the idle timeout is 2 s",
    ),
    GARBAGE: (
        "Garbage from strangers",
        "1,000 strangers a second connect and send noise, HTTP that is none, or noise for frames",
    ),
    CROWD: (
        "No descriptor left",
        "Strangers take every descriptor that the server has left, and keep them",
    ),
    REQUESTS: (
        "Plain HTTP beside the chat",
        "A program asks for a page on the same port, some hundred times a second",
    ),
    **{f"{_ATTACK}{one.name}": (f"Attack `{one.name}`", one.what) for one in ATTACKS},
}
_GROWS = (SILENT, HALF_OPEN, *(f"{_ATTACK}{one.name}" for one in ATTACKS))
"""Troubles that may take memory."""
_ABSENT = (
    "it was not measured, ended the server, lost deliveries of its members, let nobody in "
    "afterwards, or left the load generator no time"
)


def _rows_of(name: str) -> Iterator[Spec]:
    title, what = _TITLES[name]
    p99 = row(
        "Robustness",
        f"robust_{name}_p99",
        f"{title}: p99 of the others",
        "ms",
        "lower",
        f"{what}: latency of well-behaved members meanwhile, 99 of 100 deliveries.",
    )
    yield Spec(p99, "robustness", _p99(name), absent=_ABSENT)
    if name in _GROWS:
        memory = row(
            "Robustness",
            f"robust_{name}_memory",
            f"{title}: memory for it",
            "MB",
            "lower",
            f"{what}: growth of user memory within some seconds.",
        )
        yield Spec(memory, "robustness", _memory(name), absent="it was not measured")


def _rows() -> list[Spec]:
    noticed = row(
        "Robustness",
        "robust_half_open_noticed",
        "1 % gone without a goodbye: until it is noticed",
        "s",
        "lower",
        f"{_TITLES[HALF_OPEN][1]}: until the server has ended all of these connections.",
    )
    return [
        *(spec for name in (SILENT, HALF_OPEN, GARBAGE, CROWD) for spec in _rows_of(name)),
        Spec(
            noticed,
            "robustness",
            _noticed,
            absent="it was not measured, or some were taken for alive after 12 s",
        ),
    ]


def _requests_rows() -> list[Spec]:
    answers = row(
        "Robustness",
        "robust_requests_answers",
        "Plain HTTP beside the chat: p99 of its answers",
        "ms",
        "lower",
        f"{_TITLES[REQUESTS][1]}: from when each was due to its answer, 99 of 100.",
    )
    return [*_rows_of(REQUESTS), Spec(answers, "robustness", _answers, absent=_ABSENT)]


def _answers(record: Robustness) -> Bounds | None:
    found = record.troubles.get(REQUESTS)
    if found is None or found.pressed.get("failed") or "p99_ms" not in found.pressed:
        return None
    return exactly(float(found.pressed["p99_ms"]))


def _rows_of_run(run: Run) -> list[Spec]:
    """Of requests beside the chat and the attacks, where the run has them."""
    settings = (run.plan.get("settings") or {}).get("robustness") or {}
    names = [f"{_ATTACK}{name}" for name in settings.get("attacks", [])]
    beside = _requests_rows() if settings.get("requests_per_s") else []
    return [*beside, *(spec for name in names for spec in _rows_of(name))]


METHOD = """
**Robustness.** 1,000 members at 20,000 deliveries/s, while something goes wrong that they gave no
cause for: one more member of each room stops reading (its process is stopped); one more member of
each room is gone without a goodbye (it is in a network namespace whose link is cut; pings every 1 s
and an idle timeout of 2 s, and how long the server takes it for alive is read from the kernel's
table); 1,000 strangers a second connect and send noise, HTTP that is none, or noise for frames;
strangers take all descriptors that the server has left (its limit is set to its members and 64
more); in some profiles a program asks for `/health` by plain HTTP, 200 times a second. p99 of the
members meanwhile, beside a hold before and one after. Then classes of attack, as
`make attack` presses them (docs/attacks.md), each on a fresh server, by one process behind the load
generator's priority; servers of another protocol are pressed by those that are plain HTTP. A server
that ended, lost deliveries of its members, or lets nobody in once it is over has no value, and
neither has a hold in which the generator itself was the limit.
"""
METRIC = Metric(
    record=Robustness,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    rows=_rows(),
    rows_of_run=_rows_of_run,
    possible_rows=_requests_rows,
    method=METHOD,
)
