"""Small multiples: a panel for each of several series, since their scales differ."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from pixelrl.drawing.charts import (
    LINE,
    MARKED,
    NAME,
    SMALL,
    SOFT,
    Points,
    make_figure,
    measure,
    set_round_ticks,
    styled,
    wrap,
    write_number,
)

PANEL = (3.6, 2.2)
"""Width and height of one of several plots, in inches."""
BESIDE = 1.15
"""Inches of it that names must leave to tick labels and margins."""
ACROSS = 4
"""The most panels in a row."""
MANY = 300
"""A line of more points is drawn pale, with its mean over it."""
PALE = "#b8d8ea"


@styled()
def draw_curves(series: Mapping[str, Points], title: str, x: str = "episode") -> Figure:
    """Draw learning curves, a panel for each, since their scales differ.

    Args:
        series: ``(x, y)`` points by name, in order of x; points that are not finite are left out
            and the line breaks there.
        title: what stands above all.
        x: what the horizontal axis counts.
    """
    across = max(1, min(ACROSS, math.ceil(math.sqrt(len(series)))))
    down = math.ceil(len(series) / across)
    noisy = any(len(points) > MANY for points in series.values())
    figure = make_figure(across * PANEL[0], down * PANEL[1] + (0.85 if noisy else 0.6), title)
    first: Axes | None = None
    for index, (name, points) in enumerate(series.items()):
        axes = figure.add_subplot(down, across, index + 1, sharex=first)
        first = first or axes
        _draw_panel(axes, name, points)
        if index + across >= len(series):
            axes.set_xlabel(x)
    if noisy:
        told = {"as logged": PALE, "mean of neighbors": LINE}
        handles = [Line2D([], [], color=color, label=name) for name, color in told.items()]
        figure.legend(handles=handles, loc="outside lower left", ncols=2, borderaxespad=1.4)
    return figure


def _draw_panel(axes: Axes, name: str, points: Points) -> None:
    """Draw one series: its name, its last value, axes and line."""
    place = np.array(points, float).reshape(-1, 2)
    known = np.isfinite(place).all(1)
    place[~known, 1] = np.nan
    set_round_ticks(axes, whole=True)
    if not known.any():
        axes.text(0.5, 0.5, "no values", ha="center", color=SOFT, transform=axes.transAxes)
        axes.set_yticks([])
        axes.set_title(wrap(name, PANEL[0] - BESIDE, NAME))
        return
    last = f"last {write_number(place[known][-1, 1])}"
    axes.set_title(wrap(name, PANEL[0] - BESIDE - measure(last, SMALL), NAME))
    axes.set_title(last, loc="right", fontsize=SMALL, color=SOFT)
    many = len(place) > MANY
    marker = "o" if known.sum() <= MARKED else ""
    axes.plot(*place.T, color=PALE if many else LINE, marker=marker, lw=0.8 if many else None)
    if many:
        axes.plot(*_smooth(place).T, color=LINE)


def _smooth(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average neighbors ``(N,2)``, so that about a hundred places are left of a noisy line."""
    size = len(place) // 100
    parts = [place[start : start + size] for start in range(0, len(place), size)]
    kept = [part[np.isfinite(part[:, 1])] for part in parts]
    gap = np.array([np.nan, np.nan])
    return np.stack([part.mean(0) if len(part) else gap for part in kept])
