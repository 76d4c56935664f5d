"""What learning shows and leaves: filmstrips, and checkpoints with their settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from torch import Tensor

from pixelrl.drawing.filmstrip import count_shares, draw_filmstrip
from pixelrl.images.files import write_image
from pixelrl.maps import Scene
from pixelrl.rl.rollout import replay
from pixelrl.task import Task
from pixelrl.training.checkpoint import FORMAT, KEY, SUPERVISED
from pixelrl.training.module import PixelA3C


class StoreSettings(Callback):
    """Put the experiment's settings, in plain values, into every checkpoint.

    Args:
        experiment: what `config.plain` made of it.
        supervised: whether the checkpoints hold a supervised start and no policy.
    """

    def __init__(self, experiment: Mapping[str, Any], *, supervised: bool = False) -> None:
        self.about = {"format": FORMAT, "experiment": dict(experiment)}
        if supervised:
            self.about[SUPERVISED] = True

    def on_save_checkpoint(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        checkpoint: dict[str, Any],
    ) -> None:
        """Add our part to Lightning's."""
        checkpoint[KEY] = self.about


class KeepCheckpoints(Callback):
    """Keep the last state every so many episodes, and the one with the best validation.

    Lightning's own ``ModelCheckpoint`` counts optimizer steps and saves within them; a state that a
    run can be resumed from exactly is one between two episodes.

    Args:
        last: the file of the last state.
        best: the file of the best one, by the mean reward in validation.
        every: episodes between two last states.
    """

    def __init__(self, last: Path, best: Path, every: int) -> None:
        self.last, self.best, self.every = last, best, every
        self.reward = float("-inf")

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Scene,
        batch_idx: int,
    ) -> None:
        """Keep the last state if it is time."""
        if (batch_idx + 1) % self.every == 0:
            trainer.save_checkpoint(self.last)

    def on_validation_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
    ) -> None:
        """Keep the state if it is the best so far."""
        reward = float(trainer.callback_metrics.get("val/reward", float("nan")))
        if reward > self.reward:
            self.reward = reward
            trainer.save_checkpoint(self.best)

    def state_dict(self) -> dict[str, float]:
        """Remember the best reward across resumptions."""
        return {"reward": self.reward}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Recall it."""
        self.reward = state_dict["reward"]


class ShowEpisodes(Callback):
    """Draw the first validation image's filmstrip and log the edits' shares.

    Args:
        directory: where the strips are written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Scene,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw and log."""
        if not isinstance(pl_module, PixelA3C):
            return
        choices: Tensor = outputs["edited"].choices
        names = pl_module.task.actions.names
        shares = count_shares(choices, len(names)).mean(0)
        logged = {f"shares/{name}": share for name, share in zip(names, shares, strict=True)}
        pl_module.log_dict(logged, batch_size=choices.shape[1])
        if batch_idx == 0 and trainer.is_global_zero:
            strip = draw(pl_module.task, choices, batch)
            step = trainer.fit_loop.total_batch_idx + 1
            write_image(self.directory / f"episode-{step:06d}.png", strip)
            log_picture(trainer, "val/filmstrip", strip, step)


def draw(task: Task, choices: Tensor, scene: Scene) -> Tensor:
    """Draw the filmstrip of a batch's first image, ``(3,h,w)``.

    Raises:
        MapError: the choices do not fit the image.
    """
    first = {name: value[:1] for name, value in scene.items()}
    frames = [first["image"], *replay(task, choices[:, :1], first)]
    target = first["target"][0].cpu() if "target" in first else None
    images = [frame[0].cpu() for frame in frames]
    return draw_filmstrip(
        images, choices[:, 0].cpu(), task.actions.names, target, noop=task.actions.noop
    )


def log_picture(trainer: pl.Trainer, name: str, picture: Tensor, step: int) -> None:
    """Show a picture ``(3,h,w)`` to every logger that can show one."""
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            logger.log_image(name, [picture], step=step)
        elif isinstance(logger, TensorBoardLogger):
            logger.experiment.add_image(name, picture, step)
