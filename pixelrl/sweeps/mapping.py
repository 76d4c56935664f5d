"""W&B's parameters as Optuna's distributions, and what Optuna draws as settings.

Uniform and log-uniform numbers, whole numbers and choices are Optuna's own distributions. It has
none that is normal or beta and none of unequal weights: of these it draws a place in the unit
interval, and the inverse of the distribution makes it a value.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from pixelrl.sweeps.space import Choice, Parameter, Settings, Value, label, list_values


def make_distributions(
    space: Sequence[Parameter], *, grid: bool = False
) -> dict[str, BaseDistribution]:
    """Make the distributions that Optuna draws a sweep's parameters from, by name.

    Args:
        space: the parameters.
        grid: whether each is one of its listed values.
    """
    return {one.name: _distribution(one, grid=grid) for one in space}


def make_settings(
    space: Sequence[Parameter], drawn: Mapping[str, Any], *, grid: bool = False
) -> Settings:
    """Make settings of what Optuna drew from `make_distributions`."""
    return {one.name: _value(one, drawn[one.name], grid=grid) for one in space}


def suggest(trial: optuna.Trial, distributions: Mapping[str, BaseDistribution]) -> None:
    """Have a trial's parameters drawn; those that it has already stay as they are."""
    for name, one in distributions.items():
        if isinstance(one, CategoricalDistribution):
            trial.suggest_categorical(name, one.choices)
        elif isinstance(one, IntDistribution):
            trial.suggest_int(name, one.low, one.high)
        elif isinstance(one, FloatDistribution):
            trial.suggest_float(name, one.low, one.high, step=one.step, log=one.log)


def _distribution(parameter: Parameter, *, grid: bool) -> BaseDistribution:
    if grid or (isinstance(parameter, Choice) and _is_even(parameter)):
        # Optuna tells choices apart by equality, and True equals 1.
        return CategoricalDistribution([label(value) for value in list_values(parameter)])
    if isinstance(parameter, Choice) or parameter.normal or parameter.beta:
        return FloatDistribution(0, 1)
    low, high = parameter.ends
    if parameter.whole:
        return IntDistribution(int(low), int(high))
    if parameter.logarithmic:
        return FloatDistribution(_exp(low), _exp(high), log=True)
    if parameter.quantum:
        low, high = parameter.quantize(low), parameter.quantize(high)
        return FloatDistribution(low, high, step=parameter.quantum)
    return FloatDistribution(low, high)


def _value(parameter: Parameter, drawn: Any, *, grid: bool) -> Value:  # noqa: ANN401 - any setting
    if grid or (isinstance(parameter, Choice) and _is_even(parameter)):
        return next(value for value in list_values(parameter) if label(value) == drawn)
    if isinstance(parameter, Choice) or parameter.normal or parameter.beta:
        return parameter.at(drawn)
    return drawn if parameter.whole else parameter.quantize(drawn)


def _is_even(choice: Choice) -> bool:
    return max(choice.weights) - min(choice.weights) < 1e-9


def _exp(logarithm: float) -> float:
    """Undo a logarithm, without the digits that it added."""
    return float(f"{math.exp(logarithm):.12g}")
