"""Published statements that belong to no cell, checked with the articles' own numbers."""

from __future__ import annotations

import re

from chinwag_bench.judging.arithmetic import load_arithmetic, stated_load
from chinwag_bench.judging.matrix import Claim, Verdict
from chinwag_bench.judging.published import article, parse_range
from chinwag_bench.judging.row import PER_CONNECTIONS

MEGABYTES_PER_GIGABYTE = 1000
ROUNDING_PERCENT = 1.0
"""A percentage that comes out within one point counts as what the article says."""


def all_claims() -> list[Claim]:
    """Every claim, in the order in which a reader of article A meets them."""
    return [_load(), *_ratios(), _elixir_memory(), _case_memory(), _case_latency(), _tails()]


def _load() -> Claim:
    load = stated_load()
    setup = article("A")["setup"]
    statement = (
        f"{load.connections:,} connections x {setup['messages_per_second_per_connection']} "
        f"messages/s, half of them to {load.room_size}, {load.payload_bytes:,} B, over "
        f"{setup['network']}"
    )
    fits = load.bits <= load.network
    verdict = Verdict(kind="reproduced" if fits else "impossible", text=load_arithmetic(load))
    return Claim(id="load", article="A", statement=statement, verdict=verdict)


def _ratios() -> list[Claim]:
    """Percentages that article A derives from its own table."""
    table, ratios = article("A")["matrix"], article("A")["ratios"]
    most, p99 = table["max_connections"], table["p99_ms"]
    memory = table["memory_mb_per_10k"]
    return [
        _percent(
            "connections-go",
            "Elixir holds {} % more connections than Go",
            ratios["elixir_connections_over_go_percent"],
            most["elixir"],
            most["go"],
        ),
        _percent(
            "connections-rust",
            "Elixir holds {} % more connections than Rust",
            ratios["elixir_connections_over_rust_percent"],
            most["elixir"],
            most["rust"],
        ),
        _percent(
            "p99-go-rust",
            "Go's p99 is {} % below Rust's",
            ratios["go_p99_below_rust_percent"],
            p99["go"],
            p99["rust"],
        ),
        _percent(
            "memory-rust",
            "Rust needs {} % less memory",
            ratios["rust_memory_below_percent"],
            memory["rust"],
            memory["elixir"],
        ),
    ]


def _percent(id_: str, statement: str, stated: float, a: float, b: float) -> Claim:
    exact = abs(a / b - 1) * 100
    agrees = abs(exact - stated) <= ROUNDING_PERCENT
    sign = "-" if a < b else "+"
    verdict = Verdict(
        kind="reproduced" if agrees else "differs",
        text=f"{a:,} against {b:,}: {sign}{exact:.1f} %. This checks the article's sum, "
        "not the measurement.",
    )
    return Claim(id=id_, article="A", statement=statement.format(stated), verdict=verdict)


def _elixir_memory() -> Claim:
    memory = article("A")["matrix"]["memory_mb_per_10k"]
    stated = article("A")["ratios"]["elixir_memory_above_percent"]
    above = {name: (memory["elixir"] / memory[name] - 1) * 100 for name in ("go", "rust")}
    agrees = any(abs(value - stated) <= ROUNDING_PERCENT for value in above.values())
    sums = ", ".join(f"{value:.0f} % against {name.title()}" for name, value in above.items())
    return Claim(
        id="memory-elixir",
        article="A",
        statement=f"Elixir needs {stated} % more memory",
        verdict=Verdict(kind="reproduced" if agrees else "differs", text=f"By its table: {sums}."),
    )


def _case_memory() -> Claim:
    per_10k = article("A")["matrix"]["memory_mb_per_10k"]["rust"]
    case = article("A")["cases"][2]
    stated = parse_range(case["from"].split()[0])
    connections = 0.0 if stated is None else stated.middle
    needed = connections / PER_CONNECTIONS * per_10k
    return Claim(
        id="case-rust-memory",
        article="A",
        statement=f"{case['name']}: {case['from']}",
        verdict=Verdict(
            kind="reproduced" if needed < MEGABYTES_PER_GIGABYTE else "differs",
            text=f"{connections:,.0f} connections x {per_10k} MB / 10,000 = {needed:.0f} MB of "
            "user memory, by the article's own table.",
        ),
    )


def _case_latency() -> Claim:
    """Whether the case study's p99 is a p99 of the table."""
    table, case = article("A")["matrix"], article("A")["cases"][2]
    found = re.search(r"p99 (\d+) ms", case["to"])
    stated = None if found is None else int(found[1])
    p99 = [table["p99_ms"][key] for key in ("rust", "rust_tuned")]
    text = f"The table's p99 is {p99[0]} ms, tuned {p99[1]} ms"
    if stated == table["p50_ms"]["rust"]:
        text += f"; {stated} ms is its p50"
    return Claim(
        id="case-rust-p99",
        article="A",
        statement=f"{case['name']}: {case['to']}",
        verdict=Verdict(kind="reproduced" if stated in p99 else "differs", text=text + "."),
    )


def _tails() -> Claim:
    """Whether the two articles agree on Elixir's p99."""
    a, b = (article(name)["matrix"]["p99_ms"]["elixir"] for name in ("A", "B"))
    in_a, in_b = parse_range(a), parse_range(b)
    agree = in_a is not None and in_b is not None and in_a.overlaps(in_b)
    text = "The two agree." if agree else "They contradict each other; B states no load."
    return Claim(
        id="p99-elixir",
        article="A and B",
        statement=f"Elixir's p99 is {a} ms (A), {b} ms (B)",
        verdict=Verdict(kind="reproduced" if agree else "differs", text=text),
    )
