"""The articles' figures: how quotes become numbers, and where they stand in the matrix."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from chinwag_bench.errors import HostError
from chinwag_bench.judging import published
from chinwag_bench.judging.published import Range, figures, parse_bits, parse_range
from chinwag_bench.judging.rows import SPECS
from chinwag_bench.records import Column


def column(server: str, variant: str = "default", aa_of: str | None = None) -> Column:
    return Column(
        id=server,
        server=server,
        variant=variant,
        title=server,
        language="",
        published=server,
        aa_of=aa_of,
    )


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        (89, Range(89, 89)),
        ("2M+", Range(2e6, math.inf)),
        ("10K-100K", Range(1e4, 1e5)),
        ("~2KB", Range(2e3, 2e3)),
        ("~100KB+", Range(1e5, math.inf)),
        ("<1", Range(0, 1)),
        ("1-10", Range(1, 10)),
        ("built-in", None),
        ("all cores automatically", None),
        ("", None),
    ],
)
def test_quotes_become_ranges(quote: float | str, expected: Range | None) -> None:
    assert parse_range(quote) == expected


@pytest.mark.parametrize(
    ("given", "middle"),
    [(Range(89, 89), 89), (Range(0, 1), 1), (Range(2e6, math.inf), 2e6), (Range(1, 10), 5.5)],
)
def test_what_a_factor_is_taken_against(given: Range, middle: float) -> None:
    assert given.middle == middle


def test_bits_of_the_network() -> None:
    assert parse_bits("1Gbps as stated") == 1e9
    with pytest.raises(ValueError, match="no Gbps"):
        parse_bits("fast")


def test_every_figure_of_both_matrices_has_a_place() -> None:
    placed = {name: {place[0] for place in places} for name, places in published.PLACES.items()}
    for name, article in published.load()["articles"].items():
        assert set(article["matrix"]) - placed[name] <= {"concurrency_model"}


def test_every_place_is_a_row() -> None:
    rows = {spec.row.id for spec in SPECS}
    for server in ("elixir", "go", "rust", "node"):
        assert set(figures(column(server))) <= rows


def test_figures_are_quoted_as_they_stand() -> None:
    found = figures(column("elixir"))
    assert [(f.article, f.value) for f in found["common_p99"]] == [("A", 89), ("B", "<1")]
    assert found["hot_upgrade"][0].value == "yes"
    assert found["cost"][0].value == "18,000 USD a month saved"


def as_quoted(found: object, quote: float | str) -> float | str:
    """What the file has at a figure's place, in the words that a figure may have: "yes" for true, a
    range for two numbers, the last part of a case.
    """
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, list):
        return f"{found[0]}-{found[1]} % more code"
    assert isinstance(found, float | int | str)
    is_part = isinstance(found, str) and isinstance(quote, str) and found.endswith(f", {quote}")
    return quote if is_part else found


def test_a_quote_can_be_found_again_in_the_file() -> None:
    for server in ("elixir", "go", "rust", "node"):
        for figure in (f for quotes in figures(column(server)).values() for f in quotes):
            inner = published.article(figure.article)
            for key in figure.where.split("."):
                inner = inner[int(key)] if isinstance(inner, list) else inner[key]
            assert figure.value == as_quoted(inner, figure.value), figure.where


def test_tuned_figures_stand_beside_the_tuned_variant() -> None:
    found = figures(column("rust", variant="tuned"))
    assert {row: [f.value for f in quotes] for row, quotes in found.items()} == {
        "common_p99": [112],
        "broadcast_p99": [112],
    }


def test_the_second_name_of_an_aa_and_other_servers_have_no_figures() -> None:
    assert figures(column("go", aa_of="go")) == {}
    unpublished = column("go")
    unpublished.published = None
    assert figures(unpublished) == {}


def test_a_missing_file_says_where_the_figures_come_from(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        published.load(tmp_path / "published.json")
    assert "checkout" in caught.value.text()


def test_the_file_is_read_unchanged() -> None:
    text = published.PUBLISHED_JSON.read_text(encoding="utf-8")
    assert published.load() == json.loads(text)
