"""Tell whether a chart can be read: its labels keep clear of one another and of the lines."""

from itertools import combinations
from unittest import mock

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from pixelrl.drawing.charts import styled

Labels = list[tuple[str, Bbox]]


def draw_labels(figure: Figure) -> Labels:
    """Draw a figure and list the texts that are really drawn, with their boxes in pixels."""
    found: Labels = []
    draw = Text.draw

    def record(text: Text, renderer: RendererAgg) -> None:
        if text.get_visible() and text.get_text().strip():
            box = text.get_window_extent(renderer)
            found.append((text.get_text(), box.padded(-1)))
        draw(text, renderer)

    with styled(), mock.patch.object(Text, "draw", record):
        FigureCanvasAgg(figure).draw()
    return found


def list_lines(figure: Figure) -> list[Path]:
    """List the drawn series and curves of a figure, in pixels; straight pieces only."""
    found = []
    for axes in figure.axes:
        for artist in [*axes.lines, *(each for each in axes.patches if type(each) is PathPatch)]:
            path = artist.get_transform().transform_path(artist.get_path())
            for piece in path.to_polygons(closed_only=False):
                gaps = np.flatnonzero(~np.isfinite(piece).all(1))
                found += [Path(run[np.isfinite(run).all(1)]) for run in np.split(piece, gaps)]
    return found


def list_clashes(figure: Figure) -> list[str]:
    """List what cannot be read: labels on lines, on one another, or beyond the figure."""
    labels = draw_labels(figure)
    lines = list_lines(figure)
    found = [
        f"a line runs through {text!r}"
        for text, box in labels
        if any(line.intersects_bbox(box, filled=False) for line in lines)
    ]
    for (one, box), (other, beside) in combinations(labels, 2):
        if box.overlaps(beside):
            found.append(f"{one!r} lies on {other!r}")
    for text, box in labels:
        if not (figure.bbox.containsx(box.x0) and figure.bbox.containsx(box.x1)):
            found.append(f"{text!r} is cut off at a side")
        if not (figure.bbox.containsy(box.y0) and figure.bbox.containsy(box.y1)):
            found.append(f"{text!r} is cut off above or below")
    return found
