"""Sorting whole maps, pixel by pixel, by minima and maxima: sorted runs, and how to merge them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor


@dataclass(frozen=True)
class Run:
    """Hold sorted maps, the smallest first.

    Attributes:
        maps: those that may still be the median of the window, ``(C,N)`` each.
        count: how many there were; as many were dropped at one end as at the other.
    """

    maps: list[Tensor]
    count: int

    def narrow(self, start: int, length: int) -> "Run":
        """Take the same places of every map."""
        return Run([value.narrow(1, start, length) for value in self.maps], self.count)

    def halves(self) -> "tuple[Run, Run]":
        """Take the first half of the channels of every map, and the second."""
        first, second = zip(*(value.chunk(2) for value in self.maps), strict=True)
        return Run(list(first), self.count), Run(list(second), self.count)


def merge(runs: Sequence[Run], half: int) -> Run:
    """Merge sorted runs, as far as they may hold the median.

    Args:
        runs: one or more runs.
        half: how many of the window's values lie at either side of the median.
    """
    if len(runs) == 1:
        return runs[0]
    middle = len(runs) // 2
    one, other = merge(runs[:middle], half), merge(runs[middle:], half)
    maps, count = [*one.maps, *other.maps], one.count + other.count
    # A value with more than half the window on one side of it can't be the median.
    drop = max(0, count - 1 - half) - (count - len(maps)) // 2
    order, comparisons = _network(len(one.maps), len(other.maps), drop)
    for low, high, keeps_low, keeps_high in comparisons:
        a, b = maps[low], maps[high]
        if keeps_low:
            maps[low] = torch.minimum(a, b)
        if keeps_high:
            maps[high] = torch.maximum(a, b)
    return Run([maps[place] for place in order], count)


Network = tuple[list[int], list[tuple[int, int, bool, bool]]]
"""The places in which the merged values will stand, in order, and the comparisons that bring them
there: of two places, does the smaller value go to the first, and the larger to the second?"""


@cache
def _network(one: int, other: int, drop: int) -> Network:
    """Make the network that merges two sorted runs, without what nobody asks for.

    Args:
        one: length of the first run, in places from 0 on.
        other: length of the second, in the places behind it.
        drop: how many places to drop at either end of what is merged.
    """
    order, pairs = _odd_even(list(range(one)), list(range(one, one + other)))
    order = order[drop : len(order) - drop]
    asked, comparisons = set(order), []
    for low, high in reversed(pairs):
        if low in asked or high in asked:
            comparisons.append((low, high, low in asked, high in asked))
            asked |= {low, high}
    return order, comparisons[::-1]


def _odd_even(one: list[int], other: list[int]) -> tuple[list[int], list[tuple[int, int]]]:
    """Merge two sorted runs of places as in K. E. Batcher, Sorting networks, 1968.

    Returns:
        The places in order, and the pairs of them to compare before.
    """
    if not (one and other):
        return one + other, []
    if len(one) == len(other) == 1:
        return one + other, [(one[0], other[0])]
    even, pairs = _odd_even(one[::2], other[::2])
    odd, more = _odd_even(one[1::2], other[1::2])
    between = list(zip(odd, even[1:], strict=False))
    rest = odd[len(between) :] + even[1 + len(between) :]
    order = [even[0], *(place for pair in between for place in pair), *rest]
    return order, pairs + more + between
