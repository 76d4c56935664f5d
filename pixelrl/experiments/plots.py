"""Plots of an evaluation: uncertainty beside error, and scores step by step."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pixelrl.declaration import find_score
from pixelrl.drawing.charts import (
    LINE,
    MARKED,
    SECOND,
    SMALL,
    Point,
    Points,
    make_figure,
    set_round_ticks,
    styled,
)
from pixelrl.drawing.panels import draw_curves
from pixelrl.experiments.calibration import Measure, Tally, group_pixels, remaining, summarize
from pixelrl.runs.tables import Table, group_rows, mean_values, means

UNITS = {"doubt": "doubt (gray levels)", "entropy": "entropy of the policy (nats)"}
"""How an axis of either is named."""
MOST = 0.95
"""The largest share that is left out; beyond it a few pixels make the curve."""
WEAK = 0.2
"""A correlation nearer to zero counts as none."""
SIZE = (9.2, 4.0)
"""Width and height of the calibration plot, in inches."""


@styled()
def draw_calibration(found: Tally, title: str) -> Figure:
    """Draw how the error grows with agents' doubt or entropy, and falls without uncertain pixels.

    Args:
        found: the counts, of at least one pixel.
        title: what stands above.
    """
    figure = make_figure(*SIZE, title)
    left, right = figure.subplots(1, 2)
    correlation = summarize(found)["rank_correlation"]
    told = f"rank correlation {correlation:.2f}:\n{verdict(correlation, found.measure)}"
    left.set_title(told, fontsize=SMALL)
    _draw_line(left, [(group.doubt, group.error) for group in group_pixels(found)], LINE)
    left.set_xlabel(UNITS[found.measure])
    left.set_ylabel("mean error (gray levels)")
    by_doubt, by_error = (
        [point for point in curve if point[0] <= MOST] for curve in remaining(found)
    )
    _draw_line(right, by_doubt, LINE, f"left out by {found.measure}, highest first")
    _draw_line(right, by_error, SECOND, "left out by error: the best there is")
    # Above the plot, where no line runs.
    right.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.4)
    right.set_xlabel("share of the pixels left out")
    right.set_ylabel("mean error of the rest (gray levels)")
    for axes in (left, right):
        set_round_ticks(axes, 10)
        axes.set_ylim(bottom=0)
    return figure


def draw_steps(table: Table) -> Figure:
    """Draw how every score moves from step to step, in the mean over images.

    Args:
        table: of ``image``, ``step`` and scores; every image has all steps, in order.
    """
    groups = group_rows(table, "step")
    series: dict[str, list[Point]] = {name: [] for name in table.measured}
    for step, group in groups.items():
        for name, value in mean_values(means(group)).items():
            series[name].append((float(step or 0), math.nan if value is None else value))
    named = {find_score(table.declared, name).head: points for name, points in series.items()}
    return draw_curves(named, f"Step by step, mean of {len(groups[0].rows)}", "step")


def verdict(correlation: float, measure: Measure = "entropy") -> str:
    """Say in words what a rank correlation of doubt or entropy with error means."""
    if math.isnan(correlation):
        return f"{measure} or error is the same everywhere"
    if abs(correlation) < WEAK:
        return f"{measure} tells little of the error"
    return f"it errs most where it is {'un' if correlation > 0 else ''}decided"


def _draw_line(axes: Axes, points: Points, color: str, name: str = "") -> None:
    marker = "o" if len(points) <= MARKED else ""
    axes.plot(*zip(*points, strict=True), color=color, marker=marker, label=name)
