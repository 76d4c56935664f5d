"""Line charts of what a run logged, drawn with Pillow alone."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

Point = tuple[float, float]
Points = Sequence[Point]
Place = Callable[[float, float], Point]

FINE = 3
"""Everything is drawn this many times too large, then reduced: Pillow's lines have hard edges."""
PANEL = (420, 250)
PLOT = (64, 34, 404, 210)
"""The plot inside its panel: left, top, right, bottom."""
TITLE, TEXT, SMALL = 20, 15, 13
INK, SOFT, GRID, LINE, PALE = "#1a1a1a", "#6b6b6b", "#e4e4e4", "#0072b2", "#b8d8ea"
MANY = 300
"""A line of more points is drawn pale, with its mean over it."""


def curves(series: Mapping[str, Points], title: str, x: str = "episode") -> Tensor:
    """Draw learning curves, a panel for each, since their scales differ.

    Args:
        series: ``(x, y)`` points by name, in order of x; points that are not finite are left out
            and the line breaks there.
        title: what stands above all.
        x: what the horizontal axis counts.

    Returns:
        ``(3,h,w)`` RGB in [0, 1].
    """
    across = max(1, min(3, math.ceil(math.sqrt(len(series)))))
    down = math.ceil(len(series) / across)
    needed = math.ceil(ImageFont.load_default(TITLE).getlength(title)) + 32
    width, height = max(across * PANEL[0] + 16, needed), down * PANEL[1] + 56
    sheet = Image.new("RGB", (FINE * width, FINE * height), "white")
    draw = ImageDraw.Draw(sheet)
    text(draw, (16, 28), title, "lm", TITLE)
    for index, (name, points) in enumerate(series.items()):
        row, column = divmod(index, across)
        left, top = column * PANEL[0], row * PANEL[1] + 48
        _panel(draw, (left, top), name, points)
        if index + across >= len(series):
            text(draw, (left + (PLOT[0] + PLOT[2]) / 2, top + PLOT[3] + 32), x, "mm", SMALL, SOFT)
    return finished(sheet)


def finished(sheet: Image.Image) -> Tensor:
    """Reduce a sheet drawn `FINE` times too large, to ``(3,h,w)`` RGB in [0, 1]."""
    small = sheet.reduce(FINE)
    pixels = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8)
    return pixels.view(small.height, small.width, 3).movedim(-1, 0) / 255


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Find round numbers in a range, 1, 2 or 5 times a power of ten apart.

    Args:
        low: the least value.
        high: the greatest value, above ``low``.
        about: how many are wanted.

    Returns:
        At least one multiple of the step, ascending, all within the range.

    Example:
        >>> ticks(0, 1000)
        [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]
    """
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * max(factor for factor in (1, 2, 5) if factor * power <= rough * (1 + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [
        round(index * step, 12 - math.floor(math.log10(step))) for index in range(first, last + 1)
    ]


def _panel(draw: ImageDraw.ImageDraw, at: tuple[int, int], name: str, points: Points) -> None:
    """Draw one series: its name, its last value, axes and line."""
    left, top, right, bottom = (side + at[i % 2] for i, side in enumerate(PLOT))
    text(draw, (left, top - 14), name, "lm", TEXT)
    runs = _runs(points)
    if not runs:
        text(draw, ((left + right) / 2, (top + bottom) / 2), "no values", "mm", SMALL, SOFT)
        return
    finite = [point for run in runs for point in run]
    text(draw, (right, top - 14), f"last {finite[-1][1]:.4g}", "rm", SMALL, SOFT)
    x0, x1 = span([point[0] for point in finite], 0)
    y0, y1 = span([point[1] for point in finite], 0.06)

    def place(x: float, y: float) -> Point:
        across, up = (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)
        return left + across * (right - left), bottom - up * (bottom - top)

    axes(draw, place, (x0, x1), (y0, y1))
    for run in runs:
        _curve(draw, [place(*point) for point in run])
    if len(finite) <= 30:
        for point in finite:
            dot(draw, place(*point))


def axes(draw: ImageDraw.ImageDraw, place: Place, x: Point, y: Point) -> None:
    """Draw faint lines at round heights, and a floor with ticks; x and y are (from, to)."""
    for value in ticks(*y):
        left, right = place(x[0], value), place(x[1], value)
        line(draw, [left, right], GRID, 1)
        text(draw, (left[0] - 8, left[1]), _number(value), "rm", SMALL, SOFT)
    for value in ticks(*x):
        across, floor = place(value, y[0])
        line(draw, [(across, floor), (across, floor + 4)], SOFT, 1)
        text(draw, (across, floor + 14), _number(value), "mm", SMALL, SOFT)
    line(draw, [place(x[0], y[0]), place(x[1], y[0])], SOFT, 1)


def _curve(draw: ImageDraw.ImageDraw, places: Points) -> None:
    """Draw a line, or a pale one with its mean over it where it has very many points."""
    many = len(places) > MANY
    line(draw, places, PALE if many else LINE, 1 if many else 2)
    if many:
        line(draw, _smooth(places), LINE, 2)


def _runs(points: Points) -> list[list[Point]]:
    """Cut a series where it is not finite."""
    runs: list[list[Point]] = [[]]
    for x, y in points:
        if math.isfinite(x) and math.isfinite(y):
            runs[-1].append((float(x), float(y)))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _smooth(places: Points) -> list[Point]:
    """Average neighbors, so that about a hundred places are left of a noisy line."""
    size = len(places) // 100
    parts = [places[start : start + size] for start in range(0, len(places), size)]
    return [(fmean(x for x, _ in part), fmean(y for _, y in part)) for part in parts]


def span(values: Sequence[float], margin: float) -> Point:
    """Find an axis' ends: a margin around the values, and some room around a single one."""
    low, high = min(values), max(values)
    room = (high - low) * margin
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-9):
        room = max(abs(low), 1.0) / 2
    return low - room, high + room


def _number(value: float) -> str:
    """Write a tick: 0.25, 300, 20k, 1e-06."""
    thousands = abs(value) >= 10_000 and value % 100 == 0 and abs(value) < 1e6
    return f"{value / 1000:g}k" if thousands else f"{value:g}"


def text(
    draw: ImageDraw.ImageDraw,
    at: Point,
    words: str,
    anchor: str,
    size: int,
    fill: str = INK,
) -> None:
    """Set a line of text, its size in pixels of the finished picture."""
    font = ImageFont.load_default(FINE * size)
    draw.text((FINE * at[0], FINE * at[1]), words, fill=fill, font=font, anchor=anchor)


def line(draw: ImageDraw.ImageDraw, points: Points, fill: str, width: int = 2) -> None:
    """Draw a line through points."""
    places = [(FINE * x, FINE * y) for x, y in points]
    draw.line(places, fill=fill, width=FINE * width, joint="curve")


def dot(draw: ImageDraw.ImageDraw, at: Point, fill: str = LINE) -> None:
    """Mark a measured point where there are few."""
    draw.circle((FINE * at[0], FINE * at[1]), FINE * 3, fill=fill)
