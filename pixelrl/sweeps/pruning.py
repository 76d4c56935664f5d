"""Which trials are given up early: Optuna's Hyperband, by what they report."""

from collections.abc import Sequence
from itertools import accumulate

import optuna
from optuna.pruners import HyperbandPruner

from pixelrl.sweeps.file import Hyperband


def should_stop(
    study: optuna.Study, trial: optuna.Trial, history: Sequence[float], rule: Hyperband | None
) -> bool:
    """Report what a trial has logged since, and tell whether it is to be given up.

    Values are reported one by one, so that the answer depends on them and not on when one looks.

    Args:
        study: the trial's.
        trial: a running one.
        history: the metric's values so far, in order; those that were reported are left out.
        rule: when trials are given up; None for never.
    """
    maximize = study.direction == optuna.study.StudyDirection.MAXIMIZE
    if rule and not rule.strict:
        history = list(accumulate(history, max if maximize else min))
    reported = len(study.get_trials(deepcopy=False)[trial.number].intermediate_values)
    pruner = make_pruner(rule) if rule else None
    for step in range(reported, len(history)):
        trial.report(history[step], step)
        if pruner and pruner.prune(study, study.get_trials(deepcopy=False)[trial.number]):
            return True
    return False


def make_pruner(rule: Hyperband) -> HyperbandPruner:
    """Make Optuna's pruner of a rule.

    Trials are dealt to brackets (Li et al., 2018): the first looks at ``min_iter`` validations and
    at every ``eta`` times as many, each other one begins a factor of ``eta`` later, for the sake
    of trials that begin slowly. A new pruner is made at every look, since it keeps in memory what
    it sees first.
    """
    return HyperbandPruner(
        min_resource=rule.least, max_resource=rule.most or "auto", reduction_factor=rule.eta
    )
