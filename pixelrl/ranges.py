"""The values that a numeric setting may have, stated beside its field and checked in one place."""

from dataclasses import field, fields
from math import inf, isfinite
from typing import Any, NamedTuple

from pixelrl.errors import ConfigError


class Range(NamedTuple):
    """State which values a number may have.

    Attributes:
        least: the smallest.
        most: the largest.
        told: what is expected, in words, for the error.
        excluded: whether ``least`` itself is too small.
        odd: whether a number above zero must be odd.

    Example:
        >>> Range(0, 1, "a share").holds(0.3), ODD.holds(0), ODD.holds(33), ODD.holds(32)
        (True, True, True, False)
    """

    least: float = -inf
    most: float = inf
    told: str = "a finite number"
    excluded: bool = False
    odd: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether a number lies within.

        Example:
            >>> POSITIVE.holds(0.1), POSITIVE.holds(0), POSITIVE.holds(inf)
            (True, False, False)
        """
        above = value > self.least if self.excluded else value >= self.least
        return (
            isfinite(value)
            and above
            and value <= self.most
            and not (self.odd and value and value % 2 == 0)
        )


POSITIVE = Range(0, told="more than zero", excluded=True)
NOT_NEGATIVE = Range(0, told="zero or more")
SHARE = Range(0, 1, "a number from 0 to 1")
ODD = Range(0, told="0 or an odd number of pixels", odd=True)


def number(default: Any, allowed: Range) -> Any:  # noqa: ANN401 - as `dataclasses.field`
    """Declare a field of a settings dataclass, or of a task, with the values it may have.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Blur:
        ...     sigma: float = number(1.0, POSITIVE)
        >>> check_numbers("task", Blur(sigma=-1.0))
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: task.sigma: expected more than zero, got -1.0.
    """
    return field(default=default, metadata={"range": allowed})


def check_numbers(section: str, settings: Any) -> None:  # noqa: ANN401 - any dataclass
    """Check that every number of a dataclass is finite and within its range.

    Args:
        section: how the dataclass is called in keys.
        settings: the dataclass; fields without a range (`number`) must merely be finite.

    Raises:
        ConfigError: one is not; names the key, what was expected and what it got.

    Example:
        >>> from pixelrl.settings import Learning
        >>> check_numbers("learning", Learning(spread=32))
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: learning.spread: expected 0 or an odd number of pixels, got 32.
    """
    for item in fields(settings):
        value, allowed = getattr(settings, item.name), _range_of(type(settings), item.name)
        if isinstance(value, int | float) and not allowed.holds(value):
            raise ConfigError(f"{section}.{item.name}: expected {allowed.told}, got {value}.")


def _range_of(kind: type, name: str) -> Range:
    """Find a field's range; one that a task gives another default keeps that of its parent."""
    for each in kind.__mro__:
        item = vars(each).get("__dataclass_fields__", {}).get(name)
        if item is not None and "range" in item.metadata:
            return Range(*item.metadata["range"])
    return Range()
