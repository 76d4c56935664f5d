"""A sweep's trials, as they are shown and compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from optuna.trial import TrialState

from pixelrl.sweeps.space import Settings

State = Literal["waiting", "running", "finished", "stopped", "failed"]
"""Of a trial; ``stopped`` is one that was given up early."""
STATES: Mapping[TrialState, State] = {
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "stopped",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class Trial:
    """Describe one trial.

    Attributes:
        number: in the order in which they were begun, from 0.
        run: its run's directory, in that of the sweep.
        settings: a value per parameter.
        state: where it is.
        reached: the best value of the metric that it logged, as W&B's search takes it.
        validations: how many values of the metric it logged.
        seconds: spent on it, over all attempts.
        error: why it failed.
    """

    number: int
    run: str
    settings: Settings
    state: State
    reached: float | None
    validations: int
    seconds: float
    error: str


def find_best(trials: Sequence[Trial], *, maximize: bool) -> Trial | None:
    """Find the trial with the best value, the first of equals, if any has one."""
    sign = 1 if maximize else -1
    known = [(sign * trial.reached, trial) for trial in trials if trial.reached is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def list_ended(trials: Sequence[Trial]) -> list[Trial]:
    """List the trials that have ended, however."""
    return [trial for trial in trials if trial.state not in {"running", "waiting"}]
