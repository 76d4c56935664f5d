"""What loggers that can draw histograms show of a validation: how often each edit was chosen."""

from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from torch import Tensor

from pixelrl.maps import Scene
from pixelrl.training.module import PixelA3C

NAME = "val/edits"


class ShareHistograms(Callback):
    """Log a histogram over the edits, numbered in the task's order, after each validation.

    It counts every pixel's choice at every step in all images of the validation. The shares by
    name, one number each, are logged by `callbacks.ShowEpisodes` to every logger.
    """

    def __init__(self) -> None:
        self.counts: Tensor | None = None

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to count."""
        self.counts = None

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Scene,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count, on the choices' device."""
        if not isinstance(pl_module, PixelA3C):
            return
        choices: Tensor = outputs["edited"].choices
        found = torch.bincount(choices.flatten(), minlength=len(pl_module.task.actions))
        self.counts = found if self.counts is None else self.counts + found

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the histogram."""
        if self.counts is None or not trainer.is_global_zero:
            return
        counts = self.counts.cpu().numpy()
        edges = np.arange(len(counts) + 1) - 0.5
        step = trainer.fit_loop.total_batch_idx  # that of the validation's other metrics
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                import wandb  # noqa: PLC0415 - not for runs without it

                shares = counts / counts.sum()
                histogram = wandb.Histogram(np_histogram=(shares.tolist(), edges.tolist()))
                logger.log_metrics({NAME: histogram}, step=step)  # type: ignore[dict-item]
            elif isinstance(logger, TensorBoardLogger):
                numbers = np.arange(len(counts))
                logger.experiment.add_histogram_raw(
                    NAME,
                    min=0,
                    max=len(counts) - 1,
                    num=int(counts.sum()),
                    sum=float((numbers * counts).sum()),
                    sum_squares=float((numbers**2 * counts).sum()),
                    bucket_limits=(edges[1:]).tolist(),
                    bucket_counts=counts.tolist(),
                    global_step=step,
                )
