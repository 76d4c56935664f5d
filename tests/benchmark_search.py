"""Compare searches on functions whose best value is known, at as many trials as a sweep has.

python tests/benchmark_search.py --seeds 5 --trials 20
"""

import argparse
import math
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
)
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, create_trial

from pixelrl.sweeps.sampler import improve, mix

Space = dict[str, BaseDistribution]
Search = Callable[[Space, list[FrozenTrial], int], dict[str, Any]]
"""From a space, the trials so far and a seed to the next parameters."""


class Problem(NamedTuple):
    """Hold a function to be maximized."""

    score: Callable[[dict[str, Any]], float]
    space: Space
    best: float


def rate_and_choices(drawn: dict[str, Any]) -> float:
    """Peak at a rate that depends on a choice, as learning rates do."""
    at = {"0": -3.4, "9": -3.0, "33": -2.8}[drawn["spread"]]
    height = {"0": 0.0, "9": 0.3, "33": 0.2}[drawn["spread"]]
    above = 0.2 if drawn["estimator"] == "expected" else 0.0
    return height + above - 1.5 * (math.log10(drawn["rate"]) - at) ** 2


def parabola(drawn: dict[str, Any]) -> float:
    """Peak at 3, of the better choice."""
    return -((drawn["x"] - 3) ** 2) + (drawn["y"] == "up")


def branin(drawn: dict[str, Any]) -> float:
    """Branin's function, its sign turned: three peaks of one height."""
    x, y = 15 * drawn["x"] - 5, 15 * drawn["y"]
    bowl = (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2
    return -(bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8],
     [17, 8, 0.05, 10, 0.1, 14]]
)  # fmt: skip
P = 1e-4 * np.array(
    [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
     [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]
)  # fmt: skip


def hartmann(drawn: dict[str, Any]) -> float:
    """Hartmann's function of six parameters, its sign turned."""
    x = np.array(list(drawn.values()))
    return float(np.array([1, 1.2, 3, 3.2]) @ np.exp(-(A * (x - P) ** 2).sum(1)))


PROBLEMS = {
    "a rate and two choices": Problem(
        rate_and_choices,
        {
            "rate": FloatDistribution(1e-4, 3e-3, log=True),
            "spread": CategoricalDistribution(["0", "9", "33"]),
            "estimator": CategoricalDistribution(["sampled", "expected"]),
        },
        0.5,
    ),
    "a parabola and a choice": Problem(
        parabola,
        {"x": FloatDistribution(0, 10), "y": CategoricalDistribution(["down", "up"])},
        1.0,
    ),
    "Branin": Problem(branin, {name: FloatDistribution(0, 1) for name in "xy"}, -0.397887),
    "Hartmann": Problem(hartmann, {f"x{n}": FloatDistribution(0, 1) for n in range(6)}, 3.32237),
}


def by_optuna(make: Callable[[int], BaseSampler]) -> Search:
    """Search by one of Optuna's samplers, a new one for every trial."""

    def search(space: Space, trials: list[FrozenTrial], seed: int) -> dict[str, Any]:
        study = optuna.create_study(direction="maximize", sampler=make(seed))
        study.add_trials(trials)
        return study.ask(space).params

    return search


SEARCHES: dict[str, Search] = {
    "random": by_optuna(RandomSampler),
    "TPE": by_optuna(lambda seed: TPESampler(seed=seed)),
    "GP, 10 random": by_optuna(lambda seed: GPSampler(seed=seed)),
    "GP, as in sweeps": lambda space, trials, seed: improve(space, trials, seed, maximize=True),
}


def regret(problem: Problem, search: Search, count: int, seed: int) -> float:
    """Tell by how much the best of so many trials misses the best there is."""
    trials: list[FrozenTrial] = []
    for number in range(count):
        params = search(problem.space, trials, mix(seed, number))
        value = problem.score(params)
        trials.append(create_trial(params=params, distributions=problem.space, value=value))
    return problem.best - max(trial.value or 0.0 for trial in trials)


def main() -> None:
    """Print the median regret of every search on every function."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=20)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    for title, problem in PROBLEMS.items():
        for name, search in SEARCHES.items():
            began = time.process_time()
            found = [
                regret(problem, search, arguments.trials, seed) for seed in range(arguments.seeds)
            ]
            seconds = (time.process_time() - began) / (arguments.seeds * arguments.trials)
            median = statistics.median(found)
            print(f"{title:24} {name:17} regret {median:.4f}  {seconds:.3f} s a trial", flush=True)


if __name__ == "__main__":
    main()
