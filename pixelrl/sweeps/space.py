"""The space a sweep searches: its parameters, in the words of W&B's sweep files.

Every parameter is a map from the unit interval: `at` turns a number in [0, 1) into a value by the
inverse of its distribution, `unit` turns a value back. Samplers only ever deal with the interval.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.special import ndtr, ndtri

from pixelrl.errors import ConfigError

Value = Any
"""A setting: a number, a string, a boolean, a list, a mapping or nothing."""

EDGE = 1e-9
"""How near to 0 and 1 the inverse of an unbounded distribution is asked for."""

NUMBERS = {
    "uniform": {"min", "max"},
    "int_uniform": {"min", "max"},
    "q_uniform": {"min", "max", "q"},
    "log_uniform": {"min", "max"},
    "log_uniform_values": {"min", "max"},
    "q_log_uniform": {"min", "max", "q"},
    "q_log_uniform_values": {"min", "max", "q"},
    "normal": {"mu", "sigma"},
    "q_normal": {"mu", "sigma", "q"},
    "log_normal": {"mu", "sigma"},
    "q_log_normal": {"mu", "sigma", "q"},
}
"""The distributions over numbers, and the keys that describe each."""

DEFAULTS = {"mu": 0, "sigma": 1, "q": 1}
"""What W&B takes for keys that are left out; ``min`` and ``max`` have no default."""


@dataclass(frozen=True)
class Choice:
    """Describe a parameter that takes one of several values.

    Attributes:
        name: the dotted name of the setting.
        values: what it may be; a single one makes it a constant.
        weights: the probability of each, summing to one.
    """

    name: str
    values: tuple[Value, ...]
    weights: tuple[float, ...]

    def at(self, unit: float) -> Value:
        """Take the value at a place in [0, 1)."""
        reached = 0.0
        for value, weight in zip(self.values, self.weights, strict=True):
            reached += weight
            if unit < reached:
                return value
        return self.values[-1]

    def index(self, value: Value) -> int:
        """Tell which of the values this is."""
        return self.values.index(value)


@dataclass(frozen=True)
class Number:
    """Describe a parameter that is drawn from a distribution over numbers.

    Attributes:
        name: the dotted name of the setting.
        ends: least and greatest value; for a normal distribution, its mean and deviation. Of the
            logarithm if ``logarithmic``.
        normal: whether the distribution is normal; otherwise it is uniform.
        logarithmic: whether it is the logarithm that is so distributed.
        quantum: values are multiples of it; 0 for any.
        whole: whether values are the integers between the ends, both included.
    """

    name: str
    ends: tuple[float, float]
    normal: bool = False
    logarithmic: bool = False
    quantum: float = 0
    whole: bool = False

    def at(self, unit: float) -> float:
        """Take the value at a place in [0, 1)."""
        first, second = self.ends
        if self.whole:
            return int(min(first + math.floor(unit * (second - first + 1)), second))
        if self.normal:
            value = first + second * float(ndtri(min(max(unit, EDGE), 1 - EDGE)))
        else:
            value = first + unit * (second - first)
        value = math.exp(value) if self.logarithmic else value
        return _rounded(value, self.quantum) if self.quantum else value

    def unit(self, value: float) -> float:
        """Tell the place of a value in [0, 1]; that of its middle if it is whole."""
        first, second = self.ends
        if self.whole:
            return (value - first + 0.5) / (second - first + 1)
        value = math.log(max(value, 1e-300)) if self.logarithmic else value
        if self.normal:
            return float(ndtr((value - first) / second))
        return min(max((value - first) / (second - first), 0.0), 1.0)


Parameter = Choice | Number


def listed(parameter: Parameter) -> Sequence[Value]:
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
        return [_rounded(n * parameter.quantum, parameter.quantum) for n in range(first, last + 1)]
    raise ConfigError(
        f"parameters.{parameter.name}: method grid needs values, whole numbers or q_uniform;"
        " use method random or bayes for a range."
    )


def parameter(name: str, described: object) -> Parameter:
    """Read one parameter of a sweep file.

    Args:
        name: the dotted name of the setting.
        described: ``{value: 3}``, ``{values: [0, 9]}``, or ``{distribution: …, …}``.

    Raises:
        ConfigError: it is not described as W&B wants it, with one line that says how.
    """
    where = f"parameters.{name}"
    if not isinstance(described, Mapping):
        raise ConfigError(f"{where}: expected a mapping such as {{values: [1, 2]}}.")
    if "parameters" in described:
        raise ConfigError(f"{where}: nested parameters; write '{name}.KEY' beside the others.")
    if "value" in described:
        return Choice(name, (described["value"],), (1.0,))
    if "values" in described:
        return _choice(name, described)
    return _number(name, described)


def _choice(name: str, described: Mapping[str, Any]) -> Choice:
    values = described["values"]
    if not isinstance(values, list) or not values:
        raise ConfigError(f"parameters.{name}: values: expected a list of at least one value.")
    weights = described.get("probabilities") or [1 / len(values)] * len(values)
    if len(weights) != len(values) or not math.isclose(sum(weights), 1, abs_tol=1e-6):
        raise ConfigError(
            f"parameters.{name}: probabilities: expected one for each value, summing to 1."
        )
    return Choice(name, tuple(values), tuple(map(float, weights)))


def _number(name: str, described: Mapping[str, Any]) -> Number:
    where = f"parameters.{name}"
    whole = all(type(described.get(key)) is int for key in ("min", "max"))
    kind = described.get("distribution", "int_uniform" if whole else "uniform")
    if kind not in NUMBERS:
        raise ConfigError(
            f"{where}: distribution '{kind}' is not known here; expected one of"
            f" {', '.join(NUMBERS)}, or values."
        )
    if strange := set(described) - NUMBERS[kind] - {"distribution"}:
        raise ConfigError(f"{where}: '{min(strange)}' is no key of {kind}.")
    given = {key: described.get(key, DEFAULTS.get(key)) for key in NUMBERS[kind]}
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(
                f"{where}: {key}: expected a number, got {value!r} (YAML reads 1e-4 as text;"
                " write 1.0e-4)."
            )
    normal, logarithmic = "normal" in kind, "log" in kind
    ends = (given["mu"], given["sigma"]) if normal else (given["min"], given["max"])
    of_values = kind.endswith("values")
    if of_values and ends[0] <= 0:
        raise ConfigError(f"{where}: min: expected more than zero for {kind}, got {ends[0]}.")
    if (normal and ends[1] <= 0) or (not normal and ends[0] >= ends[1]):
        raise ConfigError(f"{where}: expected min below max (or sigma above zero), got {ends}.")
    if of_values:
        ends = (math.log(ends[0]), math.log(ends[1]))
    return Number(name, ends, normal, logarithmic, given.get("q", 0), kind == "int_uniform")


def _rounded(value: float, quantum: float) -> float:
    """Round to a multiple, an integer if the quantum is one."""
    steps = round(value / quantum)
    return steps * quantum if isinstance(quantum, int) else float(f"{steps * quantum:.12g}")
