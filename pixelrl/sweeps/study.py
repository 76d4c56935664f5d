"""The state of a sweep: its trials, what they reached, and the file that keeps them."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from pixelrl.errors import ConfigError
from pixelrl.sweeps.file import Sweep
from pixelrl.sweeps.search import Settings

STATE = "sweep.json"
State = Literal["running", "finished", "stopped", "failed"]
"""Of a trial; ``stopped`` is one that was given up early."""


@dataclass(frozen=True)
class Trial:
    """Hold one trial.

    Attributes:
        settings: a value per parameter.
        run: its run's directory, in that of the sweep.
        state: where it is.
        history: the values of the metric, in order.
        seconds: spent on it, over all attempts.
    """

    settings: Settings
    run: str
    state: State = "running"
    history: tuple[float, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Study:
    """Hold a sweep under way: what it is, where, and its trials so far.

    Attributes:
        sweep: the file's content.
        directory: where state, logs and runs are.
        seed: of the search.
        trials: in order.
    """

    sweep: Sweep
    directory: Path
    seed: int = 0
    trials: tuple[Trial, ...] = field(default=())

    def reached(self, trial: Trial) -> float | None:
        """Tell the best value of the metric that a trial logged, as W&B's search takes it."""
        if not trial.history or trial.state == "failed":
            return None
        return max(trial.history) if self.sweep.maximize else min(trial.history)

    def gain(self, trial: Trial) -> float | None:
        """Tell the same so that more is better."""
        reached = self.reached(trial)
        return None if reached is None else reached * self.sign

    @property
    def sign(self) -> int:
        """What the metric is multiplied by so that more is better."""
        return 1 if self.sweep.maximize else -1

    def best(self) -> Trial | None:
        """Find the trial with the best value, if any has one."""
        known = [(gain, trial) for trial in self.trials if (gain := self.gain(trial)) is not None]
        return max(known, key=lambda pair: pair[0])[1] if known else None


def taken_up(study: Study) -> Study:
    """Read the state that is there, if any.

    Raises:
        ConfigError: the state is that of another sweep.
    """
    file = study.directory / STATE
    if not file.is_file():
        return study
    stored = json.loads(file.read_text("utf-8"))
    if (stored["sweep"], stored["seed"]) != (_plain(study.sweep), study.seed):
        raise ConfigError(
            f"{study.directory}: holds a sweep of another file, content or seed; choose another"
            " --out."
        )
    trials = [Trial(**{**trial, "history": tuple(trial["history"])}) for trial in stored["trials"]]
    return replace(study, trials=tuple(trials))


def saved(study: Study, trial: Trial) -> Study:
    """Add a trial and write the state, whole or not at all."""
    study = replace(study, trials=(*study.trials, trial))
    state = {
        "sweep": _plain(study.sweep),
        "seed": study.seed,
        "trials": [asdict(trial) for trial in study.trials],
    }
    file = study.directory / STATE
    draft = file.with_suffix(".part")
    draft.write_text(json.dumps(state, indent=2) + "\n", "utf-8")
    draft.replace(file)
    return study


def _plain(sweep: Sweep) -> object:
    """Describe what a sweep file says in what JSON holds."""
    return json.loads(json.dumps(sweep.raw, default=str))
