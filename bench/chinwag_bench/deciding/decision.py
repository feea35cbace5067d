"""Which server for given needs: who is enough, in which order, by which rules, and what is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from chinwag_bench.deciding import demands, merits, order
from chinwag_bench.deciding.facts import Facts, all_facts, network_gbit_per_s
from chinwag_bench.deciding.merits import MEASURES, Merit
from chinwag_bench.deciding.needs import Needs, presets
from chinwag_bench.deciding.rules import rules
from chinwag_bench.errors import UsageError
from chinwag_bench.judging.matrix import Matrix, VerdictKind
from chinwag_bench.numbers import number

NOT_KNOWN = (
    "what your team learns fast, likes, hires for or operates already",
    "libraries for log-in, storage, push and the like: how many there are, and how good",
    "your messages: rates were measured with the plan's rooms, sizes and connections",
    "days and months: the longest measurement here takes minutes",
)
"""No kit can measure it."""


class Reason(msgspec.Struct, kw_only=True):
    """One need, or one merit, of one server."""

    about: str
    text: str
    kind: demands.Kind | None = None
    """Of a need: whether it is met."""
    value: float | None = None
    """Of a merit, less is better; the side that promises less."""
    sides: tuple[float, float | None] | None = None
    factor: float | None = None
    """Of a merit: how many times the least of all servers that are listed."""


class Choice(msgspec.Struct, kw_only=True):
    """A server, as far as the needs go."""

    column: str
    title: str
    language: str
    kind: demands.Kind
    place: int | None = None
    """1 for the first and for all that are tied with it; ``None`` for who is not enough, and where
    a merit that counts was not measured."""
    tied: bool = False
    """Whether another one has the same place."""
    needs: list[Reason]
    merits: list[Reason]
    wins: float = 0.0
    """Share of all weightings of the merits in which it comes first, of those of the first kind."""


class RuleApplied(msgspec.Struct, kw_only=True):
    """A rule of an article that speaks of these needs."""

    id: str
    says: str
    picks: str
    verdict: VerdictKind
    text: str
    agrees: bool | None
    """Whether a server that it names comes first here; ``None`` where none was measured."""


class Decision(msgspec.Struct, kw_only=True):
    run: str
    needs: Needs
    weights: dict[str, float]
    """Merit -> its share."""
    choices: list[Choice]
    """Those that are enough first, each kind in its order."""
    left_out: list[str]
    """Columns in languages that were not asked for."""
    in_any_language: list[str]
    """Who would come first if no language was asked for."""
    rules: list[RuleApplied]
    not_known: list[str]
    network_gbit_per_s: float | None = None
    """What the deliveries take of a network, on top of the loopback that was measured; ``None``
    where the run has no size of a frame."""

    @property
    def first(self) -> list[Choice]:
        """Who comes first of those that are enough, or else of those that are if they scale:
        several, where they are tied; nobody, where there is neither.
        """
        return _first(self.choices)


def decide(matrix: Matrix, needs: Needs) -> Decision:
    """Raises UsageError for languages and merits that there are not, and for a run without a
    measured server.
    """
    weights = merits.asked(needs)
    everyone = all_facts(matrix)
    if not everyone:
        raise UsageError(f"{matrix.run.id} has no measured server", hint="Measure some first.")
    _check_languages(matrix, needs)
    listed = [one for one in everyone if _is_asked(one, needs)]
    choices = _ranked(listed, needs, weights)
    of_all = choices if len(listed) == len(everyone) else _ranked(everyone, needs, weights)
    return Decision(
        run=matrix.run.id,
        needs=needs,
        weights=weights,
        choices=choices,
        left_out=[one.column.id for one in everyone if one not in listed],
        in_any_language=[one.column for one in _first(of_all)],
        rules=_rules(matrix, needs, choices),
        not_known=[*NOT_KNOWN, *_unmeasured(needs)],
        network_gbit_per_s=network_gbit_per_s(matrix, needs.deliveries_per_s),
    )


def _eligible(choices: Sequence[Choice]) -> list[Choice]:
    kinds = {one.kind for one in choices}
    best = next((kind for kind in ("enough", "if_it_scales") if kind in kinds), None)
    return [one for one in choices if one.kind == best]


def _first(choices: Sequence[Choice]) -> list[Choice]:
    return [one for one in _eligible(choices) if one.place == 1]


def _ranked(listed: Sequence[Facts], needs: Needs, weights: Mapping[str, float]) -> list[Choice]:
    found = {one.column.id: merits.merits_of(one, needs, weights) for one in listed}
    choices = [_choice(one, needs, found) for one in listed]
    _place(choices, found, weights)
    _weigh(choices, found, list(weights))
    return sorted(
        choices, key=lambda one: (demands.ORDER.index(one.kind), one.place or len(choices) + 1)
    )


def _check_languages(matrix: Matrix, needs: Needs) -> None:
    """Those of the run, measured or not, and of the presets are known."""
    named = [one.language for one in matrix.columns]
    named += [language for preset in presets().values() for language in preset.needs.languages]
    known = {language.lower(): language for language in named}
    for language in needs.languages:
        if language.lower() not in known:
            raise UsageError(
                f"no server is written in {language!r}",
                hint=f"There are: {', '.join(sorted(known.values()))}.",
            )


def _is_asked(facts: Facts, needs: Needs) -> bool:
    return not needs.languages or facts.column.language.lower() in map(str.lower, needs.languages)


def _choice(facts: Facts, needs: Needs, found: Mapping[str, Mapping[str, Merit]]) -> Choice:
    seen = demands.findings(facts, needs)
    return Choice(
        column=facts.column.id,
        title=facts.column.title,
        language=facts.column.language,
        kind=demands.worst(seen),
        needs=[Reason(about=one.need, text=one.text, kind=one.kind) for one in seen],
        merits=_merit_reasons(facts.column.id, found),
    )


def _merit_reasons(column: str, found: Mapping[str, Mapping[str, Merit]]) -> list[Reason]:
    reasons = []
    for name, merit in found[column].items():
        least = min(other[name].value for other in found.values() if name in other)
        of = "" if merit.column == column else f" (as {merit.column})"
        reasons.append(
            Reason(
                about=name,
                text=f"{number(merit.value)} {MEASURES[name].unit}{of}",
                value=merit.value,
                sides=merit.sides.pair,
                factor=merit.value / least if least > 0 else None,
            )
        )
    return reasons


def _place(
    choices: Sequence[Choice],
    found: Mapping[str, Mapping[str, Merit]],
    weights: Mapping[str, float],
) -> None:
    """Numbered once for all kinds: nobody stands before one that does more of what has to hold. Who
    is not enough has no place.
    """
    before = 0
    for kind in demands.ORDER[:-1]:
        mine = [one for one in choices if one.kind == kind]
        costs = {one.column: order.cost(found[one.column], weights) for one in mine}
        known = {column: cost for column, cost in costs.items() if cost is not None}
        placed = {column: before + place for column, place in order.places(known).items()}
        before += len(placed)
        for one in mine:
            one.place = placed.get(one.column)
            one.tied = one.place is not None and list(placed.values()).count(one.place) > 1


def _weigh(
    choices: Sequence[Choice], found: Mapping[str, Mapping[str, Merit]], names: Sequence[str]
) -> None:
    shares = order.wins({one.column: found[one.column] for one in _eligible(choices)}, names)
    for one in choices:
        one.wins = shares.get(one.column, 0.0)


def _rules(matrix: Matrix, needs: Needs, choices: Sequence[Choice]) -> list[RuleApplied]:
    servers = {one.id: one.published for one in matrix.columns}
    known = {servers[one.column] for one in choices}
    first = {servers[one.column] for one in _first(choices)}
    return [
        RuleApplied(
            id=rule.id,
            says=rule.says,
            picks=rule.picks,
            verdict=rule.verdict.kind,
            text=rule.verdict.text,
            agrees=rule.picks in first if rule.picks in known else None,
        )
        for rule in rules(matrix, needs)
    ]


def _unmeasured(needs: Needs) -> list[str]:
    found = []
    if needs.nodes > 1:
        found.append("what two nodes carry on machines of their own: here they share the cores")
    if needs.rest:
        found.append("HTTP requests beside the chat: no metric has them")
    if needs.integrations:
        found.append("which of your services have a library in which language")
    return found
