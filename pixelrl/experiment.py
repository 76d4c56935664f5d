"""Where everything is put together: fit, evaluate, predict, replay."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor

from pixelrl import runs
from pixelrl.callbacks import (
    KeepCheckpoints,
    SaveEdits,
    ScoreTable,
    ShowEpisodes,
    StoreSettings,
)
from pixelrl.checkpoint import build, restore
from pixelrl.choices import load_choices
from pixelrl.config import Experiment, as_yaml, from_plain, plain
from pixelrl.data import ImageData, Whole
from pixelrl.episode import replay as play_again
from pixelrl.errors import ConfigError, DataError
from pixelrl.folders import digest
from pixelrl.images import read_image, write_image
from pixelrl.loggers import loggers, quiet
from pixelrl.maps import map_channels
from pixelrl.module import PixelA3C
from pixelrl.progress import Progress
from pixelrl.tables import Row
from pixelrl.tiling import world_for


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
    trainer = _trainer(experiment, directory, _learning_callbacks(experiment, directory))
    trainer.fit(module, datamodule=data, ckpt_path=resume)
    trainer.save_checkpoint(directory / runs.LAST)
    best = directory / runs.BEST
    if best.is_file():
        module = restore(best).module
    rows = score(module, experiment, directory) if trainer.is_global_zero else []
    return Fitted(directory, module, rows)


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
    module: PixelA3C, experiment: Experiment, directory: Path, split: str = "test"
) -> list[Row]:
    """Score a module's edits on a split's images, before, after, and at the oracle's best.

    Args:
        module: with its weights.
        experiment: tells the data, seed and precision.
        directory: where ``scores.csv``, ``protocol.json`` and filmstrips go.
        split: ``test`` or ``val``.

    Returns:
        One row per image.
    """
    if split not in {"val", "test"}:
        raise ConfigError(f"split: expected val or test, got {split}.")
    images = Whole(
        experiment.task, experiment.data, "val" if split == "val" else "test", experiment.run.seed
    )
    table = ScoreTable(directory, images.names, _protocol(experiment, images, split))
    alone = replace(experiment, run=replace(experiment.run, devices=1))
    trainer = _trainer(alone, None, [table])
    trainer.test(module, dataloaders=images.loader(), verbose=False)
    return table.rows


def predict(module: PixelA3C, experiment: Experiment, directory: Path) -> list[str]:
    """Edit the images of ``data.predict`` and write result, filmstrip and choices of each.

    Args:
        module: with its weights.
        experiment: tells the data and precision.
        directory: where they are written.

    Returns:
        The images' names.
    """
    images = Whole(experiment.task, experiment.data, "predict", experiment.run.seed)
    writer = SaveEdits(directory, images.names, plain(experiment))
    alone = replace(experiment, run=replace(experiment.run, devices=1))
    trainer = _trainer(alone, None, [writer])
    trainer.predict(module, dataloaders=images.loader(), return_predictions=False)
    return images.names


def replay(choices: Path, maps: dict[str, Path], out: Path) -> Tensor:
    """Play a file of recorded choices on an image and write the outcome.

    Args:
        choices: a ``.choices.npz``, as `predict` wrote it or as somebody altered it.
        maps: the files of the scene's maps, ``image`` among them.
        out: the picture to write.

    Returns:
        The outcome, ``(C,H,W)``.

    Raises:
        DataError: a file is unreadable or does not fit.
        ConfigError: the edits recorded are not the task's.
    """
    recorded = load_choices(choices)
    experiment = from_plain(recorded.experiment)
    task = experiment.task
    if task.actions.names != recorded.edits:
        raise ConfigError(
            f"{choices}: recorded with edits {', '.join(recorded.edits)}; the task now has"
            f" {', '.join(task.actions.names)}."
        )
    missing = [name for name in task.works_on if name not in maps]
    if missing:
        raise DataError(
            f"{type(task).__name__} works on {missing[0]}; pass --map {missing[0]}=FILE."
        )
    scene = {
        name: read_image(path, map_channels(name, task.channels)).unsqueeze(0)
        for name, path in maps.items()
    }
    image: Tensor = scene["image"]
    played = torch.from_numpy(recorded.choices).long().unsqueeze(1)
    world = world_for(task, image, experiment.data.tile)
    for after in play_again(world, played, scene):
        image = after
    write_image(out, image[0])
    return image[0]


def _data(experiment: Experiment) -> ImageData:
    return ImageData(
        experiment.task,
        experiment.data,
        episodes=experiment.learning.episodes,
        seed=experiment.run.seed,
    )


def _new_directory(experiment: Experiment) -> Path:
    directory = runs.new_directory(experiment.run, experiment.name)
    if runs.is_first():
        runs.describe(directory, experiment.name, as_yaml(experiment))
    return directory


def _learning_callbacks(experiment: Experiment, directory: Path) -> list[Callback]:
    learning, run = experiment.learning, experiment.run
    shows = ShowEpisodes(directory / "filmstrips")
    keeps = KeepCheckpoints(directory / runs.LAST, directory / runs.BEST, run.checkpoint_every)
    settings = StoreSettings(plain(experiment))
    return [settings, shows, keeps, Progress(learning.episodes)]


def _trainer(
    experiment: Experiment, directory: Path | None, callbacks: Sequence[Callback]
) -> pl.Trainer:
    """Make the trainer; with a directory it learns and logs there, without it only looks."""
    run = experiment.run
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
