"""report.html: self-contained, well-formed, escaped, complete; and the charts' geometry."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from chinwag_bench import judging
from chinwag_bench.judging.advice import Known, known_within
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import FaultTimeline, Matrix, Note
from chinwag_bench.metrics.registry import METRICS
from chinwag_bench.records import Floor, KernelCost
from chinwag_bench.render import (
    advice,
    axes,
    fault_charts,
    html,
    limits,
    notes,
    palette,
    plots,
    ramp_charts,
    text,
)
from chinwag_bench.render.strips import strips

from .result_builder import build

VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}
HOSTILE = '<script>alert("x")</script>&\'"'


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return judge(build(tmp_path_factory.mktemp("html") / "run"))


@pytest.fixture
def matrix(judged: Matrix) -> Matrix:
    """A copy of one's own, to change."""
    return copy.deepcopy(judged)


class Balance(HTMLParser):
    """Follows the open elements; ``text`` is what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.scripts = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.scripts += tag == "script"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(document: str) -> Balance:
    balance = Balance()
    balance.feed(document)
    balance.close()
    assert balance.open == []
    return balance


def test_it_is_well_formed_and_needs_nothing_else(matrix: Matrix) -> None:
    document = html.document(matrix)
    assert parsed(document).scripts == 1
    assert not re.search(r"https?://|@import|url\(|src=", document)


def test_everything_is_escaped(matrix: Matrix) -> None:
    for column in matrix.columns:
        column.title = column.reason = HOSTILE
        column.caveats = [HOSTILE]
        column.versions = {HOSTILE: HOSTILE}
    for cell in matrix.cells:
        cell.notes = [Note(code="ended_by", args={"stopped": HOSTILE})]
        if cell.reason is not None:
            cell.reason = Note(code="without_value", args={"why": HOSTILE})
    matrix.run.notes, matrix.run.command = [HOSTILE], HOSTILE
    matrix.run.machine = {HOSTILE: HOSTILE}
    matrix.checks = [{"name": HOSTILE, "ok": False, "text": HOSTILE}]
    document = html.document(matrix)
    assert parsed(document).scripts == 1
    assert "<script>alert" not in document


def test_it_shows_every_figure_with_its_verdict(matrix: Matrix) -> None:
    seen = parsed(html.document(matrix)).text
    for cell in matrix.cells:
        for figure in cell.published:
            assert figure.verdict is not None
            assert figure.verdict.text in seen
    for claim in matrix.claims:
        assert claim.verdict.text in seen


def test_it_says_why_columns_are_missing_and_what_limited_others(matrix: Matrix) -> None:
    seen = parsed(html.document(matrix)).text
    ended = "ended by the load generator, not by the server"
    for part in ("3 of 61 conformance cases", "Boost 1.81", ended, "steal 7 %", "-40-amd64"):
        assert part in seen


def test_smoke_runs_are_not_for_quoting(matrix: Matrix) -> None:
    assert "not for quoting" not in html.document(matrix)
    matrix.run.profile = "smoke"
    assert "not for quoting" in html.document(matrix)


def test_a_dirty_commit_can_be_checked_out_and_is_told(matrix: Matrix) -> None:
    matrix.run.git_commit = "abc-dirty"
    document = html.document(matrix)
    assert "git checkout abc\n" in document
    assert "changes that no commit has" in document


def test_it_can_be_repeated_with_the_same_seed(matrix: Matrix) -> None:
    assert "chinwag matrix --profile quick --seed 7<" in html.document(matrix)
    matrix.run.command = "chinwag matrix --seed 9"
    assert "chinwag matrix --seed 9<" in html.document(matrix)


def test_it_renders_with_nothing_measured(matrix: Matrix) -> None:
    for cell in matrix.cells:
        cell.value = cell.low = cell.high = cell.interval = None
        cell.reason = Note(code="not_in_run")
    matrix.curves, matrix.checks, matrix.rate_points = [], [], []
    matrix.aa = {"pairs": [], "range": {}, "spread": {}, "unranked": []}
    assert "No server kept up any rate" in parsed(html.document(matrix)).text


def test_bars_share_one_axis_from_zero(matrix: Matrix) -> None:
    chart = plots.bars(matrix, "cpu_per_delivery", "title", "note")
    longest = max(bar.high or 0 for bar in chart.bars)
    assert longest == pytest.approx(100)
    by_name = {bar.name: bar.segments[0].width for bar in chart.bars}
    cells = {c.column: c.value for c in matrix.cells if c.row == "cpu_per_delivery"}
    assert by_name["go"] / by_name["rust"] == pytest.approx(cells["go"] / cells["rust"])
    assert chart.bars[0].name == "chinwagd"


def test_the_kernel_s_own_costs_are_lines_where_they_were_measured(matrix: Matrix) -> None:
    assert "was not measured in this run." in html.document(matrix)
    matrix.floor = floor_of({1: 2.5, 16: 0.4})
    chart = cpu_chart(matrix)
    row = "common_cpu_per_delivery"
    longest = max(plots.ends(c)[1] for c in matrix.cells if c.row == row and c.value)
    at = {line.remark: line.at for line in chart.references}
    assert at["1 frame a write"] == pytest.approx(100 * 2.5 / longest)
    assert at["16 frames a write"] == pytest.approx(100 * 0.4 / longest)
    document = html.document(matrix)
    assert "kernel alone, 1 frame a write: 2.50 us" in document
    assert "was not measured in this run" not in document


def test_a_kernel_that_costs_more_than_every_server_is_still_on_the_axis(matrix: Matrix) -> None:
    matrix.floor = floor_of({1: 1e6})
    chart = cpu_chart(matrix)
    assert [line.at for line in chart.references] == [pytest.approx(100)]
    assert all(segment.width < 1 for bar in chart.bars for segment in bar.segments)


def test_a_kernel_that_could_not_be_measured_says_why(matrix: Matrix) -> None:
    floor = floor_of({})
    floor.status, floor.reason = "missing", "chinwag-floor is missing\nbuild it"
    matrix.floor = floor
    seen = parsed(html.document(matrix)).text
    assert "was not measured in this run: chinwag-floor is missing." in seen


def cpu_chart(matrix: Matrix) -> plots.BarChart:
    found = [chart for chart in html.charts(matrix) if chart.title.startswith("CPU time")]
    assert isinstance(found[0], plots.BarChart)
    return found[0]


def floor_of(costs: dict[int, float]) -> Floor:
    """Frames a write -> us a frame."""
    return Floor(
        started_at=0.0,
        status="ok",
        frame_bytes=1143,
        connections=1000,
        costs=[
            KernelCost(
                frames_per_write=count,
                frames=1_000_000,
                seconds=each,
                cpu_s=each,
                cpu_us_per_frame=each,
            )
            for count, each in costs.items()
        ],
    )


def test_a_cell_says_what_ended_it(matrix: Matrix) -> None:
    seen = parsed(html.document(matrix)).text
    assert "ended by the load generator" in seen
    assert ">= 603,000" in seen


def test_strips_share_their_row_s_scale_from_zero(matrix: Matrix) -> None:
    found = strips(matrix)
    cells = {c.column: c for c in matrix.cells if c.row == "cpu_per_delivery" and c.value}
    ratio = found["cpu_per_delivery", "go"].value / found["cpu_per_delivery", "rust"].value
    assert ratio == pytest.approx((cells["go"].value or 0) / (cells["rust"].value or 1))
    ends = [
        strip.high or strip.value for key, strip in found.items() if key[0] == "cpu_per_delivery"
    ]
    assert max(ends) == pytest.approx(100)
    assert ("wire_bytes_per_delivery", "go") not in found, "equal bars say nothing"


def test_advice_has_the_judge_s_answer_for_every_p99(matrix: Matrix) -> None:
    known = {column.id: facts for column, facts in advice.candidates(matrix)}["go"]
    points = [one for one in matrix.rate_points if one.column == "go"]
    starts = [from_ms for from_ms, *_ in known["within"]]
    assert starts[0] == 0 and starts == sorted(starts)
    for from_ms, carried, refused, seen in known["within"]:
        assert known_within(points, from_ms) == Known(carried, refused, seen)
    assert known["held"] == [19_500, True]


def test_advice_has_both_sides_of_memory(matrix: Matrix) -> None:
    cells = {c.row: c for c in matrix.cells if c.column == "go"}
    cells["memory_kernel"].interval = (10.0, 99.0)
    known = {column.id: facts for column, facts in advice.candidates(matrix)}["go"]
    low, high = known["memory"]["kernel"]
    assert low <= 10.0 and high >= 99.0


def test_advice_knows_whether_the_server_ended_the_way_up(matrix: Matrix) -> None:
    most = {c.column: c for c in matrix.cells if c.row == "max_connections"}
    most["rust"].high = most["rust"].low
    known = {column.id: facts["held"] for column, facts in advice.candidates(matrix)}
    assert known["rust"] == [19_500, False]
    assert known["go"] == [19_500, True]


def test_what_was_not_measured_is_advised_as_not_known(matrix: Matrix) -> None:
    known = {column.id: facts for column, facts in advice.candidates(matrix)}["go"]
    assert known["upgrades"]["kind"] == "unknown"
    assert [one["sides"] for one in known["recovery"]] == [None, None]
    assert set(known["merits"]) == {"cpu", "p99"}


def timeline(**more) -> FaultTimeline:
    return FaultTimeline(
        column="elixir",
        fault="stuck",
        rounds=3,
        begin_ms=-100,
        bin_ms=50,
        shares=[1.0, 1.0, 0.9, 1.0],
        connections_lost=0.0,
        **more,
    )


@pytest.mark.parametrize(
    ("all_ms", "others_ms", "said"),
    [
        (
            2000.0,
            10.8,
            "others hear again after 10.8 ms, its sender after 2,000; 0 connections lost",
        ),
        (2000.0, 2000.0, "all hear again after 2,000 ms; 0 connections lost"),
        (2000.0, None, "all hear again after 2,000 ms; 0 connections lost"),
        (None, 10.8, "somebody never hears again; 0 connections lost"),
    ],
)
def test_a_handler_s_own_connection_does_not_stand_for_the_others(all_ms, others_ms, said) -> None:
    """79 of 80 hear on while one waits for the end of its handler."""
    line = timeline(all_hear_ms=all_ms, others_hear_ms=others_ms)
    drawn = fault_charts.chart("stuck", [line], {"elixir": 0})
    assert [small.said for small in drawn.smalls] == [said]


def test_advice_does_without_what_the_run_did_not_plan(matrix: Matrix) -> None:
    card = 12.5
    assert advice.measured(matrix) == advice.Measured(1, 1000, 10_000, None, card)
    matrix.run.plan = {"settings": {"memory": None}, "server_cores": [0, 1]}
    assert advice.measured(matrix) == advice.Measured(2, None, None, None, card)
    assert "Measured with" not in html.document(matrix)


def test_advice_leaves_out_what_was_not_measured(matrix: Matrix) -> None:
    for cell in matrix.cells:
        if cell.column == "go" and cell.row == "memory_kernel":
            cell.value = cell.interval = None
    known = {column.id: facts for column, facts in advice.candidates(matrix)}["go"]
    assert known["memory"] is None
    assert "go (again)" not in [column.id for column, _ in advice.candidates(matrix)]


def test_p99_over_rate_has_a_line_for_each_server_whose_rates_ascend(matrix: Matrix) -> None:
    chart = plots.delay_over_rate(matrix, "title", "note")
    measured = {column.id for column in matrix.columns if column.status == "ok"}
    assert {line.name for line in chart.lines} == measured
    ends = [line.end[0] for line in chart.lines]
    assert ends == sorted(ends, reverse=True), "labels stand in the order of the lines' ends"
    for line in chart.lines:
        x = [at for at, _ in line.dots]
        assert x == sorted(x)
        assert all(0 <= at <= 100 for at in x)
    assert all("deliveries/s at p99" in line.summary for line in chart.lines)


def test_a_line_ends_at_the_throughput_that_the_tables_have(matrix: Matrix) -> None:
    cells = {c.column: c for c in matrix.cells if c.row == "throughput_deliveries"}
    for cell in cells.values():
        if cell.value is not None:
            cell.value = cell.value / 2
    before = plots.delay_over_rate(matrix, "title", "note")
    assert before.lines
    for line in before.lines:
        rate = line.summary.partition(" up to ")[2].partition(" deliveries")[0]
        value = cells[line.name].value
        assert value is not None and float(rate.replace(",", "")) <= value * 1.03


def test_a_whisker_without_an_end_is_an_arrow(matrix: Matrix) -> None:
    cell = next(c for c in matrix.cells if c.row == "throughput_deliveries" and c.interval)
    assert cell.interval is not None
    for top, arrows in ((cell.value, 0), (None, 1)):
        cell.high, cell.interval = cell.value, (cell.interval[0], top)
        bars = plots.bars(matrix, cell.row, "title", "note").bars
        assert [bar.is_open for bar in bars if bar.name == cell.column] == [bool(arrows)]
        assert strips(matrix)[cell.row, cell.column].is_open == bool(arrows)


def test_holds_of_one_rate_are_one_dot_at_their_median(matrix: Matrix) -> None:
    first = next(one for one in matrix.rate_points if one.column == "go" and one.kept)
    matrix.rate_points = [
        msgspec.structs.replace(first, deliveries_per_s=rate, p99_ms=(p99, p99))
        for rate, p99 in [(1000, 1.0), (1010, 30.0), (1020, 2.0), (2000, 4.0)]
    ]
    (line,) = plots.delay_over_rate(matrix, "title", "note").lines
    assert len(line.dots) == 2
    assert line.dots[0][1] == pytest.approx(axes.Decades.fitted([2.0, 4.0]).top(2.0))


def test_memory_bars_stack_user_and_kernel(matrix: Matrix) -> None:
    chart = plots.memory_bars(matrix, "title", "note")
    for bar in chart.bars:
        user, kernel = bar.segments
        assert kernel.start == pytest.approx(user.width)
    assert max(b.segments[1].start + b.segments[1].width for b in chart.bars) == pytest.approx(100)


def test_labels_keep_their_distance_and_order() -> None:
    assert plots.spaced([10, 50], 6) == [10, 50]
    assert plots.spaced([10, 10, 10], 6) == [10, 16, 22]
    assert plots.spaced([98, 99, 97], 6) == [94, 100, 88]


@pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK, palette.PAPER])
@pytest.mark.parametrize("ground", ["paper", "panel"])
def test_text_stands_out_from_its_ground(colours: dict[str, str], ground: str) -> None:
    for name in ("ink", "muted", "link", "good", "warn", "bad", "quiet"):
        assert contrast(colours[name], colours[ground]) >= 4.5, "WCAG 2.1, 1.4.3"


def test_only_swatches_are_see_through() -> None:
    """Text that lets its ground through stands out less than its colour does."""
    folder = Path(html.__file__).with_name("templates")
    rules = [
        (selector.strip(), body)
        for sheet in sorted(folder.rglob("*.css"))
        for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet.read_text())
    ]
    faded = [selector for selector, body in rules if re.search(r"(?<!-)\bopacity:", body)]
    assert faded == [".key i", ".key .light i", ".strip rect"]


def contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG 2.1 defines it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_decades_hold_all_values() -> None:
    assert axes.Decades.around([0.2, 40]) == axes.Decades(-1, 2)
    assert axes.Decades.fitted([49.9, 812]).marks() == pytest.approx([40, 100, 1_000])
    assert axes.Decades.fitted([5.0]).marks() == pytest.approx([5, 6])
    assert axes.Decades.fitted([]).marks() == pytest.approx([1.0, 2.0])
    assert axes.Decades.around([1.0]) == axes.Decades(0, 1)
    assert axes.Decades.around([]) == axes.Decades(0, 1)
    axis = axes.Decades(-1, 1)
    assert (axis.top(10), axis.top(1), axis.top(0.1), axis.top(0)) == (0, 50, 100, 100)


def test_curves_use_the_whole_width(matrix: Matrix) -> None:
    chart = plots.curves(matrix, "common", "title", "note")
    assert len(chart.lines) == 5
    for line in chart.lines:
        x = [float(point.split(",")[0]) for point in line.points.split()]
        assert x == sorted(x)
        assert 0 <= x[0] < x[-1] == 100
    dashed = {line.name for line in chart.lines if line.dashed}
    assert dashed == {"go (again)"}


def test_the_ramp_of_each_server_ends_where_it_was_stopped(matrix: Matrix) -> None:
    latency, memory = ramp_charts.charts(matrix)
    assert {line.name for line in latency.lines} == {ramp.column for ramp in matrix.ramps}
    for chart in (latency, memory):
        assert {line.end[0] for line in chart.lines} == {100 * 19_500 / 20_000}
        assert all(len(line.dots) == 3 for line in chart.lines)
    assert latency.note.endswith("open files of the generator: 19,500 connections.")
    assert [tick.label for tick in latency.x_ticks][-1] == "20,000"
    highest = min(line.end[1] for line in memory.lines)
    assert {line.name for line in memory.lines if line.end[1] == highest} <= {"elixir"}


def test_a_step_without_probes_has_no_latency(matrix: Matrix) -> None:
    matrix.ramps[0].steps[-1].p99_ms = None
    latency, memory = ramp_charts.charts(matrix)
    column = matrix.ramps[0].column
    drawn = [next(one for one in chart.lines if one.name == column) for chart in (latency, memory)]
    assert [len(line.dots) for line in drawn] == [2, 3]
    matrix.ramps = []
    assert ramp_charts.charts(matrix) == []


@pytest.mark.parametrize(
    ("largest", "end", "step"),
    [(19_500, 20_000, 5_000), (20_000, 20_000, 5_000), (7, 8, 2), (0.3, 0.3, 0.1), (0, 1, 1)],
)
def test_a_linear_axis_has_round_marks(largest: float, end: float, step: float) -> None:
    axis = axes.Linear.over(largest)
    assert axis.step == pytest.approx(step)
    assert axis.end == pytest.approx(end)
    assert axis.marks()[0] == 0
    assert axis.marks()[-1] == pytest.approx(axis.end)


def test_a_server_keeps_its_colour(matrix: Matrix) -> None:
    number = plots.colours(matrix.columns)
    assert number["go"] == number["go (again)"]
    assert len({number[name] for name in ("chinwagd", "elixir", "go", "rust")}) == 4


def test_what_all_columns_lack_for_one_reason_is_said_once(matrix: Matrix) -> None:
    index = text.Index(matrix)
    assert index.why_empty("cpu_per_delivery") == ""
    reason = index.why_empty("learning")
    assert reason == "not measurable"
    for cell in matrix.cells:
        if cell.row == "start_health":
            cell.value = None
            cell.reason = Note(code="without_value", args={"why": f"why of {cell.column}"})
    index = text.Index(matrix)
    assert index.why_empty("start_health") == ""
    assert "why of go" in parsed(html.document(matrix)).text


def test_remarks_that_all_columns_share_stand_there_once(matrix: Matrix) -> None:
    found = limits.limits(text.Index(matrix))
    for column in {limit.column for limit in found}:
        remarks = [limit.text for limit in found if limit.column == column]
        assert len(remarks) == len(set(remarks))
    shared = {limit.text for limit in found if limit.column is None}
    assert "with 10,000 connections" in shared
    own = {limit.text for limit in found if limit.column is not None}
    assert not own & shared


def test_rows_of_one_title_are_told_apart_by_their_group(matrix: Matrix) -> None:
    same = [row for row in matrix.rows if row.id in ("start_health", "memory_empty")]
    for row in same:
        row.title = "Both"
    index = text.Index(matrix)
    assert index.is_ambiguous("start_health")
    assert not index.is_ambiguous("cpu_per_delivery")
    cells = {cell.row: cell for cell in matrix.cells if cell.column == "go"}
    cells["start_health"].notes = [Note(code="ended_by", args={"stopped": "x"})]
    named = [limit.rows for limit in limits.limits(index) if limit.text == "ended by: x"]
    assert named == ["Start: Both"]


def test_every_remark_of_the_judge_has_words(matrix: Matrix) -> None:
    said = {note.code for cell in matrix.cells for note in [*cell.notes, cell.reason] if note}
    assert said and said <= notes.codes()
    sources = Path(judging.__file__).parent.glob("*.py")
    written = {code for path in sources for code in re.findall(r'code="(\w+)"', path.read_text())}
    assert written <= notes.codes()


@pytest.mark.parametrize("kept", ["throughput", "latency", "memory", "start"])
def test_a_run_of_one_metric_has_a_page(tmp_path: Path, kept: str) -> None:
    """Of servers that no article has: rows of other metrics are not there at all."""
    result = build(tmp_path / "run")
    run = json.loads((result / "run.json").read_bytes())
    run["plan"]["settings"] = {one.name: None for one in METRICS if one.name != kept}
    for column in run["columns"]:
        column["published"] = None
    (result / "run.json").write_text(json.dumps(run), encoding="utf-8")
    for raw in (result / "raw").glob("*.ndjson"):
        if raw.stem != kept:
            raw.unlink()
    matrix = judge(result)
    assert {row.id for row in matrix.rows}.isdisjoint({"hot_upgrade", "storm"})
    page = html.document(matrix)
    chart = "Deliveries per second, p99 up to 1,000 ms"
    assert (chart in page) == (kept == "throughput")
