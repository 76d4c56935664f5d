"""Which parameters a sweep tries next: a function of its seed and of its trials so far.

Optuna's samplers keep the state of their random numbers in memory, where a kill loses it. A new
one is therefore made for every trial, seeded from the sweep's seed and the trial's number, and
shown the trials before it: a sweep that was killed goes on as it would have.
"""

from collections.abc import Mapping, Sequence
from itertools import islice, product
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, GPSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from pixelrl.sweeps.mapping import make_distributions
from pixelrl.sweeps.space import Parameter

Drawn = dict[str, Any]
"""A value of each distribution, as Optuna keeps it."""

REDRAWS = 50
"""How often settings are drawn anew that were tried before."""


class SearchSampler(BaseSampler):
    """Draw every trial's parameters at once."""

    def __init__(
        self, method: str, space: Sequence[Parameter], seed: int, *, maximize: bool
    ) -> None:
        self.method = method
        self.maximize = maximize
        self.seed = seed
        self.distributions = make_distributions(space, grid=method == "grid")

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Say that all parameters are drawn together."""
        return self.distributions

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Mapping[str, BaseDistribution]
    ) -> Drawn:
        """Draw them."""
        if self.method == "grid":
            return grid_point(self.distributions, trial.number)
        seed = mix(self.seed, trial.number)
        if self.method == "random":
            return draw(self.distributions, seed)
        before = [one for one in study.get_trials(deepcopy=False) if one.number < trial.number]
        return improve(self.distributions, before, seed, maximize=self.maximize)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:  # noqa: ANN401 - Optuna's own signature
        """Draw one of them, which Optuna asks for only if it was not drawn with the others."""
        return self.sample_relative(study, trial, {})[param_name]


def mix(seed: int, number: int) -> int:
    """Make a trial's seed, below 2³², so that neighbors have nothing in common."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def grid_point(distributions: Mapping[str, BaseDistribution], number: int) -> Drawn:
    """Take a point of a grid, in the file's order, the last parameter changing fastest.

    Optuna's own grid sampler shuffles the grid and may hand one point to two processes; a trial's
    number belongs to one alone. Past the end it begins anew; no such trial is ever run.
    """
    axes = [
        one.choices for one in distributions.values() if isinstance(one, CategoricalDistribution)
    ]
    number %= grid_size(distributions)
    return dict(zip(distributions, next(islice(product(*axes), number, None)), strict=True))


def grid_size(distributions: Mapping[str, BaseDistribution]) -> int:
    """Count a grid's points."""
    size = 1
    for one in distributions.values():
        size *= len(one.choices) if isinstance(one, CategoricalDistribution) else 1
    return size


def draw(distributions: dict[str, BaseDistribution], seed: int) -> Drawn:
    """Draw at random."""
    return optuna.create_study(sampler=RandomSampler(seed)).ask(distributions).params


def improve(
    distributions: dict[str, BaseDistribution],
    before: Sequence[FrozenTrial],
    seed: int,
    *,
    maximize: bool,
) -> Drawn:
    """Draw where a Gaussian process expects the greatest improvement.

    The first trials, a few more than there are parameters, are drawn at random. With the tens of
    trials that a sweep has the process finds more than Optuna's default, TPE, which begins with
    ten random trials and models every parameter by itself.

    Args:
        distributions: of the parameters.
        before: the trials so far.
        seed: of this draw.
        maximize: whether more of the metric is better.
    """
    varied = sum(not one.single() for one in distributions.values())
    sampler = GPSampler(seed=seed, n_startup_trials=max(3, varied + 2))
    study = optuna.create_study(sampler=sampler, direction="maximize" if maximize else "minimize")
    study.add_trials(observe(before, maximize=maximize))
    drawn = study.ask(distributions).params
    tried = [trial.params for trial in before]
    for attempt in range(REDRAWS):
        if drawn not in tried:
            break
        drawn = draw(distributions, mix(seed, attempt))
    return drawn


def observe(trials: Sequence[FrozenTrial], *, maximize: bool) -> list[FrozenTrial]:
    """State what trials tell the search.

    A trial that was given up early counts by its best value, as any other does. One that failed
    counts as the worst that was seen, so that the search keeps away from it. One that is running
    is shown as such.
    """
    reached = [best_value(trial, maximize=maximize) for trial in trials]
    known = [value for value in reached if value is not None]
    worst = (min(known) if maximize else max(known)) if known else None
    found: list[FrozenTrial] = []
    for trial, best in zip(trials, reached, strict=True):
        value = worst if best is None else best
        about: dict[str, Any] = {"params": trial.params, "distributions": trial.distributions}
        if trial.state == TrialState.RUNNING:
            found.append(create_trial(state=TrialState.RUNNING, **about))
        elif trial.state.is_finished() and value is not None:
            found.append(create_trial(value=value, **about))
    return found


def best_value(trial: FrozenTrial, *, maximize: bool) -> float | None:
    """Take the best value of the metric that a trial logged; None if it failed or logged none."""
    if trial.state == TrialState.COMPLETE:
        return trial.value
    values = trial.intermediate_values.values()
    if trial.state != TrialState.PRUNED or not values:
        return None
    return max(values) if maximize else min(values)
