"""The first sentences of every rendering, computed from the matrix."""

from __future__ import annotations

from chinwag_bench.claims.catalog import load as articles
from chinwag_bench.judging.matrix import Cell, Claim, Matrix
from chinwag_bench.numbers import number, short
from chinwag_bench.render import claims, loads, text
from chinwag_bench.render.languages import PROMPT_ROW
from chinwag_bench.render.text import measured
from chinwag_bench.text import listed

LEADING_ROW = "throughput_deliveries"
PROMPT_MS = 10
DISTURBED_SHARE_MAX = 0.2
TOLD_APART_MAX = 3
"""More servers than that are counted or only named."""
NAMED_REVERSED_MAX = 2
ABOVE_PLOT = ("Caution", "Load")
"""The facts without which the page's first plot can't be read; the others stand below it."""
OWN_SERVER = "chinwagd"
"""A reader has to know who wrote both the server and what measures it."""
_OWN = "this kit's own"
_CORES = {1: "one core", 2: "two cores", 4: "four cores", 8: "eight cores"}


def headline(matrix: Matrix) -> str:
    """Who delivers the most, by how much, and whether that is certain."""
    cells = _competing(matrix, LEADING_ROW)
    if not cells:
        return "No server kept up any rate in this run"
    if LEADING_ROW in matrix.aa["unranked"]:
        return "Nobody is ranked by throughput: one server measured twice differed more than twice"
    if undecided := _undecided(matrix, cells):
        return f"{_where(matrix)}{undecided}"
    best = [cell for cell in cells if cell.tie_with_best]
    amounts = listed([f"{cell.column} ({_amount(cell)} deliveries/s)" for cell in best])
    if len(best) != 1:
        return f"{_where(matrix)}{amounts} deliver the most and are not told apart"
    first = best[0]
    lead = f"{_named(first)} delivers the most"
    if beside := _beside(matrix, first, cells):
        lead = f"{beside}; {first.column} showed the most"
    rest = _ahead_of(first, [cell for cell in cells if cell is not first])
    median = "a median of " if first.rounds > 1 else ""
    return f"{_where(matrix)}{lead}: {median}{_amount(first)} deliveries/s{rest}"


def promptness(matrix: Matrix) -> str:
    """Who delivers the most while answers come at once; empty where no rate is known for that."""
    competing = _competing(matrix, PROMPT_ROW)
    start = f"With a p99 up to {PROMPT_MS} ms, "
    if undecided := _undecided(matrix, competing):
        return f"{start}{undecided}."
    cells = [cell for cell in competing if cell.tie_with_best]
    if not cells:
        return ""
    if len(cells) == 1:
        first = cells[0]
        lead = f"{first.column} carries the most"
        if beside := _beside(matrix, first, competing):
            lead = f"{beside}; {first.column} showed the most"
        rounds = f" ({found})" if (found := text.rounds_of(first)) else ""
        return f"{start}{lead}: {_amount(first)} deliveries/s{rounds}."
    index = text.Index(matrix)
    cells += [cell for cell in competing if index.is_undecided(cell)]
    limit = text.apart(matrix, PROMPT_ROW)
    why = f": their rounds overlap, or are within the noise ({limit})" if limit else ""
    if len(cells) <= TOLD_APART_MAX:
        amounts = listed([_with_rounds(one) for one in cells])
        return f"{start}{amounts} deliveries/s are not told apart{why}."
    shown = f"{cells[0].column} ({_amount(cells[0])} deliveries/s)"
    return f"{start}{listed([shown, *(one.column for one in cells[1:])])} are not told apart{why}."


def _with_rounds(cell: Cell) -> str:
    """With the range of its rounds, which is what decides whether two are told apart."""
    low, high = cell.interval or (None, None)
    if low is None:
        return f"{cell.column} ({_amount(cell)})"
    to = "or more" if high is None else f"to {number(high)}"
    return f"{cell.column} (rounds of {number(low)} {to})"


def versions(matrix: Matrix) -> str:
    """The runtimes that were measured in another version than article A names; empty where none
    was.
    """
    stacks = articles().articles["A"].stacks
    found = []
    for column in matrix.columns:
        stack = stacks.get(column.published or "")
        name, _, there = (stack or "").partition(",")[0].partition(" ")
        shown = column.versions.get(name.lower()) or column.versions.get(f"{name.lower()}c", "")
        here = shown.removeprefix(name.lower())
        is_other = bool(there and here) and not f"{here}.".startswith(f"{there}.")
        if is_other and column.id == column.server:
            found.append(f"{name} {here}, not {there}")
    return f" Measured in {listed(found)}." if found else ""


def facts(matrix: Matrix, *, counts_follow: bool = False) -> list[tuple[str, str]]:
    """What stands below the headline: (name, sentence). ``counts_follow``: how many statements have
    which verdict is told elsewhere.
    """
    found = [
        ("Caution", caution(matrix)),
        ("Load", loads.leading(matrix)),
        ("Fast answers", promptness(matrix)),
        ("Other loads", loads.others(matrix)),
        ("How sure", sureness(matrix)),
        ("Articles", tally_sentence(matrix, counts_follow=counts_follow)),
        ("Reversed", reversed_sentence(matrix)),
        ("Impossible", impossible_sentence(matrix)),
    ]
    return [(name, sentence) for name, sentence in found if sentence]


def caution(matrix: Matrix) -> str:
    """Why nothing of this run is for quoting, and what is still to come; empty for a good run."""
    parts = []
    if matrix.run.finished_at is None:
        parts.append("This run is not finished: more cells are to come.")
    if disturbed := _disturbed_share(matrix):
        parts.append(
            f"Something else ran on this machine in {disturbed:.0%} of the throughput's rounds, "
            "and nothing quieter came: figures are not for quoting."
        )
    caveats = matrix.run.plan.get("caveats", [])
    if caveats:
        parts.append(f"Figures are not for quoting: {'; '.join(caveats)}.")
    return " ".join(parts)


def _disturbed_share(matrix: Matrix) -> float:
    """Of the leading row's rounds, as far as it is worth a word."""
    cells = _competing(matrix, LEADING_ROW)
    kept = sum(
        note.code == "disturbed" and bool(note.args["kept"])
        for cell in cells
        for note in cell.notes
    )
    rounds = sum(cell.rounds for cell in cells)
    share = kept / rounds if rounds else 0.0
    return min(share, 1.0) if share > DISTURBED_SHARE_MAX else 0.0


def sureness(matrix: Matrix) -> str:
    """How many rounds, what one server measured twice differs by, and whether all checks passed."""
    leading = [cell.rounds for cell in matrix.cells if cell.row == LEADING_ROW]
    rounds = max(leading or [cell.rounds for cell in matrix.cells], default=0)
    parts = [f"{rounds} rounds."]
    if rounds <= 1:
        parts = ["One round, which shows no noise: less than 10 % counts as no difference."]
    elif furthest := _furthest_rounds(matrix):
        parts.append(furthest)
    noise = noise_sentence(matrix)
    parts += [noise] if noise else ["No server was measured twice, so the noise is not known."]
    if near := _near_ceiling(matrix):
        parts.append(near)
    failed = [check["name"] for check in matrix.checks if not check["ok"]]
    if failed:
        quoted = ", ".join(f'"{name}"' for name in failed)
        parts.append(f"Failed: the check{'s' if len(failed) > 1 else ''} {quoted}.")
    elif matrix.checks:
        parts.append(f"All {len(matrix.checks)} checks passed.")
    parts += [
        f"{check['share_read']:.0%} of deliveries were read, the others counted by length."
        for check in matrix.checks
        if check.get("share_read", 1.0) < 1
    ]
    has_own = any(column.server == OWN_SERVER for column in matrix.columns)
    if has_own and _OWN not in headline(matrix):
        parts.append(f"{OWN_SERVER} is {_OWN} server.")
    return " ".join(parts)


def _furthest_rounds(matrix: Matrix) -> str:
    """How far one server's rounds are apart at most: of the leading row, and of the prompt one."""
    leading, prompt = (_furthest(matrix, row) for row in (LEADING_ROW, PROMPT_ROW))
    if not leading:
        return ""
    beside = f", within {PROMPT_MS} ms by up to {prompt}" if prompt else ""
    return f"Rounds of one server are apart by up to {leading}{beside}."


def _furthest(matrix: Matrix, row: str) -> str:
    """ "1.8x (rust:tuned)"; empty where no server has several rounds with a value."""
    found = []
    for cell in _competing(matrix, row):
        low = min(cell.samples, default=0.0)
        if low and cell.rounds > 1:
            found.append((max(cell.samples) / low, cell.column))
    factor, column = max(found, default=(1.0, ""))
    return f"{short(factor)}x ({column})" if column else ""


def _near_ceiling(matrix: Matrix) -> str:
    """How many of the leading row's rates the load generator may have held back."""
    near = [one for one in matrix.near_ceiling if one.row == LEADING_ROW]
    if not near:
        return ""
    most = max(near, key=lambda one: one.share)
    who = "server" if len(near) == 1 else f"{len(near)} servers"
    return (
        f"The fastest {who} may do more ({text.NEAR_CEILING}): near the load generator's "
        f"calibration or beyond ({most.column} {most.share:.0%})."
    )


def _named(cell: Cell) -> str:
    return f"{cell.column} ({_OWN}, in C++)" if cell.column == OWN_SERVER else cell.column


def noise_sentence(matrix: Matrix) -> str:
    """By how much one server differs from itself in the leading rows; empty where none was measured
    twice.
    """
    rows = {"throughput": LEADING_ROW, "CPU": "common_cpu_per_delivery", "p99": "common_p99"}
    found = {name: text.noise(matrix, row).removesuffix(" x") for name, row in rows.items()}
    known = [f"{name} {range_}" for name, range_ in found.items() if range_]
    if not known:
        return ""
    twice = listed([pair["column"] for pair in matrix.aa["pairs"]])
    lost = [name for name, row in rows.items() if row in matrix.aa["unranked"]]
    rest = f"; {listed(lost)} can't be ranked in this run" if lost else ""
    return f"Noise: {twice}, measured twice: {listed(known)} times its own{rest}."


def _where(matrix: Matrix) -> str:
    cores = len(matrix.run.plan.get("server_cores", []))
    return f"On {_CORES.get(cores, f'{cores} cores')} " if cores else ""


def _amount(cell: Cell) -> str:
    return measured(cell).replace(">= ", "at least ")


def _ahead_of(first: Cell, others: list[Cell]) -> str:
    """The factors to the next one: that of the medians, and the one that is certain."""
    beaten = [cell for cell in others if cell.tie_with_best is False]
    if not beaten:
        return ""
    second = max(beaten, key=lambda cell: (cell.reach is None, cell.reach or 0.0))
    if second.behind is None:
        return f"; {second.column} is next, and how far behind is open"
    nearest = text.times(second.behind).removeprefix(">= ").removesuffix("x")
    if not first.low or not second.high:
        return f", at least {nearest} times {second.column}'s best round"
    medians = text.rounded_down(first.low / second.high)
    by_rounds = f"its worst round is {nearest} times {second.column}'s best"
    return f", {medians} times {second.column}; {by_rounds}"


def _undecided(matrix: Matrix, cells: list[Cell]) -> str:
    """Who showed most, who else may lead, in the run's order, and who of them was stopped; empty
    where it is known.
    """
    index = text.Index(matrix)
    found = [cell for cell in cells if index.is_undecided(cell)]
    if any(cell.tie_with_best for cell in cells) or not found:
        return ""
    order = [column.id for column in matrix.columns]
    found = sorted(found, key=lambda cell: order.index(cell.column))
    most = max(found, key=lambda cell: cell.value or 0.0)
    others = [cell for cell in found if cell is not most]
    shown = f"{_named(most)} showed the most, {_amount(most)} deliveries/s"
    if not most.is_open:
        return f"{shown}{_stopped_below(others)}"
    who = _others(others, TOLD_APART_MAX - 1)
    stopped = [cell.column for cell in found if cell.is_open]
    if stopped == [most.column]:
        is_ = "is" if len(others) == 1 else "are"
        rest = f"; {who} {is_} not told apart from that" if others else ""
        return f"{shown}, where its search was cut short{rest}"
    searches = f"the searches of {_servers(stopped)} were"
    return f"{shown}; whether {who} can do more is open: {searches} cut short"


def _stopped_below(others: list[Cell]) -> str:
    """Of those that may lead before one whose search was not cut short: who may do more for that
    reason, and who is only not told apart from it.
    """
    stopped = [cell for cell in others if cell.is_open]
    told = len(others) - len(stopped)
    who = _others(stopped, TOLD_APART_MAX)
    searches = "its search was" if len(stopped) == 1 else "their searches were"
    said = f"; whether {who} can do more is open: {searches} cut short" if stopped else ""
    is_ = "other is" if told == 1 else "others are"
    return said + (f"; {told} {is_} not told apart from it" if told else "")


def _others(cells: list[Cell], named_max: int) -> str:
    """Their names with what they showed; more than ``named_max`` are counted."""
    if len(cells) > named_max:
        return f"{len(cells)} others"
    return listed([f"{cell.column} ({_amount(cell)})" for cell in cells])


def _beside(matrix: Matrix, first: Cell, cells: list[Cell]) -> str:
    """That others are not told apart from the one that showed most and may do any more; empty where
    all are.
    """
    index = text.Index(matrix)
    found = [cell for cell in cells if index.is_undecided(cell)]
    if not found:
        return ""
    if len(found) + 1 > TOLD_APART_MAX:
        return f"{len(found) + 1} servers are not told apart"
    amounts = [f"{cell.column} ({_amount(cell)} deliveries/s)" for cell in found]
    return f"{listed([first.column, *amounts])} are not told apart"


def _servers(names: list[str]) -> str:
    return f"{len(names)} of them" if len(names) > TOLD_APART_MAX else listed(names)


def _competing(matrix: Matrix, row: str) -> list[Cell]:
    """Cells with a value, the highest first: of each server the variant that showed most. A second
    measurement doesn't compete.
    """
    servers = {column.id: column.server for column in matrix.columns if column.aa_of is None}
    cells = [
        cell
        for cell in matrix.cells
        if cell.row == row and cell.value is not None and cell.column in servers
    ]
    best: dict[str, Cell] = {}
    for cell in sorted(cells, key=lambda cell: cell.value or 0.0, reverse=True):
        best.setdefault(servers[cell.column], cell)
    return list(best.values())


def tally_sentence(matrix: Matrix, *, counts_follow: bool = False) -> str:
    """The tally of statements in words, with the articles' names; ``counts_follow``: in short."""
    if not any(cell.published for cell in matrix.cells):
        return "No published figure belongs to a server of this run."
    known = articles().articles
    names = " and ".join(f'"{article.title}" ({letter})' for letter, article in known.items())
    tally = claims.tally(matrix)
    counts = f"{tally['holds']} hold" if counts_follow else claims.counts(matrix)
    return f"Of {sum(tally.values())} statements in {names}: {counts}.{versions(matrix)}"


def reversed_sentence(matrix: Matrix) -> str:
    """The statements that what was measured contradicts most; empty where none is contradicted."""
    found = [
        f"{_quoted(claim)}, {_published(claim)}measured {claims.measured(claim)}"
        f"{_by(matrix, claim)}"
        for claim in claims.most_reversed(matrix, NAMED_REVERSED_MAX)
    ]
    told = claims.reversed_in_words(matrix)
    parts = [f"Beyond noise, the furthest first: {'; '.join(found)}."] if found else []
    parts += [f"{'And w' if found else 'W'}ithout a figure: {_quoted(told[0])}."] if told else []
    return " ".join(parts)


def impossible_sentence(matrix: Matrix) -> str:
    """The first statement that the articles' own numbers contradict, with the sum, and the first
    whose code does not do what is said of it; empty without either.
    """
    groups = claims.grouped(matrix)
    impossible = min(groups.get("impossible", []), key=_place, default=None)
    faulty = min(groups.get("faulty", []), key=_place, default=None)
    parts = []
    if impossible is not None:
        parts.append(f"{_quoted(impossible)}: {_first_sentence(impossible.verdict.text)}")
    if faulty is not None:
        parts.append(f"Does not work as printed: {_quoted(faulty)}.")
    return " ".join(parts)


def _place(claim: Claim) -> tuple[str, tuple[int, int]]:
    return claim.article, claim.lines[0]


def _first_sentence(said: str) -> str:
    return said.partition(". ")[0].removesuffix(".") + "."


def _quoted(claim: Claim) -> str:
    return f'"{claim.statement}" ({claim.article})'


def _published(claim: Claim) -> str:
    """Empty where the statement says it."""
    said = claims.published(claim)
    return "" if said in claim.statement else f"published {said}, "


def _by(matrix: Matrix, claim: Claim) -> str:
    """Whose cells were set against it: " (go and elixir, defaults)"; empty of a statement without
    one.
    """
    found = claims.set_against(matrix, claim)
    return f" ({found})" if found else ""
