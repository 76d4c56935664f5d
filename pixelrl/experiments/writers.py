"""What evaluating leaves: scores with their protocol, and a record per image."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from pixelrl.config.compose import Experiment
from pixelrl.data.module import Whole
from pixelrl.declaration import ORACLE, declare
from pixelrl.experiments.calibration import Tally, group_pixels, summarize, tally_trace
from pixelrl.maps import Scene
from pixelrl.oracle import greedy
from pixelrl.records.write import write_record
from pixelrl.rl.trace import Edited
from pixelrl.runs.protocol import FILE, describe_scores, write_json
from pixelrl.runs.tables import Row, Table, write_csv
from pixelrl.task import Task
from pixelrl.training.module import PixelA3C

RECORDS = "images"
"""The folder of the records, in that of the scores."""


@dataclass(frozen=True)
class Extras:
    """Say what evaluating leaves beside the scores.

    Attributes:
        oracle: the scores of the greedy ceiling of the edits; this takes a local reward.
        steps: the scores after every step.
        records: what ``predict`` leaves of each image.
    """

    oracle: bool = False
    steps: bool = False
    records: bool = True


class WriteScores(Callback):
    """Collect one row of scores per test image, and write them with their protocol.

    Args:
        directory: where ``scores.csv``, ``protocol.json``, the calibration and records are written.
        images: what is edited, in order.
        protocol: what the scores depend on.
        experiment: the settings, to be stored with each record.
        extras: what is wanted beside the scores.
    """

    def __init__(
        self,
        directory: Path,
        images: Whole,
        protocol: Mapping[str, Any],
        experiment: Experiment,
        extras: Extras = Extras(),
    ) -> None:
        self.directory, self.images, self.protocol = directory, images, protocol
        self.experiment, self.extras = experiment, extras
        self.rows: list[Row] = []
        self.step_rows: list[Row] = []
        self.tally: Tally | None = None
        self.counts: Tensor | None = None
        self.declared = declare(experiment.task.declared_scores)

    @property
    def table(self) -> Table:
        """The scores so far, a row per image."""
        return Table(("image",), self.rows, self.declared)

    def on_test_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Scene,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add a row, count the image's pixels, and leave its record."""
        if not isinstance(pl_module, PixelA3C) or not trainer.is_global_zero:
            return
        edited: Edited = outputs["edited"]
        scores: dict[str, Tensor] = outputs["scores"]
        name, task = self.images.names[batch_idx], pl_module.task
        values = {score: float(value[0]) for score, value in scores.items()}
        if self.extras.oracle:
            values.update(score_ceiling(task, batch))
        self.rows.append({"image": name, **values})
        counts = torch.bincount(edited.choices.flatten(), minlength=len(task.actions))
        self.counts = counts if self.counts is None else self.counts + counts
        if self.extras.steps and edited.trace is not None:
            self.step_rows += score_steps(task, name, edited.trace.frames, batch)
        if edited.trace is not None and "target" in batch:
            found = tally_trace(edited.trace, edited.image, batch["target"], len(task.actions))
            self.tally = found if self.tally is None else self.tally + found
        if self.extras.records:
            folder = self.directory / RECORDS
            profile = self.images.profile(batch_idx)
            write_record(folder, name, edited, batch, self.experiment, profile)

    @property
    def shares(self) -> dict[str, float]:
        """Each edit's share of all choices, by name; none before the first image."""
        if self.counts is None:
            return {}
        found = (self.counts / self.counts.sum()).tolist()
        return dict(zip(self.experiment.task.actions.names, found, strict=True))

    def on_test_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
    ) -> None:
        """Write the tables and draw the calibration and the steps."""
        if not trainer.is_global_zero:
            return
        protocol = {**self.protocol, **describe_scores(self.table), "shares": self.shares}
        if self.tally is not None:
            protocol["calibration"] = summarize(self.tally)
            measure = self.tally.measure
            groups = [
                {"pixels": group.pixels, measure: group.doubt, "error": group.error}
                for group in group_pixels(self.tally)
            ]
            write_csv(self.directory / "calibration.csv", Table((), groups))
        write_csv(self.directory / "scores.csv", self.table)
        steps = Table(("image", "step"), self.step_rows, self.declared)
        if self.step_rows:
            write_csv(self.directory / "steps.csv", steps)
        write_json(self.directory / FILE, protocol)
        self._draw(steps)

    def _draw(self, steps: Table) -> None:
        # matplotlib is imported when something is drawn.
        from pixelrl.drawing.charts import save  # noqa: PLC0415
        from pixelrl.experiments.plots import draw_calibration, draw_steps  # noqa: PLC0415

        suffix = self.experiment.run.figures
        if self.tally is not None:
            title = "Do the agents know where they err?"
            save(draw_calibration(self.tally, title), self.directory / f"calibration.{suffix}")
        if steps.rows:
            save(draw_steps(steps), self.directory / f"steps.{suffix}")


def score_steps(task: Task, name: str, frames: Tensor, scene: Scene) -> list[Row]:
    """Score an image before the first step and after each.

    Args:
        task: knows the scores.
        name: the image's.
        frames: ``(T+1,1,C,H,W)``.
        scene: its maps, ``(1,K,H,W)``.

    Returns:
        A row per step, with ``image`` and ``step``.
    """
    found: list[Row] = []
    for step, frame in enumerate(frames):
        scores = task.scores(frame.to(scene["image"].device), scene)
        values = {score: float(value[0]) for score, value in scores.items()}
        found.append({"image": name, "step": step, **values})
    return found


def score_ceiling(task: Task, scene: Scene) -> dict[str, float]:
    """Score the greedy ceiling of a task's edits; its reward must be local.

    Raises:
        ConfigError: it is not.
    """
    images, _ = greedy(task, scene)
    scores = task.scores(images[-1], scene)
    return {f"{ORACLE}{name}": float(score[0]) for name, score in scores.items()}
