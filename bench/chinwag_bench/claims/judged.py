"""Every statement of the articles with its verdict in a run, and the figures beside its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from chinwag_bench.claims import expression
from chinwag_bench.claims.catalog import Catalog, Statement, check_rows, load
from chinwag_bench.claims.values import RunValues
from chinwag_bench.claims.verdict import Judge
from chinwag_bench.judging.matrix import Cell, Claim, Published, Ramp, RatePoint
from chinwag_bench.records import Column


@cache
def known(rows: frozenset[str]) -> Catalog:
    """The statements, for a matrix of these rows. Raises ExpressionError where one names another
    row, or anything else that there is not.
    """
    catalog = load()
    check_rows(catalog, rows)
    return catalog


def judge_of(
    catalog: Catalog,
    cells: Sequence[Cell] = (),
    rate_points: Sequence[RatePoint] = (),
    ramps: Sequence[Ramp] = (),
    itself: Mapping[str, Sequence[float]] | None = None,
) -> Judge:
    """For the values of one run; without any, what arithmetic alone says. ``itself``: by how much
    one server differs from itself in a row, as in ``Matrix.aa``.
    """
    return Judge(
        RunValues(catalog, cells, rate_points, ramps),
        RunValues(catalog, cells, rate_points, ramps, of_rounds=True, itself=itself or {}),
    )


def all_claims(judge: Judge) -> list[Claim]:
    """In the order of the articles."""
    return [
        Claim(
            id=claim.id,
            article=claim.article,
            item=claim.item,
            lines=claim.lines,
            statement=claim.says,
            kind=claim.kind,
            published=claim.published,
            unit=claim.unit,
            verdict=judge.verdict(claim),
        )
        for claim in judge.values.catalog.claim
    ]


def placed(catalog: Catalog) -> dict[tuple[str, str], list[tuple[Statement, str]]]:
    """(row, column) -> the statements whose figure stands beside that cell, with the reading."""
    found: dict[tuple[str, str], list[tuple[Statement, str]]] = {}
    for claim in catalog.claim:
        for reading in claim.readings:
            place = expression.only_cell(reading)
            if place is not None and claim.published is not None:
                found.setdefault(place, []).append((claim, reading))
    return found


def placed_in(catalog: Catalog, columns: Sequence[Column]) -> set[tuple[str, str]]:
    """The (row, column) of a run beside which a figure stands: of servers that the articles have,
    and of the first measurement of each.
    """
    theirs = {one.id for one in columns if one.published is not None and one.aa_of is None}
    return {(row, column) for row, column in placed(catalog) if column in theirs}


def place_figures(judge: Judge, cells: Sequence[Cell], columns: Sequence[Column]) -> None:
    """Puts what the articles state beside each cell, with the verdict by that cell."""
    places = placed(judge.values.catalog)
    theirs = placed_in(judge.values.catalog, columns)
    for cell in cells:
        place = (cell.row, cell.column)
        for claim, reading in places[place] if place in theirs else ():
            assert claim.published is not None
            cell.published.append(
                Published(
                    article=claim.article,
                    value=claim.published,
                    unit=claim.unit,
                    where=claim.id,
                    verdict=judge.reading(claim, reading),
                )
            )
        cell.verdict = cell.published[0].verdict if cell.published else None
