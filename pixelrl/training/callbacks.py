"""What learning shows, and the settings that checkpoints carry."""

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
from pixelrl.training.checkpoint import SUPERVISED
from pixelrl.training.module import PixelA3C
from pixelrl.training.weights import FORMAT, KEY


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
        checkpoint[KEY] = {**self.about, "episode": trainer.fit_loop.total_batch_idx + 1}


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
        pl_module.log_dict(logged, batch_size=choices.shape[1], sync_dist=True)
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
