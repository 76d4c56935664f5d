"""A sweep's study: where Optuna keeps it, and its trials as they are shown."""

import json
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import OptunaError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pixelrl.errors import ConfigError
from pixelrl.sweeps.file import Sweep
from pixelrl.sweeps.mapping import make_settings
from pixelrl.sweeps.sampler import SearchSampler, best_value, grid_size
from pixelrl.sweeps.space import Settings
from pixelrl.sweeps.trials import STATES, Trial

JOURNAL = "journal.log"
"""The file in a sweep's directory that keeps its study, unless an SQL address is given."""
DECIDES = ("method", "metric", "parameters", "early_terminate", "command", "program")
"""What of a sweep file its trials depend on; the rest may change between two starts."""


@dataclass(frozen=True)
class Study:
    """Hold a sweep under way.

    Attributes:
        sweep: the file's content.
        directory: where logs and runs are.
        optuna_study: what keeps its trials.
        storage: where it keeps them.
        shared: whether they are kept in the directory, so that whoever works on them sees it.
        limit: how many trials there shall be in all.
        distributions: of its parameters, by name.
    """

    sweep: Sweep
    directory: Path
    optuna_study: optuna.Study
    storage: BaseStorage
    shared: bool
    limit: int
    distributions: dict[str, BaseDistribution]

    @property
    def is_grid(self) -> bool:
        """Whether its parameters are listed."""
        return self.sweep.method == "grid"

    def frozen(self) -> list[FrozenTrial]:
        """Read its trials as Optuna keeps them, by number."""
        return self.optuna_study.get_trials(deepcopy=False)

    def trials(self) -> list[Trial]:
        """Read its trials, by number, without those that were asked for and not needed."""
        return [
            self.describe(trial)
            for trial in self.frozen()
            if trial.number < self.limit or trial.state != TrialState.WAITING
        ]

    def describe(self, trial: FrozenTrial) -> Trial:
        """State what is known of a trial."""
        known = len(trial.params) == len(self.sweep.space)
        return Trial(
            number=trial.number,
            run=trial.user_attrs.get("run", f"trial-{trial.number:03d}"),
            settings=self.settings(trial) if known else {},
            state=STATES[trial.state],
            reached=best_value(trial, maximize=self.sweep.maximize) if self.sweep.metric else None,
            validations=len(trial.intermediate_values),
            seconds=trial.user_attrs.get("claim", {}).get("seconds", 0.0),
            error=trial.user_attrs.get("error", ""),
        )

    def settings(self, trial: FrozenTrial | optuna.Trial) -> Settings:
        """Make a trial's settings of what was drawn for it."""
        return make_settings(self.sweep.space, trial.params, grid=self.is_grid)

    def requeue(self, number: int) -> None:
        """Let a trial that nobody runs be asked for again, with the parameters it has.

        One that has finished since it was looked at is left as it is.
        """
        identity = self.storage.get_study_id_from_name(self.optuna_study.study_name)
        trial = self.storage.get_trial_id_from_study_id_trial_number(identity, number)
        with suppress(UpdateFinishedTrialError):
            self.storage.set_trial_state_values(trial, TrialState.WAITING)


def resume(sweep: Sweep, directory: Path, *, seed: int, count: int, address: str = "") -> Study:
    """Open a sweep's study, with the trials it has.

    Args:
        sweep: the file's content.
        directory: of the sweep; its name is that of the study in an SQL database.
        seed: of the search.
        count: how many trials there shall be in all; 0 for a whole grid.
        address: of an SQL database; by default the study is kept in the directory.

    Raises:
        ConfigError: it holds a sweep of other content or seed, or the address cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", "GPSampler is experimental")  # Optuna 4
    directory.mkdir(parents=True, exist_ok=True)
    sampler = SearchSampler(sweep.method, sweep.space, seed, maximize=sweep.maximize)
    about = {"sweep": _plain(sweep), "seed": seed}
    storage, study = _open(directory, sampler, address, about)
    if study.user_attrs["about"] != about:
        where = f"study '{study.study_name}' of --storage" if address else str(directory)
        raise ConfigError(
            f"{where}: holds a sweep of another file, content or seed; choose another --out."
        )
    size = grid_size(sampler.distributions) if sweep.method == "grid" else 0
    limit = min(filter(None, (count, size)))
    return Study(sweep, directory, study, storage, not address, limit, sampler.distributions)


def _open(
    directory: Path, sampler: SearchSampler, address: str, about: object, attempts: int = 3
) -> tuple[BaseStorage, optuna.Study]:
    """Open the storage and the study in it, or make them.

    A database is tried more than once: of two processes that make its tables at once, one fails.
    """
    try:
        storage = RDBStorage(address) if address else JournalStorage(_Journal(directory / JOURNAL))
        study = optuna.create_study(
            storage=storage,
            study_name=directory.resolve().name if address else "sweep",
            sampler=sampler,
            pruner=optuna.pruners.NopPruner(),  # see `pruning.should_stop`
            direction="maximize" if sampler.maximize else "minimize",
            load_if_exists=True,
        )
        if "about" not in study.user_attrs:
            study.set_user_attr("about", about)
    except (SQLAlchemyError, OptunaError, ImportError, RuntimeError) as error:
        if attempts > 1 and isinstance(error, DBAPIError | OptunaError):
            time.sleep(1)
            return _open(directory, sampler, address, about, attempts - 1)
        raise ConfigError(
            f"--storage: {say(error)}; expected an SQL address such as sqlite:///sweep.db or"
            " postgresql://HOST/NAME."
        ) from error
    return storage, study


def say(error: Exception) -> str:
    """Say a database's error in a line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


class _Journal(JournalFileBackend):
    """A journal whose lines are written whole or not at all."""

    def __init__(self, file: Path) -> None:
        path = str(file.resolve())  # Optuna needs it absolute for its lock
        self.file, self.lock = file, JournalFileOpenLock(path)
        self.drop_cut_line()
        super().__init__(path, lock_obj=self.lock)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append what happened, a line each.

        Raises:
            OSError: it cannot be written, and names the file.
        """
        try:
            super().append_logs(logs)
        except OSError as error:
            self.drop_cut_line()
            raise OSError(error.errno, error.strerror or str(error), str(self.file)) from error

    def drop_cut_line(self) -> None:
        """Drop a last line that a kill or a full disk has cut."""
        self.lock.acquire()
        try:
            if self.file.is_file() and not (content := self.file.read_bytes()).endswith(b"\n"):
                with self.file.open("r+b") as cut:
                    cut.truncate(content.rfind(b"\n") + 1)
        finally:
            self.lock.release()


def _plain(sweep: Sweep) -> object:
    """Describe what a sweep's trials depend on in what JSON holds."""
    raw = {key: sweep.raw[key] for key in DECIDES if key in sweep.raw}
    return json.loads(json.dumps(raw, default=str))
