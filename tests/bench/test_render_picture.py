"""The README's picture: well-formed, every server once, the best on top, bounds marked."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.render import html, palette, picture, readme, text
from chinwag_bench.render.templating import TEMPLATES

from .result_builder import build, quiet

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return judge(build(tmp_path_factory.mktemp("picture") / "run"))


def words(drawing: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


def test_each_measured_server_stands_there_once_and_the_best_on_top(matrix: Matrix) -> None:
    index, drawn = text.Index(matrix), words(picture.draw(matrix))
    columns = [column for column in index.measured_columns() if column.aa_of is None]
    rates = [
        cell.value or 0.0
        for name in drawn
        for column in columns
        if column.title == name
        and (cell := index.cell("throughput_deliveries", column.id)) is not None
    ]
    assert len(rates) == len(columns)
    assert rates == sorted(rates, reverse=True)


def test_a_lower_bound_is_marked_by_sign_and_arrow(matrix: Matrix) -> None:
    drawing = picture.draw(matrix)
    bounds = [word for word in words(drawing) if word.startswith("≥")]
    assert bounds
    assert drawing.count('class="arrow"') == len(bounds)


def test_every_dot_lies_between_the_first_and_the_last_tick_of_its_panel(matrix: Matrix) -> None:
    panels = list(ElementTree.fromstring(picture.draw(matrix)).iter(f"{SVG}g"))
    assert len(panels) == len(picture.PANELS)
    for panel in panels:
        places = [float(circle.get("cx", "nan")) for circle in panel.iter(f"{SVG}circle")]
        grid = [
            float(line.get("x1", "nan"))
            for line in panel.iter(f"{SVG}line")
            if line.get("class") == "grid"
        ]
        assert places
        assert all(min(grid) <= place <= max(grid) for place in places)


def test_a_stale_picture_is_found(
    matrix: Matrix, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = quiet(build(tmp_path / "run"))
    document = tmp_path / "README.md"
    document.write_text(f"{readme.BEGIN}\n{readme.END}\n")
    given = [str(document), "--results", str(result)]
    assert readme.main(["--write", *given]) == 0
    drawing = tmp_path / readme.PICTURE
    drawing.write_text(drawing.read_text().replace("Logarithmic", "Linear"))
    assert readme.main(["--check", *given]) == 1
    assert "matrix.svg" in capsys.readouterr().err


def test_page_and_picture_have_their_colours_from_one_place(matrix: Matrix) -> None:
    """A colour written out anywhere else would not follow it."""
    written = [path for path in TEMPLATES.rglob("*") if path.suffix in {".css", ".svg", ".html"}]
    assert not [
        path.name for path in written if re.search(r"#[0-9a-fA-F]{3,6}\b", path.read_text())
    ]
    assert palette.LIGHT.keys() == palette.DARK.keys() == palette.PAPER.keys()
    drawing, page = picture.draw(matrix), html.document(matrix)
    for colours in (palette.LIGHT, palette.DARK):
        assert colours["c0"] in drawing
        assert f"--c0: {colours['c0']};" in page
