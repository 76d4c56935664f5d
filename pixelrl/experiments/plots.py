"""Plots of an evaluation: entropy beside error, and scores step by step."""

import math
from collections.abc import Mapping

from PIL import Image, ImageDraw
from torch import Tensor

from pixelrl.drawing.charts import (
    FINE,
    LINE,
    SMALL,
    SOFT,
    TEXT,
    TITLE,
    Point,
    Points,
    axes,
    curves,
    dot,
    finished,
    line,
    span,
    text,
)
from pixelrl.experiments.calibration import Tally, group_pixels, remaining, summarize
from pixelrl.runs.tables import Table, group_rows, mean_values, means

SECOND = "#d55e00"
"""The color of a second line."""
MOST = 0.95
"""The largest share that is left out; beyond it a few pixels make the curve."""
WEAK = 0.2
"""A correlation nearer to zero counts as none."""
SIZE = (920, 400)
LEFT, RIGHT = (72, 84, 440, 336), (536, 84, 904, 336)
"""The two plots: left, top, right, bottom."""


def calibration_plot(found: Tally, title: str) -> Tensor:
    """Draw how the error grows with the policy's entropy, and falls without uncertain pixels.

    Args:
        found: the counts, of at least one pixel.
        title: what stands above.

    Returns:
        ``(3,h,w)`` RGB in [0, 1].
    """
    sheet = Image.new("RGB", (FINE * SIZE[0], FINE * SIZE[1]), "white")
    draw = ImageDraw.Draw(sheet)
    numbers = summarize(found)
    text(draw, (16, 28), title, "lm", TITLE)
    correlation = numbers["rank_correlation"]
    told = f"rank correlation {correlation:.2f}: {verdict(correlation)}"
    text(draw, (SIZE[0] - 16, 28), told, "rm", TEXT, SOFT)
    means = [(group.entropy, group.error) for group in group_pixels(found)]
    _plot(draw, LEFT, "mean error, gray levels", "entropy of the policy, nats", {LINE: means})
    by_entropy, by_error = remaining(found)
    lines = {SECOND: by_error, LINE: by_entropy}
    shown = {
        color: [point for point in curve if point[0] <= MOST] for color, curve in lines.items()
    }
    name = "mean error of the rest, gray levels"
    _plot(draw, RIGHT, name, "share of the pixels left out", shown)
    left, bottom = RIGHT[0] + 10, RIGHT[3]
    text(draw, (left, bottom - 32), "left out by entropy, highest first", "lm", SMALL, LINE)
    text(draw, (left, bottom - 14), "left out by error: the best there is", "lm", SMALL, SECOND)
    return finished(sheet)


def steps_plot(table: Table) -> Tensor:
    """Draw how every score moves from step to step, in the mean over images.

    Args:
        table: of ``image``, ``step`` and scores; every image has all steps, in order.

    Returns:
        ``(3,h,w)`` RGB in [0, 1].
    """
    groups = group_rows(table, "step")
    series: dict[str, list[Point]] = {name: [] for name in table.measured}
    for step, group in groups.items():
        for name, value in mean_values(means(group)).items():
            series[name].append((float(step or 0), math.nan if value is None else value))
    return curves(series, f"Step by step, mean of {len(groups[0].rows)}", "step")


def verdict(correlation: float) -> str:
    """Say in words what a rank correlation of entropy and error means."""
    if math.isnan(correlation):
        return "entropy or error is the same everywhere"
    if abs(correlation) < WEAK:
        return "entropy tells little of the error"
    return f"it errs most where it is {'un' if correlation > 0 else ''}decided"


def _plot(
    draw: ImageDraw.ImageDraw,
    box: tuple[int, int, int, int],
    y_name: str,
    x_name: str,
    curves: Mapping[str, Points],
) -> None:
    """Draw lines by their colors into one plot, from zero upwards."""
    left, top, right, bottom = box
    text(draw, (left, top - 16), y_name, "lm", TEXT)
    text(draw, ((left + right) / 2, bottom + 36), x_name, "mm", SMALL, SOFT)
    points = [point for curve in curves.values() for point in curve]
    x0, x1 = span([x for x, _ in points], 0)
    y0, y1 = span([0.0, *(y for _, y in points)], 0)

    def place(x: float, y: float) -> Point:
        across, up = (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)
        return left + across * (right - left), bottom - up * (bottom - top)

    axes(draw, place, (x0, x1), (y0, y1))
    for color, curve in curves.items():
        places = [place(*point) for point in curve]
        line(draw, places, color)
        if len(places) <= 30:
            for at in places:
                dot(draw, at, color)
