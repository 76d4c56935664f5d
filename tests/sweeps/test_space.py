"""A sweep's space, against scipy's distributions: W&B's words, and what is drawn by them."""

import math
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pixelrl.errors import ConfigError
from pixelrl.sweeps.mapping import make_distributions, make_settings
from pixelrl.sweeps.parameters import CHOICES, NUMBERS, flatten, parameter
from pixelrl.sweeps.sampler import draw
from pixelrl.sweeps.space import Choice, Number
from skips import need

UNITS = st.floats(1e-6, 1 - 1e-6)
LOGARITHMS = {"min": -3, "max": 1}
VALUES = {"min": 1e-4, "max": 0.1}

NUMBERS_AND_REFERENCES = [
    ({"min": -1.0, "max": 3.0}, stats.uniform(-1, 4)),
    ({"distribution": "uniform", "min": 0, "max": 2}, stats.uniform(0, 2)),
    ({"min": 2, "max": 9}, stats.randint(2, 10)),
    ({"distribution": "int_uniform", "min": 2, "max": 9}, stats.randint(2, 10)),
    ({"distribution": "log_uniform_values", **VALUES}, stats.loguniform(1e-4, 0.1)),
    ({"distribution": "log_uniform", **LOGARITHMS}, stats.loguniform(math.exp(-3), math.exp(1))),
    ({"distribution": "inv_log_uniform_values", **VALUES}, stats.loguniform(1e-4, 0.1)),
    (
        {"distribution": "inv_log_uniform", **LOGARITHMS},
        stats.loguniform(math.exp(-1), math.exp(3)),
    ),
    ({"distribution": "normal", "mu": 3.0, "sigma": 0.5}, stats.norm(3, 0.5)),
    ({"distribution": "log_normal"}, stats.lognorm(1)),
    ({"distribution": "beta", "a": 2, "b": 5}, stats.beta(2, 5)),
    ({"distribution": "beta"}, stats.uniform(0, 1)),
]
QUANTIZED = [
    ({"distribution": "q_uniform", "min": 0, "max": 20, "q": 5}, stats.uniform(0, 20)),
    ({"distribution": "q_log_uniform", "min": 1, "max": 4, "q": 2},
     stats.loguniform(math.exp(1), math.exp(4))),
    ({"distribution": "q_log_uniform_values", "min": 3, "max": 50, "q": 0.5},
     stats.loguniform(3, 50)),
    ({"distribution": "q_normal", "mu": 10, "sigma": 4, "q": 0.1}, stats.norm(10, 4)),
    ({"distribution": "q_log_normal", "mu": 2, "q": 1}, stats.lognorm(1, scale=math.exp(2))),
    ({"distribution": "q_beta", "a": 2, "b": 2, "q": 0.25}, stats.beta(2, 2)),
]  # fmt: skip


def drawn(described: dict[str, Any], count: int = 400) -> list[Any]:
    """Draw a parameter by Optuna."""
    space = [parameter("x", described)]
    distributions = make_distributions(space)
    return [make_settings(space, draw(distributions, seed))["x"] for seed in range(count)]


@pytest.mark.parametrize(("described", "reference"), NUMBERS_AND_REFERENCES)
def test_optuna_draws_numbers_from_their_distribution(described: dict, reference: Any) -> None:
    values = drawn(described)
    if isinstance(values[0], int):
        counts = np.bincount(values)[reference.support()[0] :]
        assert stats.chisquare(counts).pvalue > 0.01
    else:
        assert stats.kstest(values, reference.cdf).pvalue > 0.01


@pytest.mark.parametrize(("described", "reference"), QUANTIZED)
def test_optuna_draws_multiples(described: dict, reference: Any) -> None:
    values = drawn(described, 200)
    q = described["q"]
    assert all(abs(value / q - round(value / q)) < 1e-9 for value in values)
    assert all(isinstance(value, type(q)) or not isinstance(q, int) for value in values)
    assert len(set(values)) > 3
    low, high = reference.ppf([1e-4, 1 - 1e-4])
    assert all(low - q <= value <= high + q for value in values)
    assert reference.ppf(0.4) - q <= np.median(values) <= reference.ppf(0.6) + q


def test_every_distribution_of_wandbs_schema_is_known() -> None:
    config = need("sweeps.config", "pip install sweeps")
    definitions = config.schema.dereferenced_sweep_config_jsonschema["definitions"]
    known = {
        kind
        for described in definitions.values()
        for one in described.get("anyOf", [described])
        for kind in one.get("properties", {}).get("distribution", {}).get("enum", [])
    }
    assert known == {*NUMBERS, *CHOICES}


def test_optunas_own_distributions_are_used_where_it_has_them() -> None:
    found = make_distributions(
        [
            parameter("a", {"min": 1, "max": 4}),
            parameter("b", {"distribution": "log_uniform_values", **VALUES}),
            parameter("c", {"distribution": "q_uniform", "min": 0.1, "max": 1.0, "q": 0.3}),
            parameter("d", {"values": [1, True, "1"]}),
        ]
    )
    assert found == {
        "a": optuna.distributions.IntDistribution(1, 4),
        "b": optuna.distributions.FloatDistribution(1e-4, 0.1, log=True),
        "c": optuna.distributions.FloatDistribution(0.0, 0.9, step=0.3),
        "d": optuna.distributions.CategoricalDistribution(["1", "true", '"1"']),
    }


@pytest.mark.parametrize(
    ("described", "reference"),
    [each for each in NUMBERS_AND_REFERENCES if "min" not in each[0]],
)
@given(unit=UNITS)
def test_what_optuna_lacks_is_the_inverse_of_its_distribution(
    described: dict, reference: Any, unit: float
) -> None:
    number = parameter("x", described)
    assert isinstance(number, Number)
    assert number.at(unit) == pytest.approx(reference.ppf(unit), rel=1e-6, abs=1e-9)


@given(value=st.floats(0, 20), q=st.sampled_from([1, 2, 5, 0.5, 0.1]))
def test_quantized_numbers_are_multiples(value: float, q: float) -> None:
    number = parameter("x", {"distribution": "q_uniform", "min": 0, "max": 20, "q": q})
    assert isinstance(number, Number)
    rounded = number.quantize(value)
    assert abs(rounded / q - round(rounded / q)) < 1e-9
    assert abs(rounded - value) <= q / 2 + 1e-9
    assert isinstance(rounded, type(q))


@given(unit=UNITS)
def test_choices_come_with_their_probabilities(unit: float) -> None:
    choice = parameter("x", {"values": ["a", "b", None], "probabilities": [0.2, 0.5, 0.3]})
    assert isinstance(choice, Choice)
    assert choice.at(unit) == ("a" if unit < 0.2 else "b" if unit < 0.7 else None)


def test_optuna_draws_choices_with_their_probabilities() -> None:
    values = drawn({"values": ["a", [1, 2], None], "probabilities": [0.2, 0.5, 0.3]})
    shares = [sum(value == one for value in values) / 400 for one in ("a", [1, 2], None)]
    assert shares == pytest.approx([0.2, 0.5, 0.3], abs=0.07)
    assert set(drawn({"distribution": "constant", "value": 7}, 3)) == {7}
    kinds = drawn({"values": [1, 1.0, True, "1"]})
    assert {(type(value), value) for value in kinds} == {
        (int, 1), (float, 1.0), (bool, True), (str, "1")
    }  # fmt: skip


def test_values_that_stand_twice_are_as_likely_as_two() -> None:
    choice = parameter("x", {"values": [1, 2, 1, 3]})
    assert choice == Choice("x", (1, 2, 3), (0.5, 0.25, 0.25))


def test_nested_parameters_are_found() -> None:
    described = {
        "learning": {
            "parameters": {"rate": {"value": 1}, "a": {"parameters": {"b": {"value": 2}}}}
        },
        "run.seed": {"value": 3},
    }
    assert list(flatten(described)) == [
        (("learning", "rate"), {"value": 1}),
        (("learning", "a", "b"), {"value": 2}),
        (("run.seed",), {"value": 3}),
    ]


@pytest.mark.parametrize(
    ("described", "told"),
    [
        ({"values": []}, "at least one value"),
        ({"values": [1, 2], "probabilities": [0.5, 0.6]}, "summing to 1"),
        ({"values": [1, 2], "probabilities": "even"}, "summing to 1"),
        ({"min": "1e-4", "max": 1.0}, "YAML reads 1e-4 as text; write 1.0e-4"),
        ({"min": 1.0}, "max: expected a number, got None"),
        ({"min": 2.0, "max": 1.0}, "min below max"),
        ({"distribution": "normal", "sigma": 0}, "sigma: expected more than zero"),
        ({"distribution": "gamma"}, "distribution 'gamma' is not known here"),
        ({"distribution": "log_unifrom", "min": 0, "max": 1}, "Did you mean 'log_uniform'?"),
        ({"distribution": "uniform", "min": 0, "max": 1, "q": 3}, "'q' is no key of uniform"),
        ({"distribution": "log_uniform_values", "min": 0, "max": 1}, "more than zero"),
        ({"values": [1, 2], "min": 0}, "'min' is no key of categorical"),
        (3, "expected a mapping"),
    ],
)
def test_bad_parameters_are_told(described: object, told: str) -> None:
    with pytest.raises(ConfigError, match=r"parameters\.learning: .*") as caught:
        parameter("learning", described)
    assert told in str(caught.value)
