"""Reads claims.toml: both articles, what they say of their set-up, and every statement."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from chinwag_bench.claims.expression import (
    FACT,
    MEASURED,
    SAID,
    ExpressionError,
    Use,
    is_comparison,
    only_cell,
    uses,
)
from chinwag_bench.claims.quote import Range, parse_range
from chinwag_bench.claims.template import names
from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.errors import HostError, UsageError

CLAIMS_TOML = Path(__file__).with_name("claims.toml")

Kind = Literal[
    "figure", "relation", "rule", "tip", "case", "listing", "opinion", "no_claim", "setup"
]
WITHOUT_MEASUREMENT = ("opinion", "no_claim", "setup")


class _Part(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a file may say; anything else is an error."""


class Article(_Part, kw_only=True, frozen=True):
    title: str
    lines: int
    """Of its text."""
    shared: list[int] = []
    """Lines that several statements cover: one line may say many things."""
    stacks: dict[str, str] = {}
    """The versions that it measured, by server."""


class Fact(_Part, kw_only=True, frozen=True):
    """A number that follows from reading: of a set-up, a listing, or a public source."""

    value: float
    says: str
    article: str = ""
    lines: list[int] = []
    source: str = ""
    """Where it stands, if not in an article."""


class ArticleRow(_Part, kw_only=True, frozen=True):
    """A row of the matrix that has figures of the articles until something measures it."""

    title: str
    definition: str
    unit: str = ""


class OtherRow(_Part, kw_only=True, frozen=True):
    """Of a row beside which another one may be meant, too: the wording of a statement chooses."""

    row: str
    """The other one."""
    means: str
    """What the first one is of, in words that follow "memory"."""


class When(_Part, kw_only=True, frozen=True):
    """Needs of which a rule speaks: all that are given have to be there."""

    connections_over: float | None = None
    connections_under: float | None = None
    messages_over: float | None = None
    """A second, of all clients."""
    nodes_over: int | None = None
    p99_under_ms: float | None = None
    memory_per_10k_under: float | None = None
    """MB."""
    team_up_to: int | None = None
    weeks_under: int | None = None
    languages: list[str] = []
    """One of them is the team's."""
    upgrades: bool = False
    recovery: bool = False
    prototype: bool = False
    integrations: bool = False
    rest: bool = False


class Statement(_Part, kw_only=True, frozen=True):
    """One statement of an article."""

    id: str
    lines: list[tuple[int, int]]
    """From and to, in the article's own count."""
    says: str
    """In our words, with its figures."""
    kind: Kind
    published: float | str | None = None
    """The figure as quoted."""
    unit: str = ""
    measured_unit: str = ""
    """Of the readings, where that is another than the figure's."""
    readings: list[str] = []
    """What is set against ``published``: a cell, in whose place the figure then stands, too, or an
    expression. Where several may be meant, the kindest that was measured counts."""
    per: float = 1.0
    """By what a quoted number is multiplied to have the readings' unit."""
    measured_per: float = 1.0
    """By what readings are divided to stand beside the figure in ``measured_unit``."""
    test: str = ""
    """A comparison that is true where the statement holds."""
    sum: str = ""
    """A comparison of the articles' own numbers; where it is false, the statement is impossible."""
    works: str = ""
    """A comparison of facts about code that an article prints; where it is false, the code does not
    do what is said of it."""
    remark: str = ""
    """Name of a sentence of ``[remarks]`` that several verdicts end with."""
    because: str = ""
    """What the verdict says besides, with computed numbers between braces."""
    kinder: str = ""
    """Said beside an impossible sum: under what reading it would be possible."""
    needs: str = ""
    """What machine it takes where this one's limits end the answer."""
    projection: str = ""
    """An expression for what that machine would show."""
    inverse: str = ""
    """A sentence that says at what load this machine shows the figure."""
    source: Literal["given", "none"] = "given"
    """Whether an article says where a figure of others comes from."""
    untested: str = ""
    """The experiment that would answer it."""
    picks: Literal["", "elixir", "go", "rust", "node"] = ""
    """Of a rule: the server that it names."""
    when: list[When] = []
    """For which needs: one of them is enough."""

    @property
    def article(self) -> str:
        """Its letter."""
        return self.id[0]

    @property
    def item(self) -> str:
        """The statement that this is a part of: figures of several servers are one."""
        return self.id.partition(".")[0]

    @property
    def expressions(self) -> list[str]:
        """All but those within sentences."""
        parts = (*self.readings, self.test, self.sum, self.works, self.projection)
        return [part for part in parts if part]

    @property
    def expected(self) -> Range | None:
        """The published range in the readings' unit."""
        found = None if self.published is None else parse_range(self.published)
        if found is None:
            return None
        return Range(found.low * self.per, found.high * self.per)


class CaseLine(_Part, kw_only=True, frozen=True):
    """What a case study tells, or could have told, of before and after."""

    what: str
    unit: str = ""
    told: tuple[str, str] = ("", "")
    """The article's figures; empty where it has none."""
    measured: tuple[str, str]
    """An expression for each side; empty where there is none."""


class Case(_Part, kw_only=True, frozen=True):
    """A case study as a scenario: the two sides that it compares, and what is measured of both."""

    id: str
    lines: tuple[int, int]
    title: str
    before: str
    after: str
    """What stands for each side here."""
    note: str = ""
    line: list[CaseLine]


class Catalog(_Part, kw_only=True, frozen=True):
    articles: dict[str, Article]
    columns: list[str]
    """The columns that expressions may name."""
    facts: dict[str, Fact]
    remarks: dict[str, str] = {}
    rows: dict[str, ArticleRow] = {}
    other_rows: dict[str, OtherRow] = {}
    """By the row that a statement is read by."""
    claim: list[Statement]
    case: list[Case] = []

    def fact(self, name: str) -> float:
        """A fact's number."""
        return self.facts[name].value


def read(path: Path) -> Catalog:
    """The file, checked by itself. Raises UsageError, ExpressionError, or HostError without it."""
    try:
        catalog = msgspec.toml.decode(path.read_bytes(), type=Catalog)
    except OSError as error:
        hint = "It is part of the kit: check out the project again."
        raise HostError(f"{path}: {error.strerror}", hint=hint) from error
    except UNDECODABLE as error:
        raise UsageError(f"{path}: {error}") from error
    problems = list(_problems(catalog))
    if problems:
        raise UsageError(f"{path}: {problems[0]}", detail="\n".join(problems[1:]) or None)
    return catalog


@cache
def load() -> Catalog:
    """The project's own."""
    return read(CLAIMS_TOML)


def check_rows(catalog: Catalog, rows: frozenset[str]) -> None:
    """Raises ExpressionError where a statement or a case names a row that no matrix has."""
    used = [(claim.id, use) for claim in catalog.claim for use in uses_of(claim)]
    used += [(f"case {case.id}", use) for case in catalog.case for use in uses_of_case(case)]
    others = {name for row, other in catalog.other_rows.items() for name in (row, other.row)}
    used += [("other_rows", Use("cell", row)) for row in sorted(others)]
    for where, use in used:
        if use.kind == "cell" and use.name not in rows:
            raise ExpressionError(
                f"{where}: there is no row {use.name!r}",
                hint=f"The rows are: {', '.join(sorted(rows))}.",
            )


def _problems(catalog: Catalog) -> list[str]:
    found = []
    ids = [claim.id for claim in catalog.claim]
    found += [f"{id_}: another statement has this id" for id_ in ids if ids.count(id_) > 1]
    for claim in catalog.claim:
        try:
            found += _problems_of(claim, catalog)
        except ExpressionError as error:
            found.append(f"{claim.id}: {error.message}")
    for case in catalog.case:
        try:
            problems = [_unknown(use, catalog) for use in uses_of_case(case)]
        except ExpressionError as error:
            problems = [error.message]
        if case.id[:1] not in catalog.articles:
            problems.append(f"there is no article {case.id[:1]!r}")
        found += [f"case {case.id}: {problem}" for problem in problems if problem]
    return found


def _problems_of(claim: Statement, catalog: Catalog) -> list[str]:
    found = [_unknown(use, catalog) for use in uses_of(claim)]
    if claim.article not in catalog.articles:
        found.append(f"there is no article {claim.article!r}")
    if claim.remark and claim.remark not in catalog.remarks:
        found.append(f"there is no remark {claim.remark!r}")
    if any(not is_comparison(text) for text in _comparisons(claim)):
        found.append("`test`, `sum` and `works` are comparisons")
    if any(is_comparison(text) for text in (*claim.readings, claim.projection) if text):
        found.append("`readings` and `projection` are numbers")
    sums = [text for text in (claim.sum, claim.works) if text]
    if any(use.kind in MEASURED for text in sums for use in uses(text)):
        found.append("`sum` and `works` are of the articles' own numbers")
    if bool(claim.picks) != bool(claim.when):
        found.append("`picks` says who, `when` for which needs: it takes both")
    if claim.readings and claim.published is None:
        found.append("`readings` need a `published` figure")
    if claim.readings and claim.expected is None and any(map(only_cell, claim.readings)) is False:
        found.append("`published` is no number")
    judged = claim.readings or claim.test or claim.sum or claim.works
    silent = claim.kind in WITHOUT_MEASUREMENT or claim.source == "none"
    if not claim.untested and not judged and not silent:
        found.append("nothing answers it: say in `untested` what would")
    if not claim.untested and (claim.readings or claim.test):
        found.append("say in `untested` what answers it in a run that lacks the values")
    return [f"{claim.id}: {problem}" for problem in found if problem]


def _comparisons(claim: Statement) -> list[str]:
    return [text for text in (claim.test, claim.sum, claim.works) if text]


def uses_of(claim: Statement) -> list[Use]:
    """Every name in its expressions and sentences."""
    found = [use for text in claim.expressions for use in uses(text)]
    for template in (claim.because, claim.kinder, claim.inverse, claim.needs):
        found += names(template)
    return found


def uses_of_case(case: Case) -> list[Use]:
    """Every name in the expressions of its sides."""
    sides = [text for line in case.line for text in line.measured if text]
    return [use for text in sides for use in uses(text)]


def _unknown(use: Use, catalog: Catalog) -> str:
    if use.kind in MEASURED and use.column not in catalog.columns:
        return f"{use.name}[{use.column}]: `columns` has no {use.column!r}"
    if use.kind == FACT and use.name not in catalog.facts:
        return f"there is no fact {use.name!r}"
    if use.kind == SAID:
        stated = next((one for one in catalog.claim if one.id == use.name), None)
        if stated is None or stated.expected is None:
            return f"no statement {use.name!r} has a number"
    return ""
