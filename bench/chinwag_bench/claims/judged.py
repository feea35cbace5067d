"""Every statement of the articles with its verdict in a run, and the figures beside its cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from chinwag_bench.claims import expression
from chinwag_bench.claims.catalog import Catalog, Statement, check_rows, load, uses_of
from chinwag_bench.claims.values import RunValues
from chinwag_bench.claims.verdict import Judge
from chinwag_bench.judging.matrix import Cell, Claim, Published, Ramp, RatePoint, Verdict
from chinwag_bench.records import Column, Json

APART = "Measured apart, by `chinwag claims --run`."


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
    aa: Json | None = None,
) -> Judge:
    """For the values of one run; without any, what arithmetic alone says. ``aa``: by how much one
    server differs from itself in each row, as ``Matrix.aa`` has it.
    """
    known = aa or {}
    again = {pair["column"]: pair["again"] for pair in known.get("pairs", ())}
    return Judge(
        RunValues(catalog, cells, rate_points, ramps),
        RunValues(
            catalog,
            cells,
            rate_points,
            ramps,
            of_rounds=True,
            itself=known.get("range", {}),
            again=again,
        ),
    )


def all_claims(judge: Judge, experiments: Judge | None = None) -> list[Claim]:
    """In the order of the articles. ``experiments`` has the values of a run that puts single
    statements to the test: it judges those that the other one can't, each by its values alone.
    """
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
            measured_unit=claim.measured_unit or _unit_of_cell(claim, judge, experiments),
            verdict=_verdict(claim, judge, experiments),
        )
        for claim in judge.values.catalog.claim
    ]


def _unit_of_cell(claim: Statement, judge: Judge, experiments: Judge | None) -> str:
    """Of a figure without a unit that is tested by one cell: the cell's. Empty elsewhere."""
    place = None if claim.unit or not claim.test else expression.only_cell_left(claim.test)
    if place is None:
        return ""
    runs = [judge] if experiments is None else [judge, experiments]
    cells = [one.values.found(*place) for one in runs]
    return next((cell.unit for cell in cells if cell is not None), "")


def _verdict(claim: Statement, judge: Judge, experiments: Judge | None) -> Verdict:
    verdict = judge.verdict(claim)
    if experiments is None:
        return verdict
    columns = {use.column for use in uses_of(claim) if use.column}
    if verdict.kind != "untested" and columns <= judge.values.columns:
        return verdict
    apart = experiments.verdict(claim)
    if apart.kind == "untested" or not columns <= experiments.values.columns:
        return verdict
    apart.text += f" {APART}"
    return apart


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
