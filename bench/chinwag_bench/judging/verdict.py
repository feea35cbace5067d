"""What a measured cell says about the figures published for it.

reproduced: the figure lies within a factor of 1.25 of the measured pair of sides. differs: it
doesn't, and by what factor. impossible: the articles' own numbers contradict it, with the sum. not
measurable: nothing here measures the same thing, and why.
"""

from __future__ import annotations

import math

from chinwag_bench.judging.arithmetic import gbit, rate_arithmetic, stated_load
from chinwag_bench.judging.matrix import Cell, Published, Verdict
from chinwag_bench.judging.published import Range, article, parse_range
from chinwag_bench.judging.row import PER_CONNECTIONS

TOLERANCE = 1.25
KILOBYTE_PER_MEGABYTE = 1000.0

NOT_COMPARABLE: dict[str, str] = {
    "fault_recovery": "not measured by this version; the article sets different faults side by "
    "side: a process restarted inside the VM against a program that is started again",
    "hot_upgrade": "not measured by this version",
    "across_machines": "not measured by this version",
    "cores": "not measured by this version; a property of the set-up, not a number",
    "effort_lines_of_code": "not comparable: the article counts other programs; by its own "
    "listings Rust has 140 lines and Elixir 57, 146 % more",
    "cost": "not measured by this version; it depends on prices and on what ran before",
    "learning": "not measurable: no experiment of a kit can repeat it",
    "cpu_at_n": "not comparable: the article names 100,000 connections where its runs had "
    "{connections:,}, and not what they did; here they hardly speak",
}


def judge_figure(cell: Cell, figure: Published) -> Verdict:
    """The verdict on one published figure, with the words that explain it."""
    if cell.row in NOT_COMPARABLE:
        text = NOT_COMPARABLE[cell.row].format(connections=stated_load().connections)
        return Verdict(kind="not_measurable", text=_sentence(text))
    if cell.row.startswith("throughput_"):
        return _throughput(cell, figure)
    expected = _in_unit_of_cell(figure)
    if expected is None:
        return Verdict(kind="not_measurable", text="The article gives no number.")
    return _compare(cell, expected, _circumstances(cell))


def _in_unit_of_cell(figure: Published) -> Range | None:
    """The published range in the cell's unit: memory per connection becomes MB per 10,000."""
    found = parse_range(figure.value)
    if found is None or figure.unit != "per connection":
        return found
    per_10k = PER_CONNECTIONS / (KILOBYTE_PER_MEGABYTE * 1000)
    return Range(found.low * per_10k, found.high * per_10k)


def _circumstances(cell: Cell) -> str:
    if cell.row.startswith("common_"):
        load = stated_load()
        needed = f"{gbit(load.bits)} over {gbit(load.network)}"
        return (
            f"The loads differ: here it is the common rate; article A's ({needed}) can't have run "
            "as stated, and B states none."
        )
    if cell.row == "broadcast_p99":
        return "The loads differ: here each message goes to a whole large room, at a modest rate."
    if cell.row == "max_connections":
        setup = article("A")["setup"]
        return (
            f"Article A's runs had {stated_load().connections:,} connections, so its maximum comes "
            f"from another experiment than the rest of its table; its host has {setup['vcpu']} "
            f"vCPU and {setup['memory_gb']} GB."
        )
    if cell.row == "memory_joined":
        rule = article("A")["setup"]["memory_rule"]
        return (
            "Here: user memory of joined connections over the empty server, the reading kindest "
            f"to the articles; A reads {rule}. Kernel memory comes on top."
        )
    return ""


def _throughput(cell: Cell, figure: Published) -> Verdict:
    """Both readings of "messages per second", each against the stated network."""
    load = stated_load()
    rate = float(figure.value)
    reading = "deliveries" if cell.row == "throughput_deliveries" else "messages"
    fits, text = rate_arithmetic(load, rate, reading)
    factor = None if cell.value is None else cell.value / rate
    measured = "" if factor is None else f" Measured here: {_times(cell, rate)} that figure."
    offered = ""
    if reading == "messages" and rate > load.messages:
        fits = False
        offered = (
            f"; and only {load.connections:,} x {load.messages / load.connections:g} = "
            f"{load.messages:,.0f} messages/s were offered"
        )
    if not fits:
        return Verdict(
            kind="impossible",
            text=f"Read as {reading}: {text}{offered}.{measured}",
            factor=factor,
        )
    return _compare(cell, Range(rate, rate), f"Read as {reading}, it fits: {text}.")


def _compare(cell: Cell, expected: Range, circumstances: str) -> Verdict:
    if cell.value is None:
        text = "no measured value"
        return Verdict(kind="not_measurable", text=_sentence(text, circumstances))
    low, high = cell.low or 0.0, math.inf if cell.high is None else cell.high
    factor = cell.value / expected.middle if expected.middle else None
    if low / TOLERANCE <= expected.high and expected.low <= high * TOLERANCE:
        if cell.is_open and expected.high > low * TOLERANCE:
            text = "something else than the server was the limit here, so the true value may agree"
            return Verdict(
                kind="not_measurable",
                text=_sentence(text, circumstances),
                factor=factor,
                may_agree=True,
            )
        text = "within a factor of 1.25 of what was measured"
        return Verdict(kind="reproduced", text=_sentence(text, circumstances), factor=factor)
    text = f"measured is {_times(cell, expected.middle)} the published figure"
    return Verdict(kind="differs", text=_sentence(text, circumstances), factor=factor)


def _times(cell: Cell, expected: float) -> str:
    """The measured pair as multiples of the published figure."""
    if not expected or cell.low is None:
        return "far from"
    low = cell.low / expected
    if cell.high is None:
        return f">= {_factor(low)} x"
    high = cell.high / expected
    if _factor(low) == _factor(high):
        return f"{_factor(high)} x"
    return f"{_factor(low)} to {_factor(high)} x"


def _factor(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"


def _sentence(text: str, circumstances: str = "") -> str:
    return f"{text[0].upper()}{text[1:]}. {circumstances}".strip()
