"""A picture of a sweep: an axis per parameter, a line per trial, colored by what it reached."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from pixelrl.drawing.charts import save
from pixelrl.drawing.parallel import Line, State, draw_parallel
from pixelrl.drawing.scale import Axis
from pixelrl.sweeps.space import Choice, Parameter, Value

Outcome = tuple[Mapping[str, Value], float | None, State]
"""A trial's settings, the metric it reached (None if it failed), and how it ended."""
FEW = 12
"""Up to so many whole numbers are shown as categories, so that no two lines fall together."""


def plot_trials(
    path: Path,
    space: Sequence[Parameter],
    trials: Sequence[Outcome],
    metric: str,
    *,
    maximize: bool,
    title: str,
) -> None:
    """Draw a sweep as parallel coordinates.

    Args:
        path: the picture, ``.png``, ``.svg`` or ``.pdf``.
        space: the sweep's parameters; those that do not vary are left out.
        trials: in any order.
        metric: the metric's name.
        maximize: whether more of it is better; the best trial is on top and darkest.
        title: what stands above all.
    """
    varied = [p for p in space if not isinstance(p, Choice) or len(p.values) > 1]
    axes = [make_axis(parameter) for parameter in varied]
    lines = [Line(*trial) for trial in trials]
    save(draw_parallel(axes, lines, metric, maximize=maximize, title=title), path)


def make_axis(parameter: Parameter) -> Axis:
    """Describe a parameter's axis: its ends, and whether it is logarithmic or of categories."""
    if isinstance(parameter, Choice):
        return Axis(parameter.name, categories=parameter.values)
    low, high = parameter.ends
    if parameter.whole and high - low < FEW:
        return Axis(parameter.name, categories=range(int(low), int(high) + 1))
    if parameter.normal:  # all but one of a thousand
        low, high = low - 3.3 * high, low + 3.3 * high
    if parameter.logarithmic:
        low, high = math.exp(low), math.exp(high)
    return Axis(parameter.name, (low, high), parameter.logarithmic, parameter.whole)
