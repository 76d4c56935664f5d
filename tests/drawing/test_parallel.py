"""Parallel coordinates: every line is where its values are, and no label is crossed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from pixelrl.drawing.parallel import GRAY, Line, draw_parallel
from pixelrl.drawing.scale import Axis
from readable import list_clashes

AXES = (
    Axis("rate", (1e-4, 1e-2), logarithmic=True),
    Axis("spread", categories=(0, 9, 33)),
    Axis("window", (1.0, 40.0), whole=True),
)


def line(rate: float, spread: int, score: float | None, state: str = "finished") -> Line:
    return Line({"rate": rate, "spread": spread, "window": 20}, score, state)  # type: ignore[arg-type]


def list_patches(figure: Figure) -> list[PathPatch]:
    """List the trials' lines from the lowest to that on top."""
    found = [each for each in figure.axes[0].patches if type(each) is PathPatch]
    return sorted(found, key=lambda patch: patch.get_zorder())


def lightness(patch: PathPatch) -> float:
    red, green, blue = to_rgb(patch.get_edgecolor())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def heights(patch: PathPatch) -> list[float]:
    """List where a line begins and where it reaches each further axis."""
    places = patch.get_path().vertices
    return [places[0][1], *(float(y) for _, y in places[3::4])]


@pytest.mark.parametrize("maximize", [True, False])
def test_the_best_is_on_top_darkest_and_broadest(*, maximize: bool) -> None:
    lines = [line(1e-3, 9, score) for score in (2.0, 1.0, 3.0)]
    *others, best = list_patches(
        draw_parallel(AXES, lines, "m", maximize=maximize, title="t"),
    )
    assert heights(best)[-1] == (1.0 if maximize else 0.0)
    assert all(lightness(best) < lightness(other) for other in others)
    assert all(best.get_linewidth() > other.get_linewidth() for other in others)
    equal = [line(1e-2, 9, 1.0), line(1e-4, 9, 1.0)]
    best = list_patches(draw_parallel(AXES, equal, "m", maximize=maximize, title="t"))[-1]
    assert heights(best)[0] == 1.0  # of equals, the first


def test_values_are_where_their_scales_put_them() -> None:
    lines = [line(1e-4, 0, 1.0), line(1e-3, 9, 2.0), line(1e-2, 33, 3.0)]
    found = list_patches(draw_parallel(AXES, lines, "m", maximize=True, title="t"))
    wanted = [[at, (2 * n + 1) / 6, 19 / 39, at] for n, at in enumerate((0.0, 0.5, 1.0))]
    assert [heights(patch) for patch in found] == [pytest.approx(row) for row in wanted]


def test_lines_of_one_category_stand_side_by_side_in_order() -> None:
    lines = [line(1e-3, 9, score) for score in (5.0, 1.0, 3.0)]
    found = list_patches(draw_parallel(AXES, lines, "m", maximize=True, title="t"))
    places = [heights(patch)[1] for patch in found]
    assert places == sorted(set(places))
    assert all(1 / 3 < place < 2 / 3 for place in places)


def test_categories_that_are_equal_in_python_are_told_apart() -> None:
    axis = Axis("a", categories=(1, True, 1.0, "1"))
    assert axis.place([1, True, 1.0, "1"]) == [0.125, 0.375, 0.625, 0.875]


def test_every_end_looks_different_and_is_explained() -> None:
    lines = [
        line(1e-3, 0, 1.0),
        line(2e-3, 9, 0.5, "stopped"),
        line(3e-3, 33, None, "failed"),
        line(4e-3, 33, 0.7, "running"),
    ]
    figure = draw_parallel(AXES, lines, "val/psnr", maximize=True, title="t")
    found = list_patches(figure)
    assert len({str(patch.get_linestyle()) for patch in found}) == 4
    assert to_rgb(found[0].get_edgecolor()) == to_rgb(GRAY)
    assert len(heights(found[0])) == len(heights(found[1])) - 1  # it reached no score
    told = [text.get_text() for text in figure.legends[0].texts]
    assert told == ["best: 1", "finished", "given up early", "running", "failed"]
    only = draw_parallel(AXES, lines[:1], "m", maximize=True, title="t")
    assert [text.get_text() for text in only.legends[0].texts] == ["best: 1", "finished"]


def test_a_logarithmic_axis_is_marked_at_round_numbers() -> None:
    marks = {label: height for height, label in AXES[0].marks()}
    assert list(marks) == ["0.0001", "0.0002", "0.0005", "0.001", "0.002", "0.005", "0.01"]
    assert marks["0.001"] == pytest.approx(0.5)
    far = [label for _, label in Axis("a", (1e-9, 1.0), logarithmic=True).marks()]
    assert far == ["1e\N{MINUS SIGN}08", "1e\N{MINUS SIGN}06", "0.0001", "0.01", "1"]
    assert [label for _, label in AXES[2].marks()] == ["10", "20", "30", "40"]
    assert Axis("a", (7.25, 7.25)).marks() == [(0.5, "7.25")]
    narrow = Axis("a", (1.11, 1.12), logarithmic=True).marks()
    assert [label for _, label in narrow] == ["1.11", "1.112", "1.114", "1.116", "1.118", "1.12"]


@settings(max_examples=10)  # a drawing each
@given(
    names=st.lists(
        st.sampled_from(["a", "learning.estimator", "task.weights.of_a_very_long_name_indeed"]),
        max_size=4,
    ),
    values=st.lists(st.sampled_from(["p", "a category", "x" * 60, "12"]), min_size=1, unique=True),
    scores=st.lists(st.floats(-1e6, 1e6) | st.none(), max_size=4),
)
def test_no_line_runs_through_a_label(
    names: list[str], values: list[str], scores: list[float | None]
) -> None:
    axes = []
    for number, name in enumerate(names):
        axes.append(Axis(f"{name}{number}", (0.001, 0.1), logarithmic=bool(number % 2)))
        axes.append(Axis(f"{name}{number}?", categories=values))
    lines = [
        Line({axis.name: values[0] if axis.categories else 0.05 for axis in axes}, score)
        for score in scores
    ]
    title = "a title that is longer than a narrow figure is wide, and yet is not cut off"
    assert list_clashes(draw_parallel(axes, lines, "val/psnr", maximize=True, title=title)) == []
