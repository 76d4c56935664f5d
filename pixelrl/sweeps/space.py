"""The space a sweep searches: parameters that are one of several values, or numbers."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scipy.special import betaincinv, ndtri

from pixelrl.errors import ConfigError

Value = Any
"""A setting: a number, a string, a boolean, a list, a mapping or nothing."""

Settings = dict[str, Value]
"""A value for each of a sweep's parameters, by dotted name."""

EDGE = 1e-9
"""How near to 0 and 1 the inverse of an unbounded distribution is asked for."""


@dataclass(frozen=True)
class Choice:
    """Describe a parameter that takes one of several values.

    Attributes:
        name: the dotted name of the setting.
        values: what it may be, all different; a single one makes it a constant.
        weights: the probability of each, summing to one.
    """

    name: str
    values: tuple[Value, ...]
    weights: tuple[float, ...]

    def at(self, unit: float) -> Value:
        """Take the value at a place in [0, 1), of which each has a share by its weight."""
        reached = 0.0
        for value, weight in zip(self.values, self.weights, strict=True):
            reached += weight
            if unit < reached:
                return value
        return self.values[-1]


@dataclass(frozen=True)
class Number:
    """Describe a parameter that is drawn from a distribution over numbers.

    Attributes:
        name: the dotted name of the setting.
        ends: least and greatest value; for a normal distribution, its mean and deviation. Of the
            logarithm if ``logarithmic``.
        normal: whether the distribution is normal.
        logarithmic: whether it is the logarithm that is so distributed.
        quantum: values are multiples of it; 0 for any.
        whole: whether values are the integers between the ends, both included.
        beta: the exponents ``a`` and ``b`` of a beta distribution; None for any other. What is
            neither normal nor beta is uniform.
    """

    name: str
    ends: tuple[float, float]
    normal: bool = False
    logarithmic: bool = False
    quantum: float = 0
    whole: bool = False
    beta: tuple[float, float] | None = None

    def at(self, unit: float) -> float:
        """Take the value at a place in [0, 1), by the inverse of a normal or beta distribution."""
        if self.beta:
            return self.quantize(float(betaincinv(*self.beta, unit)))
        mean, deviation = self.ends
        value = mean + deviation * float(ndtri(min(max(unit, EDGE), 1 - EDGE)))
        return self.quantize(math.exp(value) if self.logarithmic else value)

    def quantize(self, value: float) -> float:
        """Round to a multiple of the quantum, an integer if that is one."""
        if not self.quantum:
            return value
        steps = round(value / self.quantum)
        whole = isinstance(self.quantum, int)
        return steps * self.quantum if whole else float(f"{steps * self.quantum:.12g}")


Parameter = Choice | Number


def label(value: Value) -> str:
    """Spell a value so that no two of one sweep are alike: 1 is not 1.0, nor true, nor "1"."""
    return json.dumps(value, sort_keys=True, default=str)


def list_values(parameter: Parameter) -> Sequence[Value]:
    """List a parameter's values, for a grid.

    Raises:
        ConfigError: it has more than can be listed.
    """
    if isinstance(parameter, Choice):
        return parameter.values
    low, high = parameter.ends
    if parameter.whole:
        return range(int(low), int(high) + 1)
    if parameter.quantum and not (parameter.normal or parameter.logarithmic):
        first, last = math.ceil(low / parameter.quantum), math.floor(high / parameter.quantum)
        return [parameter.quantize(n * parameter.quantum) for n in range(first, last + 1)]
    raise ConfigError(
        f"parameters.{parameter.name}: method grid needs values, whole numbers or q_uniform;"
        " use method random or bayes for a range."
    )
