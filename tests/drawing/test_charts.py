"""Charts show what they are given, can be read, and are the same file every time."""

import errno
import math
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from pixelrl.drawing.charts import (
    LINE,
    NAME,
    make_figure,
    measure,
    save,
    set_round_ticks,
    styled,
    wrap,
)
from pixelrl.drawing.panels import draw_curves
from pixelrl.errors import DataError
from readable import list_clashes, list_lines


def chart() -> Figure:
    return draw_curves({"val/psnr": [(0.0, 1.0), (5.0, 3.0)], "b": [(0.0, 2.0)]}, "a title")


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3.3, 0.4), (28.1, 28.9), (0, 30000), (1e-7, 3e-7), (-1e9, 1e9)]
)
def test_ticks_are_evenly_spaced_within_the_range(low: float, high: float) -> None:
    with styled():
        axes = Figure().subplots()
        axes.set_ylim(low, high)
        set_round_ticks(axes)
        marks = [mark for mark in axes.get_yticks() if low <= mark <= high]
        told = [axes.yaxis.get_major_formatter()(mark) for mark in marks]
    assert 3 <= len(marks) <= 12
    steps = [after - before for before, after in pairwise(marks)]
    assert max(steps) == pytest.approx(min(steps))
    assert [float(text.replace("\N{MINUS SIGN}", "-")) for text in told] == pytest.approx(marks)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 11])
def test_curves_have_a_panel_for_each_series(count: int) -> None:
    series = {f"score {index}": [(0.0, 1.0), (5.0, float(index))] for index in range(count)}
    figure = draw_curves(series, "a title", "step")
    assert [axes.get_title("left") for axes in figure.axes] == list(series)
    for axes, points in zip(figure.axes, series.values(), strict=True):
        assert list(map(tuple, axes.lines[0].get_xydata())) == points
    assert list_clashes(figure) == []
    columns = {round(axes.get_position().x0, 2) for axes in figure.axes}
    named = [axes for axes in figure.axes if axes.get_xlabel() == "step"]
    assert {round(axes.get_position().x0, 2) for axes in named} == columns
    assert len(named) == len(columns) <= 4


@pytest.mark.parametrize("count", [0, 1])
def test_a_picture_shows_the_line(count: int, tmp_path: Path) -> None:
    series = {f"score {index}": [(0.0, 1.0), (5.0, 2.0)] for index in range(count)}
    save(draw_curves(series, "a title"), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    ink = tuple(bytes.fromhex(LINE[1:]))
    assert bool((pixels == ink).all(-1).any()) == bool(count)


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(3.0, 2.0)],
        [(0.0, 1.0), (1.0, 1.0)],
        [(0.0, math.nan)],
        [(0.0, 1.0), (1.0, math.inf), (2.0, 3.0), (3.0, -math.inf), (4.0, 1e30)],
        [(float(index), math.sin(index)) for index in range(5000)],
        [(float(index), math.sin(index) if index % 7 else math.nan) for index in range(900)],
        [(float(index), 1e9 + index * 1e-7) for index in range(5)],
        [(0.0, 0.0), (1e-12, 1e-300)],
    ],
)
def test_curves_of_any_points_can_be_read(points: list[tuple[float, float]]) -> None:
    title = "a title longer than its panels, with $ and \\ and _ in it " * 5
    name = "task.a_score/of_a_name_that_is_longer_than_its_panel_is_wide/by_far"
    assert list_clashes(draw_curves({"loss": points, name: points}, title)) == []


def test_a_line_breaks_where_points_are_not_finite() -> None:
    points = [(0.0, 1.0), (1.0, 2.0), (2.0, math.nan), (3.0, 3.0), (4.0, 1.0)]
    assert len(list_lines(draw_curves({"a": points}, "a title"))) == 2


def test_a_noisy_line_is_drawn_with_its_mean_and_a_legend() -> None:
    noise = [(float(index), float(index % 2)) for index in range(1000)]
    figure = draw_curves({"loss": noise, "psnr": noise[:10]}, "a title")
    as_logged, mean = figure.axes[0].lines
    assert len(as_logged.get_xydata()) == 1000
    assert mean.get_ydata() == pytest.approx([0.5] * 100)
    assert len(figure.axes[1].lines) == 1
    assert [text.get_text() for text in figure.legends[0].texts] == [
        "as logged",
        "mean of neighbors",
    ]
    assert not draw_curves({"psnr": noise[:10]}, "a title").legends


@pytest.mark.parametrize(
    "words", ["two words", "learning.estimator", "WWWWWWWWWWWW" * 9, "", " a "]
)
def test_wrapped_words_fit_and_none_is_lost(words: str) -> None:
    lines = wrap(words, 1.0, NAME).split("\n")
    assert all(measure(line, NAME) <= 1.0 for line in lines)
    assert "".join(lines).replace(" ", "") == words.replace(" ", "")


def test_labels_of_a_bad_chart_are_found() -> None:
    with styled():
        figure = make_figure(4, 3, "a title")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1])
        axes.text(0.5, 0.5, "on the line")
        axes.text(0.5, 0.51, "on the label")
        figure.text(0.99, 0.5, "cut off")
    found = list_clashes(figure)
    assert "a line runs through 'on the line'" in found
    assert "'on the line' lies on 'on the label'" in found
    assert "'cut off' is cut off at a side" in found


PROGRAM = """
import sys
from pathlib import Path
from pixelrl.drawing.charts import save
from pixelrl.drawing.panels import draw_curves
for kind in ("png", "svg", "pdf"):
    points = [(0.0, 1.0), (5.0, 3.0)]
    save(draw_curves({"val/psnr": points, "b": points}, "a title"), Path(sys.argv[1]) / f"a.{kind}")
assert "matplotlib.pyplot" not in sys.modules
"""


def test_a_chart_is_the_same_file_every_time_and_needs_no_pyplot(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "1", "SOURCE_DATE_EPOCH": "1"}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path)]
    subprocess.run(command, check=True, env=environment)
    points = [(0.0, 1.0), (5.0, 3.0)]
    for kind in ("png", "svg", "pdf"):
        path = tmp_path / f"b.{kind}"
        save(draw_curves({"val/psnr": points, "b": points}, "a title"), path)
        assert path.read_bytes() == path.with_stem("a").read_bytes(), kind
    assert b"CreationDate" not in (tmp_path / "a.pdf").read_bytes()
    assert b"dc:date" not in (tmp_path / "a.svg").read_bytes()


def test_charts_neither_heed_nor_change_what_users_configured(tmp_path: Path) -> None:
    save(chart(), tmp_path / "a.svg")
    with mpl.rc_context({"lines.linewidth": 9, "font.family": "monospace", "axes.grid": False}):
        before = dict(mpl.rcParams)
        save(chart(), tmp_path / "b.svg")
        assert dict(mpl.rcParams) == before
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_failed_save_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deep" / "a.svg"
    save(chart(), path)
    before = path.read_bytes()

    def full(_: Figure, file: Path, **__: object) -> None:
        file.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(DataError, match=r"a\.svg: cannot be written: the disk is full"):
        save(chart(), path)
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before
