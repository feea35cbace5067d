"""What a stored run says of the articles. The figures beside the tests are the matrix's own, and
the quotients were worked out from them by hand.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from chinwag_bench.claims.catalog import load
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Cell, Claim, Matrix
from chinwag_bench.render import claims as words

ROOT = Path(__file__).resolve().parents[2]
STORED = Path(__file__).parent / "fixtures" / "run-2026-11-26.zip"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored") / "2026-11-26-170829-vm"
    with zipfile.ZipFile(STORED) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def matrix(run: Path) -> Matrix:
    return judge(run)


@pytest.fixture(scope="module")
def found(matrix: Matrix) -> dict[str, Claim]:
    return {claim.id: claim for claim in matrix.claims}


def cell(matrix: Matrix, row: str, column: str) -> Cell:
    return next(c for c in matrix.cells if (c.row, c.column) == (row, column))


@pytest.mark.parametrize(
    ("row", "column", "low", "high"),
    [
        ("memory_joined", "elixir", 179.577856, 179.577856),
        ("memory_joined", "go", 428.686336, 428.686336),
        ("memory_joined", "rust", 139.19232, 139.19232),
        ("memory_joined", "node-ws", 90.54208, 90.54208),
        ("memory_joined", "node-socketio", 210.531328, 210.531328),
        ("memory_empty", "rust", 2.143232, 2.143232),
        ("memory_with_kernel", "rust", 178.16576, 178.16576),
        ("max_connections_projected", "elixir", 1_102_542, 1_102_542),
        ("max_connections_projected", "go", 655_860, 655_860),
        ("max_connections_projected", "rust", 1_522_756, 1_522_756),
        ("throughput_deliveries", "elixir", 141_216.8, 141_216.8),
        ("throughput_deliveries", "go", 114_105.0, 131_081.8),
        ("throughput_deliveries", "rust", 795_223.0, 795_223.0),
        ("common_p99", "elixir", 1.913857, 2.010111),
        ("common_p99", "go", 1.420287, 1.719295),
        ("common_p99", "rust", 37.715967, 38.207487),
        ("common_p50", "elixir", 0.540161, 0.585215),
        ("memory_after_rest", "elixir", 244.46464, 244.46464),
        ("memory_after_rest", "go", 466.496512, 466.496512),
        ("memory_after_rest", "rust", 141.246464, 141.246464),
        # 20 and 14 ticks, in each of two modes one more or less
        ("cpu_at_n", "elixir", 3.673858, 4.326142),
        ("cpu_at_n", "rust", 2.47387, 3.12613),
    ],
)
def test_the_run_has_the_values_that_the_verdicts_are_of(
    matrix: Matrix, row: str, column: str, low: float, high: float
) -> None:
    known = cell(matrix, row, column)
    assert (known.low, known.high) == (pytest.approx(low, rel=1e-5), pytest.approx(high, rel=1e-5))


@pytest.mark.parametrize(
    ("id_", "kind", "factor"),
    [
        ("A9.elixir", "differs", 11.112),  # 244.46464 / 22
        ("A9.go", "differs", 24.552),  # 466.496512 / 19
        ("A9.rust", "differs", 11.771),  # 141.246464 / 12
        ("A9.go-to-elixir", "reversed", 2.209),  # 466.497 / 244.465 = 1.908; / 0.864
        # 1,102,542 / 655,860 = 1.681; / 1.22; 10 % of one round less: 1.501, 1.23 times as much
        ("A15.go", "undecided", 1.378),
        ("A15.rust", "reversed", 0.5135),  # 1,102,542 / 1,522,756 = 0.724; / 1.41
        ("A17", "holds", 1.090),  # 141.246 / 244.465 = 0.578; / 0.53
        ("A19", "differs", 12.5),  # 12.5 Gbit/s / 1 Gbit/s
        ("A31.elixir", "impossible", 0.9945),  # 141,216.8 / 142,000
        ("A31.rust", "impossible", 5.098),  # 795,223 / 156,000
        ("A31.go-to-elixir", "undecided", 1.030),  # 131,081.8 / 141,216.8 = 0.928; / 0.901
        ("A31.rust-to-elixir", "differs", 5.119),  # 795,223 / 141,216.8 = 5.631; / 1.1
        # 38.2075 / 1.9139 = 19.964; / 11.1; by the rounds at least 37.6 / 2.74 / 1.107 = 12.4
        ("A33.rust-to-elixir", "undecided", 1.799),
        ("A34.rust-to-elixir", "reversed", 0.7273),  # 3.126 / 3.674 = 0.851; / 1.17
        ("A43", "differs", 9.416),  # 141.246464 / 15
        ("A46.saving", "differs", 0.1378),  # 496; / 3,600 = 18,000 / 5
        ("A48.memory", "differs", 3.565),  # 2.143 + 20 x 178.166 = 3,565 MB; / 1 GB
        ("A58", "differs", 5.301),  # 795,223 / 150,000
        ("A61", "reversed", 0.4565),  # 244.465 / 466.497 = 0.5240; / 1.148
        ("A65", "differs", 1.965),  # 140 / 57 = 2.456; / 1.25
        ("A67.density", "reversed", 0.724),  # 1,102,542 / 1,522,756
        ("B11.ws", "reversed", 0.504),  # 90.542 / 179.578
        ("B11.socketio", "holds", 1.172),  # 210.531 / 179.578
        ("B28", "holds", 0.585),  # 0.585 / 1
        ("B31.elixir", "differs", 8.979),  # 179.578 / 20
        ("B31.node", "differs", 0.2105),  # 210.531 / 1,000
        ("B32.elixir", "differs", 2.010),  # 2.010 / 1
    ],
)
def test_verdicts_by_hand(found: dict[str, Claim], id_: str, kind: str, factor: float) -> None:
    verdict = found[id_].verdict
    assert verdict.kind == kind
    assert verdict.factor == pytest.approx(factor, rel=2e-3)


@pytest.mark.parametrize(
    ("id_", "kind", "said"),
    [
        # 10,000 x 10 x 50.5 x 1,024 x 8 = 41.37 Gbit/s
        ("A22", "impossible", "50,000 + 5,000,000 deliveries/s x 1,024 B x 8 = 41.4 Gbit/s"),
        ("A22", "impossible", "it is still 3.31 times too much"),  # 41.37 / 12.5
        ("A22", "impossible", "142,000 messages/s are 2.81 % of these deliveries"),  # / 5,050,000
        # 1,210,000 x 10 x 50.5 x 8,192 = 5.006 Tbit/s
        ("A24", "impossible", "= 5.01 Tbit/s over 1 Gbit/s"),
        # 2 x 2,048 + 2 x 1,024 + 256 x 24 = 12,288 B
        ("A29.memory", "impossible", "123 MB for 10,000, against 19 MB published"),
        ("A29.limit", "faulty", "reads 512 B at most, and a message has 1,024 B"),
        ("A30.broadcast", "faulty", "sends 0 frames"),
        ("A31.elixir", "impossible", "= 1.16 Gbit/s over 1 Gbit/s"),
        ("A31.elixir", "impossible", "it fits into the up to 12.5 Gbit/s of a c6i.4xlarge"),
        ("A23", "differs", "1.01 times as much p99 for 85.7 times as many connections"),
        ("A48.p99", "impossible", "987 ms, tuned 112 ms; 9 ms is its p50"),
        ("A48.memory", "differs", "table 240 MB; measured here, and multiplied: 2.79 GB"),
        ("A53", "faulty", "100 is the default"),
        ("A55", "faulty", "setting it changes nothing"),
        ("A5.elixir", "too_small", "1,100,000 connections, which would agree"),
        ("A5.rust", "too_small", "1,520,000 connections, which would not agree"),
        ("B30.node", "too_small", "2,290,000 connections, which would not agree"),
        ("A33.elixir", "differs", "shows a p99 of 89 ms at 117,000 deliveries/s"),
        # Per round: 99,159 to 114,720, 117,389 to 135,621, 116,823 to 134,401; the medians
        ("A32.elixir", "differs", "shows a p50 of 12 ms at 117,000 to 134,000 deliveries/s"),
        ("A12.go", "untested", "An upgrade under load"),
        ("A62", "untested", "At the common rate of 51,500 deliveries/s"),
        ("A17", "holds", "Memory is that after a load and a rest; by that of joined connections"),
        ("A17", "holds", "before any load it differs: 0.775"),
        ("A31.elixir", "impossible", "141,000 deliveries/s, of 2,850 messages/s sent"),
        ("A18", "no_source", "no report"),
    ],
)
def test_reasons_by_hand(found: dict[str, Claim], id_: str, kind: str, said: str) -> None:
    assert found[id_].verdict.kind == kind
    assert said in found[id_].verdict.text


def test_a_published_delay_has_the_rate_at_which_it_shows_here(
    matrix: Matrix, found: dict[str, Claim]
) -> None:
    """Of each round the highest rate with at most 89 ms; of the three, the one in the middle."""
    best: dict[int, float] = {}
    for point in matrix.rate_points:
        if point.column == "elixir" and point.kept and point.p99_ms[1] <= 89:
            best[point.round] = max(best.get(point.round, 0.0), point.carried)
    assert [round(best[number]) for number in (1, 2, 3)] == [113_939, 134_762, 116_823]
    assert "at 117,000 deliveries/s" in found["A33.elixir"].verdict.text


def test_every_statement_has_a_verdict_and_its_reason(found: dict[str, Claim]) -> None:
    assert len(found) == len(load().claim)
    for claim in found.values():
        assert claim.verdict.kind in words.LABELS
        if claim.verdict.kind not in ("opinion", "no_claim"):
            assert claim.verdict.text or claim.verdict.measured, claim.id
        assert "{" not in claim.verdict.text, claim.id


def test_nothing_counts_twice_and_nothing_is_left_out(matrix: Matrix) -> None:
    counted = words.tally(matrix)
    silent = sum(claim.verdict.kind == "no_claim" for claim in matrix.claims)
    assert sum(counted.values()) + silent == len(matrix.claims)
    listed = [claim.id for group in words.grouped(matrix).values() for claim in group]
    assert sorted(listed) == sorted(claim.id for claim in matrix.claims)


def test_relations_come_first_in_each_group(matrix: Matrix) -> None:
    """Ratios travel between machines."""
    differing = [claim.kind == "relation" for claim in words.grouped(matrix)["differs"]]
    assert True in differing and False in differing
    assert differing == sorted(differing, reverse=True)


def command(run: Path, *arguments: str) -> str:
    given = [sys.executable, "-m", "chinwag_bench", "claims", str(run), *arguments]
    done = subprocess.run(given, cwd=ROOT / "bench", check=True, capture_output=True, text=True)
    return done.stdout


def test_the_command_prints_every_statement_by_verdict(run: Path, matrix: Matrix) -> None:
    printed = command(run)
    for claim in matrix.claims:
        assert f"  {claim.id}: {claim.statement}" in printed
    headings = [printed.index(f"{words.LABELS[kind]} (") for kind in words.grouped(matrix)]
    assert headings == sorted(headings)
    assert printed.rstrip().endswith(f"statements: {words.counts(matrix)}.")


def test_the_command_s_json_has_each_statement_on_a_line(run: Path, matrix: Matrix) -> None:
    *lines, summary = map(json.loads, command(run, "--json").splitlines())
    assert [line["id"] for line in lines] == [claim.id for claim in matrix.claims]
    assert {line["verdict"]["kind"] for line in lines} <= set(words.LABELS)
    assert summary["event"] == "summary"
    assert summary["reversed"] == words.tally(matrix)["reversed"]
