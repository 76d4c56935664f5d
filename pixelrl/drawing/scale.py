"""Scales of parallel coordinates: where a value stands on its axis, and what is marked there."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.ticker import LogLocator, MaxNLocator

from pixelrl.drawing.charts import write_number

FILLED = 0.6
"""The share of a category's slot in which lines stand."""
LONGEST = 32
"""Letters that are shown of a category; of a longer one, its beginning and end."""


@dataclass(frozen=True)
class Axis:
    """Describe an axis: of numbers, or of categories.

    Attributes:
        name: what stands above it.
        ends: the numbers at its foot and top.
        logarithmic: whether equal ratios, not differences, are equally far apart.
        whole: whether it is marked at whole numbers only.
        categories: its values from the foot to the top; empty for numbers.
    """

    name: str
    ends: tuple[float, float] = (0.0, 1.0)
    logarithmic: bool = False
    whole: bool = False
    categories: Sequence[Any] = ()

    def height(self, value: Any) -> float:  # noqa: ANN401 - whatever a parameter may be
        """Place a value: 0 at the foot, 1 at the top; a category in the middle of its slot.

        Example:
            >>> Axis("rate", (1e-4, 1e-2), logarithmic=True).height(1e-3)
            0.5
        """
        if self.categories:
            known = [repr(each) for each in self.categories]  # 1, True and "1" are three
            return (known.index(repr(value)) + 0.5) / len(known)
        low, high, at = (self._scale(each) for each in (*self.ends, value))
        return min(max((at - low) / (high - low), 0.0), 1.0) if high > low else 0.5

    def place(self, values: Sequence[Any]) -> list[float]:
        """Place many values; those of one category side by side in its slot, in their order."""
        heights = [self.height(value) for value in values]
        if not self.categories:
            return heights
        room, many = FILLED / len(self.categories), Counter(heights)
        met: Counter[float] = Counter()
        found = []
        for height in heights:
            met[height] += 1
            found.append(height + room * ((met[height] - 0.5) / many[height] - 0.5))
        return found

    def marks(self) -> list[tuple[float, str]]:
        """List heights and labels of all categories, or of round numbers."""
        if self.categories:
            return [(self.height(value), _label(value)) for value in self.categories]
        low, high = self.ends
        if low >= high:
            return [(0.5, write_number(low))]
        places = self._locator().tick_values(low, high)
        round_ones = [float(at) for at in places if low <= at <= high]
        shown = round_ones if len(round_ones) > 1 else [low, high]
        return [(self.height(at), write_number(at, 6)) for at in shown]

    def _scale(self, value: float) -> float:
        return math.log10(max(value, 1e-300)) if self.logarithmic else value

    def _locator(self) -> LogLocator | MaxNLocator:
        if not self.logarithmic:
            return MaxNLocator(6, steps=[1, 2, 5, 10], integer=self.whole)
        decades = self._scale(self.ends[1]) - self._scale(self.ends[0])
        return LogLocator(subs=(1, 2, 5) if decades < 3 else (1,), numticks=9)


def _label(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 13]}…{text[-12:]}"
