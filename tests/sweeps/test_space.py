"""A sweep's space, against scipy's distributions; its samplers, against what they must find."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pixelrl.errors import ConfigError
from pixelrl.sweeps import gaussian_process
from pixelrl.sweeps.search import Hyperband, hopeless, propose
from pixelrl.sweeps.space import Choice, Number, parameter

UNITS = st.floats(1e-6, 1 - 1e-6)


@pytest.mark.parametrize(
    ("described", "reference"),
    [
        ({"min": -1.0, "max": 3.0}, stats.uniform(-1, 4)),
        ({"distribution": "uniform", "min": 0, "max": 2}, stats.uniform(0, 2)),
        ({"min": 2, "max": 9}, stats.randint(2, 10)),
        (
            {"distribution": "log_uniform_values", "min": 1e-4, "max": 0.1},
            stats.loguniform(1e-4, 0.1),
        ),
        (
            {"distribution": "log_uniform", "min": -3, "max": 1},
            stats.loguniform(math.exp(-3), math.exp(1)),
        ),
        ({"distribution": "normal", "mu": 3.0, "sigma": 0.5}, stats.norm(3, 0.5)),
        ({"distribution": "log_normal"}, stats.lognorm(1)),
    ],
)
@given(unit=UNITS)
def test_numbers_have_their_distribution(described: dict, reference: object, unit: float) -> None:
    number = parameter("x", described)
    assert isinstance(number, Number)
    value = number.at(unit)
    assert value == pytest.approx(reference.ppf(unit), rel=1e-6, abs=1e-9)
    if not number.whole:
        assert number.unit(value) == pytest.approx(unit, abs=1e-6)
    else:
        assert number.at(number.unit(value)) == value


@given(unit=UNITS, q=st.sampled_from([1, 2, 5, 0.5, 0.1]))
def test_quantized_numbers_are_multiples(unit: float, q: float) -> None:
    number = parameter("x", {"distribution": "q_uniform", "min": 0, "max": 20, "q": q})
    value = number.at(unit)
    assert abs(value / q - round(value / q)) < 1e-9
    assert abs(value - 20 * unit) <= q / 2 + 1e-9
    assert isinstance(value, type(q))


@given(unit=UNITS)
def test_choices_come_with_their_probabilities(unit: float) -> None:
    choice = parameter("x", {"values": ["a", "b", None], "probabilities": [0.2, 0.5, 0.3]})
    assert isinstance(choice, Choice)
    assert choice.at(unit) == ("a" if unit < 0.2 else "b" if unit < 0.7 else None)


@pytest.mark.parametrize(
    ("described", "told"),
    [
        ({"values": []}, "at least one value"),
        ({"values": [1, 2], "probabilities": [0.5, 0.6]}, "summing to 1"),
        ({"min": "1e-4", "max": 1.0}, "YAML reads 1e-4 as text; write 1.0e-4"),
        ({"min": 1.0}, "max: expected a number, got None"),
        ({"min": 2.0, "max": 1.0}, "min below max"),
        ({"distribution": "beta"}, "'beta' is not known here"),
        ({"distribution": "uniform", "min": 0, "max": 1, "q": 3}, "'q' is no key of uniform"),
        ({"distribution": "log_uniform_values", "min": 0, "max": 1}, "more than zero"),
        ({"parameters": {"rate": {"value": 1}}}, "write 'learning.KEY'"),
        (3, "expected a mapping"),
    ],
)
def test_bad_parameters_are_told(described: object, told: str) -> None:
    with pytest.raises(ConfigError, match=r"parameters\.learning: .*") as caught:
        parameter("learning", described)
    assert told in str(caught.value)


SPACE = [
    parameter("rate", {"distribution": "log_uniform_values", "min": 1e-5, "max": 1e-1}),
    parameter("kind", {"values": ["worse", "better"]}),
    parameter("fixed", {"value": 7}),
]


def hill(settings: dict) -> float:
    """Peak at a rate of 1e-3 of the better kind."""
    return -((math.log10(settings["rate"]) + 3) ** 2) + (settings["kind"] == "better")


def search(method: str, count: int, seed: int) -> list[float]:
    tried: list = []
    for _ in range(count):
        settings = propose(method, SPACE, tried, seed)
        assert settings is not None
        tried.append((settings, hill(settings)))
    return [value for _, value in tried]


def test_bayes_finds_a_peak_that_chance_does_not() -> None:
    chance = [max(search("random", 14, seed)) for seed in range(2)]
    bayes = [max(search("bayes", 14, seed)) for seed in range(2)]
    assert min(bayes) > 0.99  # of 1
    assert np.mean(bayes) > np.mean(chance)


@pytest.mark.parametrize("method", ["random", "bayes"])
def test_proposals_depend_on_what_was_seen_only(method: str) -> None:
    assert search(method, 8, 5) == search(method, 8, 5)
    assert search(method, 8, 5) != search(method, 8, 6)


def test_failures_are_avoided_and_only_failures_are_survived() -> None:
    tried = [({"rate": 1e-4 * 1.5**n, "kind": "better", "fixed": 7}, None) for n in range(6)]
    assert propose("bayes", SPACE, tried) is not None
    failing = lambda settings: None if settings["kind"] == "worse" else hill(settings)  # noqa: E731
    tried = []
    for _ in range(14):
        settings = propose("bayes", SPACE, tried, seed=1)
        assert settings is not None
        tried.append((settings, failing(settings)))
    assert sum(value is None for _, value in tried[7:]) <= 2


def test_a_grid_is_gone_through_once() -> None:
    space = [
        parameter("a", {"values": [1, 2]}),
        parameter("b", {"min": 0, "max": 2}),
        parameter("c", {"distribution": "q_uniform", "min": 0, "max": 10, "q": 5}),
    ]
    seen: list = []
    while (settings := propose("grid", space, [(one, 0.0) for one in seen])) is not None:
        seen.append(settings)
    assert len(seen) == 2 * 3 * 3
    assert len({tuple(one.values()) for one in seen}) == len(seen)


def test_the_process_is_what_the_textbook_says() -> None:
    rng = np.random.default_rng(0)
    at = rng.random((9, 2))
    observed = np.sin(4 * at[:, 0]) + at[:, 1]
    process = gaussian_process.fit(at, observed)
    mean, spread = process.predict(at)
    assert mean == pytest.approx(observed, abs=0.05)
    points = rng.random((5, 2))
    mean, spread = process.predict(points)
    noise = process.factor[0]
    kernel = np.tril(noise) @ np.tril(noise).T
    between = gaussian_process.matern(points, at, process.lengths)
    y = (observed - observed.mean()) / observed.std()
    wanted = observed.mean() + observed.std() * between @ np.linalg.inv(kernel) @ y
    assert mean == pytest.approx(wanted, abs=1e-6)
    draws = rng.normal(mean, spread, (200_000, 5))
    best = process.predict(at)[0].max()
    improvement = np.maximum(draws - best, 0).mean(0)
    assert process.expected_improvement(points) == pytest.approx(improvement, abs=5e-3)


def test_trials_are_given_up_as_wandb_does() -> None:
    # The example in the documentation of W&B's own controller (wandb/sweeps), its signs turned.
    rule = Hyperband((1, 2), 2)
    trials = {"a": [10, 9], "b": [10, 10], "c": [10, 8, 8], "d": [10, 7, 7], "e": [10, 6, 6]}
    better = {name: [-value for value in values] for name, values in trials.items()}
    stopped = {
        name
        for name, values in better.items()
        if hopeless(values, [other for key, other in better.items() if key != name], rule)
    }
    assert stopped == {"a", "b", "c"}  # a has ended by then, and is not asked about
    assert not hopeless([-10.0], [], rule)
    assert not hopeless([-10.0, -9.0], [], rule)  # the first to come so far goes on
