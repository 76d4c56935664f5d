"""What a run shows and leaves: filmstrips, scores, edited images, and settings in checkpoints."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import BasePredictionWriter, Callback
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from torch import Tensor

from pixelrl.checkpoint import FORMAT, KEY
from pixelrl.choices import save_choices
from pixelrl.episode import replay
from pixelrl.images import write_image
from pixelrl.maps import Scene
from pixelrl.module import Edited, PixelA3C
from pixelrl.oracle import greedy
from pixelrl.tables import Row, means, write_rows
from pixelrl.task import Task
from pixelrl.visualize import filmstrip, usage


class StoreSettings(Callback):
    """Put the experiment's settings, in plain values, into every checkpoint.

    Args:
        experiment: what `config.plain` made of it.
    """

    def __init__(self, experiment: Mapping[str, Any]) -> None:
        self.experiment = experiment

    def on_save_checkpoint(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        checkpoint: dict[str, Any],
    ) -> None:
        """Add our part to Lightning's."""
        checkpoint[KEY] = {"format": FORMAT, "experiment": dict(self.experiment)}


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
        shares = usage(choices, len(names)).mean(0)
        logged = {f"shares/{name}": share for name, share in zip(names, shares, strict=True)}
        pl_module.log_dict(logged, batch_size=choices.shape[1])
        if batch_idx == 0 and trainer.is_global_zero:
            strip = draw(pl_module.task, choices, batch)
            step = trainer.fit_loop.total_batch_idx + 1
            write_image(self.directory / f"episode-{step:06d}.png", strip)
            log_picture(trainer, "val/filmstrip", strip, step)


class ScoreTable(Callback):
    """Collect one row of scores per test image, and write them with their protocol.

    Args:
        directory: where ``scores.csv``, ``protocol.json`` and filmstrips are written.
        names: the images' names, in order.
        protocol: what the scores depend on.
        strips: how many filmstrips to draw.
    """

    def __init__(
        self, directory: Path, names: Sequence[str], protocol: Mapping[str, Any], strips: int = 4
    ) -> None:
        self.directory, self.names, self.protocol = directory, names, protocol
        self.strips = strips
        self.rows: list[Row] = []

    def on_test_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Scene,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add a row, and the greedy ceiling of the action set where it can be had."""
        if not isinstance(pl_module, PixelA3C) or not trainer.is_global_zero:
            return
        edited: Edited = outputs["edited"]
        scores: dict[str, Tensor] = outputs["scores"]
        row: Row = {"image": self.names[batch_idx]}
        row.update({name: float(score[0]) for name, score in scores.items()})
        row.update(ceiling(pl_module.task, batch))
        self.rows.append(row)
        if batch_idx < self.strips:
            strip = draw(pl_module.task, edited.choices, batch)
            write_image(self.directory / "filmstrips" / f"{row['image']}.png", strip)

    def on_test_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
    ) -> None:
        """Write the table."""
        if trainer.is_global_zero:
            write_rows(self.directory / "scores.csv", self.rows)
            text = json.dumps({**self.protocol, "mean": means(self.rows)}, indent=2)
            (self.directory / "protocol.json").write_text(text + "\n", "utf-8")


class SaveEdits(BasePredictionWriter):
    """Write each edited image, its filmstrip and its choices.

    Args:
        directory: where they are written.
        names: the images' names, in order.
        experiment: the settings, in plain values, to be stored with the choices.
    """

    def __init__(
        self, directory: Path, names: Sequence[str], experiment: Mapping[str, Any]
    ) -> None:
        super().__init__(write_interval="batch")
        self.directory, self.names, self.experiment = directory, names, experiment

    def write_on_batch_end(  # noqa: PLR0913, PLR0917 - Lightning's signature
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Edited,
        batch_indices: Sequence[int] | None,
        batch: Scene,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write one image's files."""
        if not isinstance(pl_module, PixelA3C):
            return
        name = self.names[batch_idx]
        write_image(self.directory / f"{name}.png", prediction.image[0])
        strip = draw(pl_module.task, prediction.choices, batch)
        write_image(self.directory / f"{name}.strip.png", strip)
        save_choices(
            self.directory / f"{name}.choices.npz",
            prediction.choices[:, 0].to(torch.uint8).cpu().numpy().astype(np.uint8),
            pl_module.task.actions.names,
            self.experiment,
        )


def draw(task: Task, choices: Tensor, scene: Scene) -> Tensor:
    """Draw the filmstrip of a batch's first image, ``(3,h,w)``."""
    first = {name: value[:1] for name, value in scene.items()}
    frames = [first["image"], *replay(task, choices[:, :1], first)]
    target = first["target"][0].cpu() if "target" in first else None
    images = [frame[0].cpu() for frame in frames]
    return filmstrip(images, choices[:, 0].cpu(), task.actions.names, target)


def log_picture(trainer: pl.Trainer, name: str, picture: Tensor, step: int) -> None:
    """Show a picture ``(3,h,w)`` to every logger that can show one."""
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            logger.log_image(name, [picture], step=step)
        elif isinstance(logger, TensorBoardLogger):
            logger.experiment.add_image(name, picture, step)


def ceiling(task: Task, scene: Scene) -> dict[str, float]:
    """Score the greedy ceiling of a task's edits, where its reward is local."""
    if not task.local_reward:
        return {}
    images, _ = greedy(task, scene)
    scores = task.scores(images[-1], scene)
    return {f"oracle_{name}": float(score[0]) for name, score in scores.items()}
