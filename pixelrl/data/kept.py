"""Decoded files kept in memory, within a bound in bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from numpy.typing import NDArray


class Kept:
    """Keep arrays of those files that were asked for last.

    Args:
        most: bytes that are kept; may be changed.

    Example:
        >>> import numpy as np
        >>> kept = Kept(most=8)
        >>> [kept.get(key, lambda: np.zeros(5, np.uint8)).size for key in "ab"], kept.used
        ([5, 5], 5)
    """

    def __init__(self, most: int = 0) -> None:
        self.most, self.used = most, 0
        self._arrays: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Give what is kept under a key, of any shape, or make it; it must not be written to."""
        if key in self._arrays:
            self._arrays.move_to_end(key)
            return self._arrays[key]
        array = make()
        array.setflags(write=False)
        self._arrays[key] = array
        self.used += array.nbytes
        while self.used > self.most and self._arrays:
            _, dropped = self._arrays.popitem(last=False)
            self.used -= dropped.nbytes
        return array

    @property
    def full(self) -> bool:
        """Whether more would push something out soon: nine tenths are used."""
        return self.used >= 0.9 * self.most
