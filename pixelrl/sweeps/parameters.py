"""W&B's words for parameters: every distribution of its schema, and nested parameters.

The schema: https://github.com/wandb/sweeps, ``src/sweeps/config/schema.json``.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pixelrl.errors import ConfigError, nearest
from pixelrl.sweeps.space import Choice, Number, Parameter, label

CHOICES = {
    "constant": {"value"},
    "categorical": {"values"},
    "categorical_w_probabilities": {"values", "probabilities"},
}
"""The distributions over given values, and the keys that describe each."""

NUMBERS = {
    "uniform": {"min", "max"},
    "int_uniform": {"min", "max"},
    "q_uniform": {"min", "max", "q"},
    "log_uniform": {"min", "max"},
    "log_uniform_values": {"min", "max"},
    "inv_log_uniform": {"min", "max"},
    "inv_log_uniform_values": {"min", "max"},
    "q_log_uniform": {"min", "max", "q"},
    "q_log_uniform_values": {"min", "max", "q"},
    "normal": {"mu", "sigma"},
    "q_normal": {"mu", "sigma", "q"},
    "log_normal": {"mu", "sigma"},
    "q_log_normal": {"mu", "sigma", "q"},
    "beta": {"a", "b"},
    "q_beta": {"a", "b", "q"},
}
"""The distributions over numbers, and the keys that describe each."""

DEFAULTS = {"mu": 0, "sigma": 1, "q": 1, "a": 1, "b": 1}
"""What W&B takes for keys that are left out; ``min`` and ``max`` have no default."""


def flatten(
    described: Mapping[Any, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object]]:
    """Go through a file's parameters, and through those nested in ``{parameters: {…}}``.

    Yields:
        Where each stands, key by key, and its description.
    """
    for name, value in described.items():
        inner = value.get("parameters") if isinstance(value, Mapping) else None
        if isinstance(inner, Mapping) and len(value) == 1:
            yield from flatten(inner, (*above, str(name)))
        else:
            yield (*above, str(name)), value


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
    kind = described.get("distribution", _implied(described))
    keys = (CHOICES | NUMBERS).get(kind) if isinstance(kind, str) else None
    if keys is None:
        known = [*NUMBERS, *CHOICES]
        raise ConfigError(
            f"{where}: distribution '{kind}' is not known here.{nearest(str(kind), known)}"
            f" Expected one of {', '.join(known)}."
        )
    if strange := set(map(str, described)) - keys - {"distribution"}:
        raise ConfigError(f"{where}: '{min(strange)}' is no key of {kind}.")
    return _number(name, kind, described) if kind in NUMBERS else _choice(name, described)


def _implied(described: Mapping[str, Any]) -> str:
    """Tell which distribution W&B takes where none is named."""
    if "value" in described:
        return "constant"
    if "values" in described:
        return "categorical_w_probabilities" if "probabilities" in described else "categorical"
    whole = all(type(described.get(key)) is int for key in ("min", "max"))
    return "int_uniform" if whole else "uniform"


def _choice(name: str, described: Mapping[str, Any]) -> Choice:
    values = [described["value"]] if "value" in described else described.get("values")
    if not isinstance(values, list) or not values:
        raise ConfigError(f"parameters.{name}: values: expected a list of at least one value.")
    weights = described.get("probabilities") or [1 / len(values)] * len(values)
    numbers = isinstance(weights, list) and all(isinstance(one, int | float) for one in weights)
    if (
        not numbers
        or len(weights) != len(values)
        or not math.isclose(sum(weights), 1, abs_tol=1e-6)
    ):
        raise ConfigError(
            f"parameters.{name}: probabilities: expected one for each value, summing to 1."
        )
    different = {label(value): value for value in values}
    shares = dict.fromkeys(different, 0.0)
    for value, weight in zip(values, weights, strict=True):
        shares[label(value)] += weight
    return Choice(name, tuple(different.values()), tuple(shares.values()))


def _number(name: str, kind: str, described: Mapping[str, Any]) -> Number:
    given = _read_numbers(name, kind, described)
    quantum = given.get("q", 0)
    logarithmic = "log" in kind
    if "a" in given:
        return Number(name, (0, 1), quantum=quantum, beta=(given["a"], given["b"]))
    if "mu" in given:
        ends = (given["mu"], given["sigma"])
        return Number(name, ends, normal=True, logarithmic=logarithmic, quantum=quantum)
    low, high = given["min"], given["max"]
    if kind.endswith("values"):
        low, high = math.log(low), math.log(high)
    elif kind.startswith("inv"):  # the ends are those of the inverse's logarithm
        low, high = -high, -low
    whole = kind == "int_uniform"
    return Number(name, (low, high), logarithmic=logarithmic, quantum=quantum, whole=whole)


def _read_numbers(name: str, kind: str, described: Mapping[str, Any]) -> dict[str, float]:
    """Read the numbers that describe a distribution."""
    where = f"parameters.{name}"
    given = {key: described.get(key, DEFAULTS.get(key)) for key in sorted(NUMBERS[kind])}
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(
                f"{where}: {key}: expected a number, got {value!r} (YAML reads 1e-4 as text;"
                " write 1.0e-4)."
            )
    positive = ["sigma", "a", "b", "q", *(["min"] if kind.endswith("values") else [])]
    for key in positive:
        if given.get(key, 1) <= 0:
            raise ConfigError(f"{where}: {key}: expected more than zero, got {given[key]}.")
    if "min" in given and given["min"] >= given["max"]:
        raise ConfigError(
            f"{where}: expected min below max, got {given['min']} and {given['max']}."
        )
    return given
