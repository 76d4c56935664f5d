"""Parallel coordinates: a line per trial through an axis per parameter, to the score it reached."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from pixelrl.drawing.charts import (
    MARGIN,
    NAME,
    SMALL,
    SOFT,
    make_figure,
    measure,
    styled,
    wrap,
    write_number,
)
from pixelrl.drawing.scale import Axis

State = Literal["finished", "stopped", "running", "failed"]
"""How a line's trial ended; ``stopped`` is one that was given up early."""
Band = tuple[float, float]
"""An axis' left and right side, in inches from the figure's left."""
TALL, SLOT, GAP, PAD = 3.0, 0.22, 1.1, 0.12
"""Inches: an axis' height, a category's at least, between axes, and beside an axis' labels."""
NARROWEST, WIDEST, FOOT = 5.0, 1.7, 0.62
"""Inches: the figure's width at least, a name's at most, and what is below the axes."""
BROAD, THIN = 2.6, 1.3
"""Points: the width of the best line, and of the others."""
BAND, GRAY = "#f5f5f5", "#9a9a9a"
COLORS: Final = mpl.colormaps["viridis_r"]
"""Even in lightness, and read by everyone."""
PALEST = 0.12
"""Where on the way from yellow to violet colors begin; yellow itself is hardly seen on white."""
LOOKS: Final[Mapping[State, tuple[str, Any]]] = {
    "finished": ("finished", "-"),
    "stopped": ("given up early", (0, (4, 1.5))),
    "running": ("running", (0, (6, 1.5, 1, 1.5))),
    "failed": ("failed", (0, (1, 1.5))),
}
"""What the legend says of a state, and its dashes."""


@dataclass(frozen=True)
class Line:
    """Describe one line.

    Attributes:
        values: by the axes' names.
        score: what was reached; None if nothing was.
        state: how it ended.
    """

    values: Mapping[str, Any]
    score: float | None
    state: State = "finished"


@styled()
def draw_parallel(
    axes: Sequence[Axis], lines: Sequence[Line], score: str, *, maximize: bool, title: str
) -> Figure:
    """Draw lines through axes in the colors of their scores.

    An axis is a band with its labels inside, where no line runs. Categories have slots, in which
    lines stand side by side in the order of their scores.

    Args:
        axes: from left to right; the score's is added.
        lines: in order; the best, of equals the first, is drawn last, broadest and darkest.
        score: the score's name.
        maximize: whether more of it is better.
        title: what stands above all.
    """
    # The best is first, then last, so that of equals the first is on top.
    ranked = sorted(lines, key=lambda line: -_rank(line, maximize=maximize))[::-1]
    known = [line.score for line in ranked if line.score is not None]
    arrow = "↑" if maximize else "↓"
    goal = Axis(f"{score} {arrow}", (min(known), max(known)) if known else (0.0, 1.0))
    every = [*axes, goal]
    names = [wrap(axis.name, WIDEST, NAME) for axis in every]
    bands, width = _place_bands(every, names)
    figure, canvas = _make_canvas(every, names, width, title)
    for axis, name, band in zip(every, names, bands, strict=True):
        _draw_axis(canvas, axis, name, band)
    if len(set(known)) > 1:
        _draw_colors(canvas, goal, bands[-1][1], maximize=maximize)
    columns = [axis.place([line.values[axis.name] for line in ranked]) for axis in axes]
    best = ranked[-1] if known else None
    for index, line in enumerate(ranked):
        heights = [column[index] for column in columns]
        color: Any = GRAY
        if line.score is not None:
            heights.append(goal.height(line.score))
            color = _color(goal, line.score, maximize=maximize)
            canvas.plot(bands[-1][0], heights[-1], "o", color=color, clip_on=False)
        patch = PathPatch(_swing(bands, heights), fill=False, color=color, clip_on=False)
        patch.set(
            lw=BROAD if line is best else THIN, ls=LOOKS[line.state][1], zorder=2 + index / 1e4
        )
        canvas.add_patch(patch)
    _explain(figure, ranked, best)
    return figure


def _rank(line: Line, *, maximize: bool) -> float:
    """Sort what failed before the worst, and the best last."""
    if line.score is None:
        return -math.inf
    return line.score if maximize else -line.score


def _place_bands(axes: Sequence[Axis], names: Sequence[str]) -> tuple[list[Band], float]:
    """Find every axis' left and right side and the figure's width, in inches."""
    bands = [max(measure(label, SMALL) for _, label in axis.marks()) + 2 * PAD for axis in axes]
    titles = [max(measure(line, NAME) for line in name.split("\n")) for name in names]
    half = [max(band, title + 2 * PAD) / 2 for band, title in zip(bands, titles, strict=True)]
    steps = [
        max((bands[i] + bands[i + 1]) / 2 + GAP, half[i] + half[i + 1])
        for i in range(len(axes) - 1)
    ]
    width = sum(steps) + half[0] + half[-1] + 2 * MARGIN
    spare = max(NARROWEST - width, 0) / max(len(steps), 1)
    middle, found = MARGIN + half[0], []
    for band, step in zip(bands, [*steps, 0.0], strict=True):
        found.append((middle - band / 2, middle + band / 2))
        middle += step + spare
    return found, max(width, NARROWEST)


def _make_canvas(
    axes: Sequence[Axis], names: Sequence[str], width: float, title: str
) -> tuple[Figure, Axes]:
    """Make a figure and in it axes of inches across and of heights in [0, 1]."""
    tall = max(TALL, SLOT * max(len(axis.categories) for axis in axes))
    head = 0.65 + NAME * 1.2 / 72 * max(name.count("\n") + 1 for name in names)
    figure = make_figure(width, FOOT + tall + head, title)
    figure.set_layout_engine("none")  # places are known
    height = figure.get_figheight()
    canvas = figure.add_axes((0, FOOT / height, 1, tall / height))
    canvas.set(xlim=(0, width), ylim=(0, 1))
    canvas.set_axis_off()
    return figure, canvas


def _draw_axis(canvas: Axes, axis: Axis, name: str, band: Band) -> None:
    """Draw a band with its labels, rails with marks, and its name above."""
    left, right = band
    canvas.add_patch(Rectangle((left, 0), right - left, 1, color=BAND, lw=0, clip_on=False))
    canvas.vlines([left, right], 0, 1, SOFT, lw=0.8, clip_on=False)
    canvas.annotate(
        name, ((left + right) / 2, 1), (0, 10), textcoords="offset points", ha="center", size=NAME
    )
    for height, label in axis.marks():
        canvas.text((left + right) / 2, height, label, ha="center", va="center", color=SOFT)
        if not axis.categories:
            canvas.hlines(
                [height] * 2,
                [left, right - 0.04],
                [left + 0.04, right],
                SOFT,
                lw=0.8,
                clip_on=False,
            )


def _draw_colors(canvas: Axes, goal: Axis, left: float, *, maximize: bool) -> None:
    """Draw what the colors mean beside the score's axis."""
    edges = np.linspace(0, 1, 65)
    scores = goal.ends[0] + edges[:-1] * (goal.ends[1] - goal.ends[0])
    colors = [[_color(goal, float(score), maximize=maximize)] for score in scores]
    canvas.pcolormesh([left, left + 0.08], edges, colors, edgecolors="face", lw=0.1)


def _swing(bands: Sequence[Band], heights: Sequence[float]) -> Path:
    """Swing from band to band, so that lines through one place can be told apart."""
    places: list[tuple[float, float]] = []
    reached = [(*band, height) for band, height in zip(bands, heights, strict=False)]
    for (_, start, low), (end, _, high) in pairwise(reached):
        middle = (start + end) / 2
        places += [(start, low), (middle, low), (middle, high), (end, high)]
    codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4] * (len(places) // 4)
    return Path(places or [(0, 0)], codes or None)


def _color(goal: Axis, score: float, *, maximize: bool) -> tuple[float, float, float, float]:
    """Choose a score's color: violet for the best, pale green for the worst."""
    varied = goal.ends[0] < goal.ends[1]
    good = goal.height(score) if maximize else 1 - goal.height(score)
    return COLORS(PALEST + (1.0 - PALEST) * (good if varied else 1.0))


def _explain(figure: Figure, lines: Sequence[Line], best: Line | None) -> None:
    """Tell below what widths and dashes mean."""
    handles = []
    if best is not None and best.score is not None:
        told = f"best: {write_number(best.score)}"
        handles.append(Line2D([], [], color=COLORS(1.0), lw=BROAD, label=told))
    for state, (told, dashes) in LOOKS.items():
        if any(line.state == state for line in lines):
            color = GRAY if state == "failed" else COLORS(0.5)
            handles.append(Line2D([], [], color=color, lw=THIN, ls=dashes, label=told))
    place = (MARGIN / figure.get_figwidth(), MARGIN / figure.get_figheight())
    figure.legend(handles=handles, ncols=5, loc="lower left", bbox_to_anchor=place)
