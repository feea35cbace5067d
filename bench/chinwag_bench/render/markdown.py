"""The matrix as GitHub-flavoured Markdown, with footnotes for limits and reasons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chinwag_bench.judging.matrix import Cell, Matrix, Row
from chinwag_bench.numbers import number
from chinwag_bench.records import Column
from chinwag_bench.render import claims, glance, headline, kernel, loads, text
from chinwag_bench.render import notes as words

SPECIAL = str.maketrans({"|": "\\|", "<": "&lt;", ">": "&gt;", "*": "\\*", "_": "\\_", "`": "\\`"})


class Footnotes:
    """Numbers each distinct note once, in the order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, notes: Iterable[str]) -> str:
        """The references to these notes."""
        return "".join(
            f"[^{self._numbers.setdefault(note, len(self._numbers) + 1)}]"
            for note in dict.fromkeys(notes)
        )

    def lines(self) -> list[str]:
        """The notes themselves."""
        return [f"[^{number}]: {escape(note)}" for note, number in self._numbers.items()]


def escape(value: object) -> str:
    """Text that Markdown takes literally, on one line."""
    return " ".join(str(value).split()).translate(SPECIAL)


def table(head: Sequence[str], body: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """A table; the first ``left`` columns are aligned left, all others right."""
    rule = [":--" if index < left else "--:" for index in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in [head, rule, *body]]


def short_table(matrix: Matrix) -> list[str]:
    """Servers down, the main rows across, and by how much one server differs from itself."""
    index = text.Index(matrix)
    heads = glance.heads(matrix)
    titles = [f"{head.title}<br>{escape(head.unit)}" for head in heads]
    body = [
        [escape(column.title), *(_short(index, head.row, column.id) for head in heads)]
        for column in glance.in_order(matrix)
    ]
    noise = [_noise(matrix, index, head.row) for head in heads]
    if any(noise):
        body.append(["*told apart above*<br>*noise: one server twice*", *noise])
    return table(["server", *titles], body)


def _short(index: text.Index, row: str, column: str) -> str:
    cell = index.cell(row, column)
    if cell is None:
        return "-"
    value = escape(text.measured(cell))
    shown = (f"**{value}**" if cell.tie_with_best else value) + index.mark(cell)
    place = index.place(cell)
    below = [place if place == text.NOT_TOLD_APART else "", text.rounds_of(cell)]
    return "<br>".join([shown, *(one for one in below if one)])


def _noise(matrix: Matrix, index: text.Index, row: str) -> str:
    if not text.ranks(matrix, index.row(row)):
        return "ranks nobody"
    return "<br>".join(one for one in (text.apart(matrix, row), text.noise(matrix, row)) if one)


def document(matrix: Matrix) -> str:
    """The whole of matrix.md."""
    index, notes = text.Index(matrix), Footnotes()
    lines = [
        f"# {escape(headline.headline(matrix))}",
        "",
        *(f"- {name}: {escape(sentence)}" for name, sentence in headline.facts(matrix)),
        "",
        f"{escape(text.machine(matrix))}; {text.date(matrix.run.started_at)}; profile "
        f"{escape(matrix.run.profile)}; seed {matrix.run.seed}. {escape(text.coverage(matrix))}",
    ]
    lines += [f"\n> {escape(note)}" for note in matrix.run.notes]
    for group, rows in index.groups().items():
        head = ["", *(escape(column.id) for column in matrix.columns)]
        body = [_row(index, row, matrix.columns, notes) for row in rows]
        load = loads.of_group(matrix, group)
        said = [f"{escape(load)}.", ""] if load else []
        lines += ["", f"## {escape(group)}", "", *said, *table(head, body)]
    near = f"{escape(text.near_ceiling(matrix))} " if matrix.near_ceiling else ""
    lines += [
        "",
        "p99: 99 of 100 deliveries arrive sooner. Bold: the best, and who is not told from it. "
        "2.7x: the nearest rounds of the best are so many times better. Told apart above: who is "
        "beaten has all rounds further from the other's than this. `>=`: the load generator or "
        "the run's time ended first. Two numbers: the value lies between them. Noise: one server "
        f"measured twice, the second over the first. {near}A, B: what the articles publish. "
        + ", ".join(
            f"{sign} {claims.LABELS[kind]}"
            for kind, sign in claims.SIGNS.items()
            if sign != claims.NO_SIGN
        )
        + ".",
    ]
    lines += _kernel(matrix) + _columns(matrix.columns) + _claims(matrix) + _checks(matrix)
    return "\n".join([*lines, "", *notes.lines()]).rstrip() + "\n"


def _kernel(matrix: Matrix) -> list[str]:
    known = kernel.lines(matrix)
    if not known:
        return []
    costs = "; ".join(f"{number(one.value)} us, {one.remark}" for one in known)
    return ["", f"CPU time that the kernel alone takes for a delivery, with no server: {costs}."]


def _row(index: text.Index, row: Row, columns: Sequence[Column], notes: Footnotes) -> list[str]:
    title = escape(text.row_title(row)) + notes.mark([row.definition])
    matrix, noise = index.matrix, text.noise(index.matrix, row.id)
    if rounds := text.rounds(matrix, row.id):
        title += f"<br>{rounds}"
    if noise and row.better != "none":
        rank = "" if text.ranks(matrix, row) else ", ranks nobody"
        title += f"<br>noise {noise}{rank}"
    if apart := text.apart(matrix, row.id):
        title += f"<br>told apart above {apart}"
    if index.is_open(row.id):
        title += f"<br>{text.OPEN_ROW}"
    return [title, *(_cell(index, index.cell(row.id, column.id), notes) for column in columns)]


def _cell(index: text.Index, cell: Cell | None, notes: Footnotes) -> str:
    if cell is None:
        return ""
    shown = escape(text.measured(cell))
    if cell.tie_with_best:
        shown = f"**{shown}**"
    shown += index.mark(cell)
    if not cell.tie_with_best and (place := index.place(cell)):
        shown += f"<br>{escape(place)}"
    if text.interval(cell):
        shown += f"<br>{text.interval(cell)}"
    remarks = [*([cell.reason] if cell.reason else []), *cell.notes]
    shown += notes.mark(words.sentence(remark) for remark in remarks)
    for figure in cell.published:
        if figure.verdict is not None:
            sign = claims.SIGNS[figure.verdict.kind]
            quote = escape(text.quoted(figure))
            shown += f"<br>{figure.article}: {quote} {sign}{notes.mark([figure.verdict.text])}"
    return shown


def _columns(columns: Sequence[Column]) -> list[str]:
    body = [
        [
            escape(column.id),
            escape(column.title),
            escape(", ".join(f"{name} {version}" for name, version in column.versions.items())),
            escape("; ".join([column.reason or column.status, *column.caveats])),
        ]
        for column in columns
    ]
    return ["", "## Columns", "", *table(["id", "server", "versions", "remarks"], body, left=4)]


def _claims(matrix: Matrix) -> list[str]:
    body = [
        [
            f"{claim.article} {claims.lines(claim)}",
            escape(claim.statement),
            claims.LABELS[kind] + (f"; {claims.BY_MEDIANS}" if claim.verdict.within_noise else ""),
            escape(claim.verdict.text),
        ]
        for kind, found in claims.grouped(matrix).items()
        if kind != "no_claim"
        for claim in found
    ]
    head = ["article, lines", "statement", "verdict", "why"]
    return ["", "## What the articles state", "", *table(head, body, left=4)]


def _checks(matrix: Matrix) -> list[str]:
    lines = [
        f"- {'ok' if check['ok'] else '**failed**'}: {escape(check['name'])}: "
        f"{escape(check['text'])}"
        for check in matrix.checks
    ]
    return ["", "## Checks", "", *lines] if lines else []
