"""Charts of numbers: one style for all of them, and one way to write them.

matplotlib is used by its objects alone, without pyplot and without a change of its global settings.
It is imported here and by the files that draw; import those when there is something to draw.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from pixelrl.drawing.palette import PALETTE
from pixelrl.images.files import whole_picture

Point = tuple[float, float]
Points = Sequence[Point]

COLORS: Final = tuple(f"#{code.lower()}" for code in PALETTE.split())
LINE, SECOND = COLORS[0], COLORS[3]
INK, SOFT, GRID = "#1a1a1a", "#6b6b6b", "#e4e4e4"
FONT = "DejaVu Sans"
"""It comes with matplotlib, so that charts look the same everywhere."""
TITLE, NAME, SMALL = 13.0, 10.0, 8.5
"""Sizes of text, in points."""
STYLE: Final[dict[str, Any]] = {
    "figure.dpi": 150,
    "font.family": FONT,
    "font.size": SMALL,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "figure.titlesize": TITLE,
    "axes.titlesize": NAME,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.8,
    "axes.spines.left": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": GRID,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "ytick.major.size": 0,
    "lines.linewidth": 1.6,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "legend.borderpad": 0,
    "legend.borderaxespad": 0,
    "savefig.dpi": "figure",
    "svg.hashsalt": "pixelrl",  # names within a file depend on nothing but the chart
    "pdf.fonttype": 42,  # text stays text, as journals want it
}
UNDATED: Final = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
MARGIN = 0.16
"""Inches around a figure."""
MARKED = 30
"""Up to so many points, each is marked."""


@contextmanager
def styled() -> Iterator[None]:
    """Draw in our style within, or in a function that this decorates, whatever users configured."""
    with style.context(["default", STYLE]):
        yield


@styled()
def make_figure(width: float, height: float, title: str) -> Figure:
    """Make an empty figure, its parts arranged by themselves.

    Args:
        width: in inches.
        height: in inches; lines of the title beyond the first add to it.
        title: what stands above all, wrapped to the width.
    """
    lines = wrap(title, width - 2 * MARGIN, TITLE)
    height += TITLE * 1.2 / 72 * lines.count("\n")
    figure = Figure((width, height), layout="constrained")
    pads = {"w_pad": MARGIN, "h_pad": 0.7 * MARGIN, "wspace": 0.02, "hspace": 0.04}
    figure.get_layout_engine().set(**pads)  # type: ignore[union-attr]
    figure.suptitle(lines, x=MARGIN / width, ha="left")
    return figure


@styled()
def save(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all; the same chart always makes the same file.

    Args:
        figure: what `make_figure` has begun.
        path: ``.png``, ``.svg`` or ``.pdf``; its folder is made.

    Raises:
        DataError: the file cannot be written.
    """
    kind = path.suffix[1:]
    with whole_picture(path) as part:
        figure.savefig(part, format=kind, metadata=UNDATED[kind])


def set_round_ticks(axes: Axes, many: int = 6, *, whole: bool = False) -> None:
    """Set a few round numbers along each axis.

    Args:
        axes: the axes.
        many: the most steps along the horizontal axis.
        whole: whether these are whole numbers.
    """
    axes.xaxis.set_major_locator(MaxNLocator(many, steps=[1, 2, 5, 10], integer=whole))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:.6g}"))


def measure(words: str, size: float) -> float:
    """Tell how wide a line of text is, in inches."""
    font = FontProperties(family=FONT, size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(words, font, ismath=False)
    return float(width) / 72


def wrap(words: str, width: float, size: float) -> str:
    """Break a text into lines no wider than so many inches, at spaces, dots, slashes and so on."""
    lines = [""]
    for piece in re.split(r"(?<=[\s._/])", words):
        for part in [piece] if measure(piece, size) <= width else piece:
            if lines[-1] and measure(lines[-1] + part.rstrip(), size) > width:
                lines.append("")
            lines[-1] += part
    return "\n".join(line.strip() for line in lines)


def write_number(value: float, digits: int = 4) -> str:
    """Write a number with so many digits, and the minus that tick labels have."""
    return f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")
