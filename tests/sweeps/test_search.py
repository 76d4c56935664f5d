"""What a sweep tries next, and what it gives up."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from pixelrl.sweeps.file import Hyperband
from pixelrl.sweeps.mapping import make_distributions, make_settings
from pixelrl.sweeps.parameters import parameter
from pixelrl.sweeps.pruning import should_stop
from pixelrl.sweeps.sampler import SearchSampler, draw, grid_point, grid_size, improve, observe

SPACE = [
    parameter("rate", {"distribution": "log_uniform_values", "min": 1e-5, "max": 1e-1}),
    parameter("kind", {"values": ["worse", "better"]}),
    parameter("fixed", {"value": 7}),
]
Score = Callable[[dict[str, Any]], float | None]


def hill(settings: dict[str, Any]) -> float:
    """Peak at a rate of 1e-3 of the better kind."""
    return -((math.log10(settings["rate"]) + 3) ** 2) + (settings["kind"] == "better")


def search(method: str, count: int, seed: int, score: Score = hill) -> list[float | None]:
    """Search in memory; what scores nothing fails."""
    sampler = SearchSampler(method, SPACE, seed, maximize=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    found = []
    for _ in range(count):
        trial = study.ask(make_distributions(SPACE))
        found.append(score(make_settings(SPACE, trial.params)))
        study.tell(trial, found[-1], TrialState.FAIL if found[-1] is None else None)
    return found


def test_bayes_finds_a_peak_that_chance_does_not() -> None:
    chance = [max(search("random", 14, seed)) for seed in range(2)]
    bayes = [max(search("bayes", 14, seed)) for seed in range(2)]
    assert min(bayes) > 0.99  # of 1
    assert np.mean(bayes) > np.mean(chance)


def test_less_is_better_where_it_is_to_be() -> None:
    distributions = make_distributions(SPACE)
    trials: list[FrozenTrial] = []
    for number in range(14):
        params = improve(distributions, trials, number, maximize=False)
        cost = -hill(make_settings(SPACE, params))
        trials.append(create_trial(params=params, distributions=distributions, value=cost))
    assert min(trial.value or 0 for trial in trials) < -0.99


@pytest.mark.parametrize("method", ["random", "bayes"])
def test_proposals_depend_on_what_was_seen_only(method: str) -> None:
    assert search(method, 8, 5) == search(method, 8, 5)
    assert search(method, 8, 5) != search(method, 8, 6)


def test_failures_are_avoided_and_only_failures_are_survived() -> None:
    def failing(settings: dict[str, Any]) -> float | None:
        return None if settings["rate"] > 1e-3 else hill(settings)

    values = search("bayes", 14, 1, failing)
    assert sum(value is None for value in values[7:]) <= 2
    assert search("bayes", 8, 0, lambda _: None) == [None] * 8


def trial(state: TrialState, **about: Any) -> FrozenTrial:
    distributions = make_distributions(SPACE)
    return create_trial(
        state=state, params=draw(distributions, 0), distributions=distributions, **about
    )


def test_what_ended_early_counts_by_its_best_and_a_failure_as_the_worst() -> None:
    trials = [
        trial(TrialState.COMPLETE, value=3.0),
        trial(TrialState.PRUNED, intermediate_values={0: 1.0, 1: 2.0, 2: 1.5}),
        trial(TrialState.FAIL, intermediate_values={0: 9.0}),
        trial(TrialState.RUNNING, intermediate_values={0: 9.0}),
        trial(TrialState.WAITING),
    ]
    more = observe(trials, maximize=True)
    assert [one.value for one in more] == [3.0, 2.0, 2.0, None]
    assert more[-1].state == TrialState.RUNNING
    assert [one.value for one in observe(trials, maximize=False)] == [3.0, 1.0, 3.0, None]
    assert observe(trials[2:3], maximize=True) == []


def test_a_small_space_is_gone_through_before_anything_is_tried_twice() -> None:
    space = [parameter("a", {"values": [0, 9, 33]}), parameter("b", {"values": ["s", "e"]})]
    distributions = make_distributions(space)
    trials: list[FrozenTrial] = []
    for number in range(7):
        params = improve(distributions, trials, number, maximize=True)
        value = float(number % 3)
        trials.append(create_trial(params=params, distributions=distributions, value=value))
    assert len({tuple(one.params.values()) for one in trials[:6]}) == 6


def test_a_grid_is_gone_through_once_in_the_files_order() -> None:
    space = [
        parameter("a", {"values": [1, 2], "probabilities": [0.3, 0.7]}),
        parameter("b", {"min": 0, "max": 2}),
        parameter("c", {"distribution": "q_uniform", "min": 0, "max": 10, "q": 5}),
    ]
    distributions = make_distributions(space, grid=True)
    assert grid_size(distributions) == 2 * 3 * 3
    points = [
        make_settings(space, grid_point(distributions, number), grid=True) for number in range(18)
    ]
    assert [tuple(point.values()) for point in points] == [
        (a, b, c) for a in (1, 2) for b in (0, 1, 2) for c in (0, 5, 10)
    ]


def report(rule: Hyperband, histories: list[list[float]]) -> list[int]:
    """Report validations of trials one after another; say how many each was let make."""
    study = optuna.create_study(direction="maximize", study_name="sweep")
    made = []
    for history in histories:
        asked = study.ask()
        made.append(len(history))
        for count in range(1, len(history) + 1):
            if should_stop(study, asked, history[:count], rule):
                made[-1] = count
                study.tell(asked, state=TrialState.PRUNED)
                break
        else:
            study.tell(asked, max(history))
    return made


def test_trials_that_fall_behind_are_given_up() -> None:
    good, bad = [5.0, 6, 7, 8, 9, 9, 9, 9], [1.0, 1, 1, 1, 1, 1, 1, 1]
    made = report(Hyperband(1, 8, 2, strict=True), [good] * 4 + [bad] * 8)
    assert made[:4] == [8] * 4
    assert set(made[4:]) == {2, 3, 5, 8}  # after 1, 2 or 4 validations, or not, by bracket
    assert made[4:].count(2) == max(made[4:].count(end) for end in (2, 3, 5, 8))
    # Where the length is not told, the first trial tells it.
    assert report(Hyperband(1, None, 2, strict=True), [good] * 4 + [bad] * 8)[:4] == [8] * 4
    assert report(Hyperband(9, None, 2, strict=True), [good] * 4 + [bad] * 8) == [8] * 12


def test_a_rule_that_is_not_strict_looks_at_the_best_so_far() -> None:
    good = [5.0, 5, 5, 5]
    late = [6.0, 1, 1, 1]
    rules = [Hyperband(1, 2, 2, strict=strict) for strict in (True, False)]
    strict, lenient = (report(rule, [good] * 4 + [late] * 4)[4:] for rule in rules)
    assert min(strict) == 2
    assert lenient == [4] * 4


def test_values_are_reported_once_and_by_their_order(tmp_path: Path) -> None:
    study = optuna.create_study(direction="maximize")
    asked = study.ask()
    for history in ([1.0], [1.0, 2.0], [9.0], [1.0, 2.0, 3.0]):
        assert not should_stop(study, asked, history, None)
    assert study.trials[0].intermediate_values == {0: 1.0, 1: 2.0, 2: 3.0}
