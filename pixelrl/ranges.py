"""The values that a setting may have, stated beside its field and checked in one place."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import field, fields
from math import inf
from typing import Any, NamedTuple

from pixelrl.errors import ConfigError, shorten


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
        # Compared and not converted: a whole number may be too large for a float.
        finite = -inf < value < inf  # phrased so that NaN fails
        return (
            finite and above and value <= self.most and not (self.odd and value and value % 2 == 0)
        )


class Text(NamedTuple):
    r"""State which text a setting may have.

    Attributes:
        pattern: what all of it matches.
        told: what is expected, in words, for the error.

    Example:
        >>> FOLDER.holds("night 1"), FOLDER.holds("../escape"), PLAIN.holds("a\0b")
        (True, False, False)
    """

    pattern: str
    told: str

    def holds(self, value: str) -> bool:
        """Tell whether a text is one of these, and one that files can be named by."""
        try:
            length = len(value.encode())
        except UnicodeEncodeError:  # a name that is not UTF-8
            return False
        return length <= MOST_BYTES and re.fullmatch(self.pattern, value, re.DOTALL) is not None


MOST_BYTES = 4000
"""The longest text, in UTF-8; systems take paths of 4095."""
PLAIN = Text(r"[^\0]*", f"text of up to {MOST_BYTES} bytes of UTF-8 without null characters")
FOLDER = Text(
    r"(?!\.{1,2}\Z)[^/\\\0-\x1f]{0,100}",
    "the name of one folder: up to 100 characters, without / and \\",
)
PROJECT = Text(r"[^/\\#?%:\0-\x1f]{0,128}", "a name of up to 128 characters without / \\ # ? % :")


POSITIVE = Range(0, told="more than zero", excluded=True)
NOT_NEGATIVE = Range(0, told="zero or more")
SHARE = Range(0, 1, "a number from 0 to 1")
ODD = Range(0, 999, "0 or an odd number of pixels up to 999", odd=True)
GRAY_OR_COLOR = Range(1, 3, "1 (gray) or 3 (color)", odd=True)


def at_most(most: int, least: int = 1) -> Range:
    """State a whole number's bounds.

    Example:
        >>> at_most(64).told
        'more than zero, at most 64'
    """
    return Range(least, most, f"{'more than' if least else 'from'} zero, at most {most}")


def number(default: Any, allowed: Range | Text) -> Any:  # noqa: ANN401 - as `dataclasses.field`
    """Declare a field of a settings dataclass, or of a task, with the values it may have.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Blur:
        ...     sigma: float = number(1.0, POSITIVE)
        >>> check_values("task", Blur(sigma=-1.0))
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: task.sigma: expected more than zero, got -1.0.
    """
    return field(default=default, metadata={"range": allowed})


def check_values(section: str, settings: Any) -> None:  # noqa: ANN401 - any dataclass
    """Check that every number and text of a dataclass, however nested, is within its range.

    Args:
        section: how the dataclass is called in keys.
        settings: the dataclass; of fields without a range (`number`) numbers must merely be finite
            and texts such that files can be named by them.

    Raises:
        ConfigError: one is not; names the key, what was expected and what it got.

    Example:
        >>> from pixelrl.settings import Learning
        >>> check_values("learning", Learning(spread=32))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: learning.spread: expected 0 or an odd number ... got 32.
    """
    for item in fields(settings):
        allowed = find_range(type(settings), item.name)
        for value in _leaves(getattr(settings, item.name)):
            if isinstance(value, str):
                text = allowed if isinstance(allowed, Text) else PLAIN
                fits, told = text.holds(value), text.told
            else:
                bounds = allowed if isinstance(allowed, Range) else Range()
                fits, told = bounds.holds(value), bounds.told
            if not fits:
                raise ConfigError(f"{section}.{item.name}: expected {told}, got {_shown(value)}.")


def _leaves(value: object) -> Iterator[str | int | float]:
    """Find the numbers and texts in a setting, keys among them."""
    if isinstance(value, str | int | float):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(key)
            yield from _leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)


def _shown(value: str | float) -> str:
    """Show a value in a line, however long or unprintable it is."""
    try:
        told = ascii(value) if isinstance(value, str) else str(value)
    except ValueError:  # a number of thousands of digits
        told = "a number of thousands of digits"
    return shorten(told, 80)


def find_range(kind: type, name: str) -> Range | Text | None:
    """Find a field's range; one that a task gives another default keeps that of its parent.

    Example:
        >>> from pixelrl.settings import Learning
        >>> find_range(Learning, "gamma") is SHARE, find_range(Learning, "entropy")
        (True, None)
    """
    for each in kind.__mro__:
        item = vars(each).get("__dataclass_fields__", {}).get(name)
        if item is not None and "range" in item.metadata:
            found: Range | Text = item.metadata["range"]
            return found
    return None
