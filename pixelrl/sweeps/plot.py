"""A picture of a sweep: an axis per parameter, a line per trial, colored by what it reached."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from pixelrl.drawing.charts import (
    FINE,
    INK,
    SMALL,
    SOFT,
    TEXT,
    TITLE,
    Point,
    finished,
    line,
    text,
    ticks,
)
from pixelrl.sweeps.space import Choice, Number, Parameter, Value

SPACING, MARGIN = 190, 90
TOP, BOTTOM, HEIGHT = 92, 372, 410
"""Where the axes begin and end, and the picture's height, in pixels."""
COLORS = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
"""Viridis at five places, from the worst to the best: even in lightness, and read by everyone."""
FAILED = "#cccccc"


@dataclass(frozen=True)
class Axis:
    """Hold one axis.

    Attributes:
        name: what stands above it.
        marks: the labels along it, by height in [0, 1].
    """

    name: str
    marks: Sequence[tuple[float, str]]


def parallel_coordinates(
    space: Sequence[Parameter],
    trials: Sequence[tuple[Mapping[str, Value], float | None]],
    metric: str,
    *,
    maximize: bool,
    title: str,
) -> Tensor:
    """Draw a sweep.

    Args:
        space: its parameters; those that do not vary are left out.
        trials: the settings of each and the metric it reached, None if it failed.
        metric: the metric's name.
        maximize: whether more of it is better; the best trial is drawn on top, in the last color.
        title: what stands above all.

    Returns:
        ``(3,h,w)`` RGB in [0, 1].
    """
    varied = [p for p in space if not isinstance(p, Choice) or len(p.values) > 1]
    known = [reached for _, reached in trials if reached is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    axes = [*(_axis(parameter) for parameter in varied), _metric_axis(metric, low, high)]
    width = max(2 * MARGIN + SPACING * (len(axes) - 1), 420)
    sheet = Image.new("RGB", (FINE * width, FINE * HEIGHT), "white")
    draw = ImageDraw.Draw(sheet)
    text(draw, (16, 26), title, "lm", TITLE)
    across = [MARGIN + index * (width - 2 * MARGIN) / (len(axes) - 1) for index in range(len(axes))]
    for settings, reached in sorted(trials, key=lambda trial: _rank(trial[1], maximize=maximize)):
        heights = [_height(parameter, settings[parameter.name]) for parameter in varied]
        share = None if reached is None else _share(reached, low, high)
        if share is not None:
            heights.append(share)
        color = FAILED if share is None else _color(share if maximize else 1 - share)
        places = [(x, _down(height)) for x, height in zip(across, heights, strict=False)]
        line(draw, _swung(places), color, 2)
    for x, axis in zip(across, axes, strict=True):
        _draw_axis(draw, x, axis)
    return finished(sheet)


def _axis(parameter: Parameter) -> Axis:
    """Label a parameter's axis with its values, or with round numbers where it has a range."""
    if isinstance(parameter, Choice):
        return Axis(
            parameter.name,
            [(_height(parameter, value), _label(value)) for value in parameter.values],
        )
    places = (0.001, 0.25, 0.5, 0.75, 0.999) if parameter.normal else (0.0, 0.25, 0.5, 0.75, 1.0)
    ends = [parameter.at(place) for place in places]
    if parameter.logarithmic or parameter.normal:
        marks = [float(f"{value:.1e}") for value in ends]
    else:
        marks = ticks(ends[0], ends[-1])
    return Axis(parameter.name, [(_height(parameter, mark), f"{mark:g}") for mark in marks])


def _metric_axis(name: str, low: float, high: float) -> Axis:
    if low == high:
        return Axis(name, [(0.5, f"{low:.4g}")])
    return Axis(name, [(_share(mark, low, high), f"{mark:g}") for mark in ticks(low, high)])


def _height(parameter: Parameter, value: Value) -> float:
    """Place a value on its axis, 0 at the foot and 1 at the top."""
    if isinstance(parameter, Number):
        return parameter.unit(value)
    return (parameter.index(value) + 0.5) / len(parameter.values)


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _rank(reached: float | None, *, maximize: bool) -> float:
    if reached is None:
        return -math.inf
    return reached if maximize else -reached


def _down(height: float) -> float:
    return BOTTOM - height * (BOTTOM - TOP)


def _color(share: float) -> str:
    """Mix the color at a share in [0, 1] of the way from the worst to the best."""
    place = share * (len(COLORS) - 1)
    first = min(int(place), len(COLORS) - 2)
    one, other = (_channels(COLORS[first + step]) for step in (0, 1))
    mixed = (round(a + (b - a) * (place - first)) for a, b in zip(one, other, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _channels(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color.removeprefix("#")))


def _swung(places: Sequence[Point]) -> list[Point]:
    """Swing from axis to axis, so that lines through one place can be told apart."""
    found = list(places[:1])
    for (x0, y0), (x1, y1) in pairwise(places):
        for step in range(1, 25):
            share = step / 24
            eased = share * share * (3 - 2 * share)
            found.append((x0 + share * (x1 - x0), y0 + eased * (y1 - y0)))
    return found


def _draw_axis(draw: ImageDraw.ImageDraw, x: float, axis: Axis) -> None:
    line(draw, [(x, TOP), (x, BOTTOM)], SOFT, 1)
    text(draw, (x, TOP - 26), axis.name, "mm", TEXT)
    for height, label in axis.marks:
        y = _down(height)
        line(draw, [(x - 4, y), (x, y)], SOFT, 1)
        # A white rim, since lines may pass below the label.
        draw.text(
            (FINE * (x - 8), FINE * y),
            label,
            fill=INK,
            font=ImageFont.load_default(FINE * SMALL),
            anchor="rm",
            stroke_width=FINE * 2,
            stroke_fill="white",
        )


def _label(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
