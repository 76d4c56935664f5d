"""The states of a run that are kept: the last, the one before it, and the best."""

from pathlib import Path
from time import monotonic
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback

from pixelrl.maps import Scene
from pixelrl.runs.directory import BEST, LAST, PREVIOUS
from pixelrl.runs.resume import tell_how_to_go_on
from pixelrl.training.divergence import check_finite
from pixelrl.training.rows import RowLogger
from pixelrl.training.stopping import StopOnSignal, StoppedError


class Due:
    """Tell when a state is to be kept.

    Args:
        episodes: between two states.
        minutes: after which one is due too; 0 for never.

    Example:
        >>> Due(100).late(), Due(100, minutes=1e-9).late()
        (False, True)
    """

    def __init__(self, episodes: int, minutes: float = 0.0) -> None:
        self.episodes, self.minutes = episodes, minutes
        self.saved()

    def saved(self) -> None:
        """Note that a state was kept just now."""
        self._since = monotonic()

    def late(self) -> bool:
        """Tell whether the minutes are over."""
        return 0 < self.minutes <= (monotonic() - self._since) / 60


class KeepCheckpoints(Callback):
    """Keep the last state every so many episodes, and the one with the best validation.

    Lightning's own ``ModelCheckpoint`` counts optimizer steps and saves within them; a state that a
    run can be resumed from exactly is one between two episodes. Where a validation is due, that is
    after it: a state saved before would forget, once resumed, what the validation found.

    Args:
        directory: of the run.
        due: tells when the last state is to be kept.
        validate_every: episodes between validations; one comes after the last episode, too.
        episodes: of the whole run.
        stop: tells whether a signal asks the run to end.
        task: the task's name.
    """

    def __init__(
        self,
        directory: Path,
        due: Due,
        validate_every: int,
        episodes: int,
        stop: StopOnSignal | None = None,
        task: str = "",
    ) -> None:
        self.directory, self.due, self.task = directory, due, task
        self.validate_every, self.episodes = validate_every, episodes
        self.stop = stop or StopOnSignal()
        self.reward = float("-inf")

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Scene,
        batch_idx: int,
    ) -> None:
        """Keep the last state if it is time, unless a validation comes first.

        Raises:
            StoppedError: a signal has asked for the end.
        """
        episode = batch_idx + 1
        if not self._is_validated(episode):
            _log_row(trainer, batch_idx)
            self._keep(trainer, pl_module, episode)
        elif episode == self.episodes:
            trainer.should_stop = True  # as it would; but asked to, Lightning validates before

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the state if it is the best so far, and the last one if it is time.

        Raises:
            StoppedError: a signal has asked for the end.
        """
        episode = trainer.fit_loop.total_batch_idx + 1
        reward = float(trainer.callback_metrics.get("val/reward", float("nan")))
        # Lightning looks once more where something ends a run early; a run gone on with forgets it.
        planned = self._is_validated(episode)
        if planned and reward > self.reward and reward != float("inf"):
            check_finite(pl_module, episode)
            self.reward = reward
            trainer.save_checkpoint(self.directory / BEST)
        if trainer.state.fn == "fit":
            self._keep(trainer, pl_module, episode)

    def state_dict(self) -> dict[str, float]:
        """Remember the best reward across resumptions."""
        return {"reward": self.reward}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Recall it."""
        self.reward = state_dict["reward"]

    def _is_validated(self, episode: int) -> bool:
        return episode % self.validate_every == 0 or episode == self.episodes

    def _keep(self, trainer: pl.Trainer, module: pl.LightningModule, episode: int) -> None:
        # One process may hear of a signal, or of the time, an episode before the others do.
        number = agree(trainer, self.stop.number or 0)
        late = self.due.minutes > 0 and agree(trainer, int(self.due.late()))
        if episode % self.due.episodes and not number and not late:
            return
        check_finite(module, episode)
        save_last(trainer, self.directory)
        self.due.saved()
        if number:
            cure = tell_how_to_go_on(self.directory, self.task)
            raise StoppedError(
                f"stopped by signal {number} after episode {episode}; {cure}", number
            )


def agree(trainer: pl.Trainer, number: int) -> int:
    """Find the largest of what all processes say; with one there is nothing to ask."""
    if trainer.world_size == 1:
        return number
    said = torch.tensor(number, device=trainer.strategy.root_device)
    return int(trainer.strategy.reduce(said, reduce_op="max"))


def _log_row(trainer: pl.Trainer, step: int) -> None:
    """Log this episode's row before a state that follows it, where Lightning would do so after."""
    if (step + 1) % trainer.log_every_n_steps:  # type: ignore[attr-defined]
        return
    metrics = {k: float(v) for k, v in trainer.callback_metrics.items() if k.startswith("train/")}
    for logger in trainer.loggers:
        if isinstance(logger, RowLogger):
            logger.log_metrics(metrics, step)


def save_last(trainer: pl.Trainer, directory: Path) -> None:
    """Save a run's last state; what was the last until now is kept as the one before."""
    last = directory / LAST
    if trainer.is_global_zero and last.is_file():
        last.replace(directory / PREVIOUS)
    trainer.save_checkpoint(last)
