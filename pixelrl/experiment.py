"""Where everything is put together: fit, evaluate, predict."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import DDPStrategy

from pixelrl import runs
from pixelrl.baselines import compared
from pixelrl.callbacks import (
    KeepCheckpoints,
    ShowEpisodes,
    StoreSettings,
)
from pixelrl.checkpoint import build, restore
from pixelrl.config import Experiment, as_yaml, plain
from pixelrl.data import ImageData, Whole
from pixelrl.episode import Guide
from pixelrl.errors import ConfigError
from pixelrl.folders import digest
from pixelrl.learning_curves import draw_learning_curves
from pixelrl.loggers import finish, log_best, log_scores, loggers, quiet
from pixelrl.module import PixelA3C
from pixelrl.progress import Progress
from pixelrl.results import Extras, SaveEdits, ScoreTable
from pixelrl.supervised import Regression
from pixelrl.tables import Row, aligned, means, write_rows
from pixelrl.wandb_callbacks import ShareHistograms


class Fitted(NamedTuple):
    """Hold what a fit leaves.

    Attributes:
        directory: of the run.
        module: with the weights of the best validation.
        rows: scores on the test images, one row each.
    """

    directory: Path
    module: PixelA3C
    rows: Sequence[Row]


def fit(experiment: Experiment, resume: Path | None = None) -> Fitted:
    """Learn, and score what was learned on the test images.

    Args:
        experiment: what to do.
        resume: a checkpoint to go on from, in its own run's directory.

    Returns:
        What the run leaves.

    Raises:
        PixelRLError: of whatever kind, with one line that says what to do.
    """
    module = build(experiment)
    data = _data(experiment)
    data.check()
    directory = runs.resumed_directory(resume) if resume else _new_directory(experiment)
    shows = [ShowEpisodes(directory / "filmstrips"), ShareHistograms()]
    trainer = _trainer(experiment, directory, [*shows, *_keeping(experiment, directory)])
    if experiment.network.init and resume is None:
        # The start counts: what was learned before is kept if nothing better is found.
        trainer.validate(module, datamodule=data, verbose=False)
    trainer.fit(module, datamodule=data, ckpt_path=resume)
    trainer.save_checkpoint(directory / runs.LAST)
    best = directory / runs.BEST
    if best.is_file():
        module = restore(best).module
    rows = score(module, experiment, directory) if trainer.is_global_zero else []
    if trainer.is_global_zero:
        _report(trainer, experiment, directory, rows)
    return Fitted(directory, module, rows)


def pretrain(experiment: Experiment) -> Path:
    """Learn a supervised start, for `network.init`.

    Args:
        experiment: what to do; ``learning.episodes`` counts batches.

    Returns:
        The checkpoint of the best validation.

    Raises:
        PixelRLError: of whatever kind, with one line that says what to do.
    """
    policy = build(experiment).policy
    module = Regression(experiment.task, policy, experiment.learning)
    data = _data(experiment)
    data.check()
    directory = _new_directory(experiment)
    trainer = _trainer(experiment, directory, _keeping(experiment, directory, supervised=True))
    trainer.fit(module, datamodule=data)
    trainer.save_checkpoint(directory / runs.LAST)
    return directory / runs.BEST


def rehearse(experiment: Experiment) -> None:
    """Go through one episode and one validation image, and leave nothing."""
    module, data = build(experiment), _data(experiment)
    data.check()
    quiet()
    trainer = pl.Trainer(
        fast_dev_run=1,
        logger=False,
        accelerator=experiment.run.accelerator,
        precision=experiment.run.precision,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(module, datamodule=data)


def score(
    module: PixelA3C,
    experiment: Experiment,
    directory: Path,
    split: str = "test",
    extras: Extras = Extras(),
) -> list[Row]:
    """Score a module's edits on a split's images, before and after.

    Args:
        module: with its weights.
        experiment: tells the data, seed and precision.
        directory: where ``scores.csv``, ``protocol.json``, the calibration and ``images/`` go.
        split: ``test`` or ``val``.
        extras: what is wanted beside the scores.

    Returns:
        One row per image.

    Raises:
        ConfigError: no such split, or an oracle is asked of a task whose reward is not local.
    """
    if extras.oracle and not experiment.task.local_reward:
        raise ConfigError(
            f"--oracle: {type(experiment.task).__name__} does not promise local_reward, so that its"
            " edits have no price of their own; leave --oracle out."
        )
    images = _whole(experiment, split)
    table = ScoreTable(
        directory,
        images,
        _protocol(experiment, images, split),
        experiment,
        extras,
    )
    trainer = _trainer(experiment, None, [table])
    trainer.test(module, dataloaders=images.loader(), verbose=False)
    return table.rows


def compare(
    experiment: Experiment, directory: Path, policy: Sequence[Row], split: str = "test"
) -> str:
    """Score what a policy should beat on the images it was scored on.

    Args:
        experiment: tells the data and seed.
        directory: where ``baselines.csv`` goes, a row per baseline and image.
        policy: the policy's rows, from `score`.
        split: ``test`` or ``val``, as in `score`.

    Returns:
        A table of means to be printed, the policy first.
    """
    images = _whole(experiment, split)
    scenes = [
        {name: value.unsqueeze(0) for name, value in images[index].items()}
        for index in range(len(images))
    ]
    every, mean = compared(experiment.task, scenes, policy, experiment.run.seed)
    write_rows(directory / "baselines.csv", every)
    return aligned(mean)


def predict(
    module: PixelA3C, experiment: Experiment, directory: Path, guide: Guide | None = None
) -> list[str]:
    """Edit the images of ``data.predict`` and write a record of each.

    Args:
        module: with its weights.
        experiment: tells the data and precision.
        directory: where they are written.
        guide: a person's say in what the agents choose.

    Returns:
        The images' names.
    """
    module.guide = guide
    images = Whole(experiment.task, experiment.data, "predict", experiment.run.seed)
    writer = SaveEdits(directory, images, experiment)
    trainer = _trainer(experiment, None, [writer])
    trainer.predict(module, dataloaders=images.loader(), return_predictions=False)
    return images.names


def _data(experiment: Experiment) -> ImageData:
    return ImageData(
        experiment.task,
        experiment.data,
        episodes=experiment.learning.episodes,
        seed=experiment.run.seed,
    )


def _whole(experiment: Experiment, split: str) -> Whole:
    if split not in {"val", "test"}:
        raise ConfigError(f"split: expected val or test, got {split}.")
    kind: Literal["val", "test"] = "val" if split == "val" else "test"
    return Whole(experiment.task, experiment.data, kind, experiment.run.seed)


def _new_directory(experiment: Experiment) -> Path:
    directory = runs.new_directory(experiment.run, experiment.name)
    if runs.is_first():
        runs.describe(directory, experiment.name, as_yaml(experiment))
    return directory


def _keeping(
    experiment: Experiment, directory: Path, *, supervised: bool = False
) -> list[Callback]:
    """Make what keeps a run's checkpoints and tells where it is."""
    every = experiment.run.checkpoint_every
    return [
        StoreSettings(plain(experiment), supervised=supervised),
        KeepCheckpoints(directory / runs.LAST, directory / runs.BEST, every),
        Progress(experiment.learning.episodes),
    ]


def _report(
    trainer: pl.Trainer, experiment: Experiment, directory: Path, rows: Sequence[Row]
) -> None:
    """Draw the learning curves, and hand the loggers what a finished run has to say."""
    draw_learning_curves(directory, f"{experiment.name}, seed {experiment.run.seed}")
    log_scores(trainer.loggers, rows, experiment.learning.episodes)
    best = directory / runs.BEST
    if experiment.run.log_model and best.is_file():
        log_best(trainer.loggers, best, {"task": experiment.name, **means(rows)})
    finish(trainer.loggers)


def _trainer(
    experiment: Experiment, directory: Path | None, callbacks: Sequence[Callback]
) -> pl.Trainer:
    """Make the trainer; with a directory it learns and logs there, without it only looks, alone."""
    run = experiment.run if directory else replace(experiment.run, devices=1)
    quiet()
    if run.threads:
        torch.set_num_threads(run.threads)
    settings: dict[str, Any] = {}
    if directory is None:
        settings = {"logger": False}
    else:
        episodes = experiment.learning.episodes
        settings = {
            "logger": loggers(experiment, directory),
            "log_every_n_steps": max(1, min(10, episodes)),
            "val_check_interval": min(run.validate_every, episodes),
            "check_val_every_n_epoch": None,
            "num_sanity_val_steps": 0,
            "max_epochs": 1,
            "default_root_dir": str(directory),
        }
    # The last window of an episode leaves the memory's weights without gradient if it is one step.
    strategy = DDPStrategy(find_unused_parameters=True) if run.devices > 1 else "auto"
    try:
        return pl.Trainer(
            accelerator=run.accelerator,
            devices=run.devices,
            precision=run.precision,
            strategy=strategy,
            callbacks=list(callbacks),
            enable_model_summary=False,
            enable_progress_bar=False,  # callbacks of ours do this,
            enable_checkpointing=False,  # and this
            use_distributed_sampler=False,
            **settings,
        )
    except (ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"run.accelerator={run.accelerator}, run.devices={run.devices}: {reason}"
        ) from error


def _protocol(experiment: Experiment, images: Whole, split: str) -> dict[str, Any]:
    """State what scores depend on."""
    folders = getattr(experiment.data, split) or "the photographs in the box"
    return {
        "task": plain(experiment)["task"],
        "split": split,
        "folders": folders,
        "images": len(images),
        "digest": digest([path for sample in images.files for path in sample.values()]),
        "problem": "as in the folders" if images.posed else "posed by the task",
        "seed": experiment.run.seed,
        "crop": images.crop,
        "precision": experiment.run.precision,
        "scored": "clamped to [0, 1], rounded to 8 bits; mean of images",
        "versions": runs.versions(),
        "weights": experiment.network.init or "of this run",
    }
