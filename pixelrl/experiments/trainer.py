"""The parts that every experiment is put together from: trainer, data, directory, checkpoints."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback

from pixelrl.config.compose import Experiment, as_plain, as_yaml
from pixelrl.data.module import ImageData
from pixelrl.errors import CheckpointError, ConfigError
from pixelrl.experiments.lost import WatchedDDP
from pixelrl.experiments.processes import (
    check_processes,
    check_shares,
    find_cluster,
    make_profiler,
)
from pixelrl.files import check_writable
from pixelrl.runs import directory as runs
from pixelrl.training.callbacks import StoreSettings
from pixelrl.training.files import WholeCheckpoints
from pixelrl.training.keeping import Due, KeepCheckpoints
from pixelrl.training.loggers import check_loggers, make_loggers, quiet
from pixelrl.training.precision import choose_precision, learn_in
from pixelrl.training.progress import Progress
from pixelrl.training.stopping import StopOnSignal


def make_data(experiment: Experiment) -> ImageData:
    """Make the data module of an experiment."""
    return ImageData(
        experiment.task,
        experiment.data,
        episodes=experiment.learning.batches,
        seed=experiment.run.seed,
    )


def make_directory(experiment: Experiment) -> Path:
    """Make a run's directory, described by its settings.

    Raises:
        ConfigError: a run of that name exists.
    """
    directory = runs.new_directory(experiment.run, experiment.name)
    if runs.is_first():
        runs.describe(directory, experiment.name, as_yaml(experiment))
    return directory


def check_start(experiment: Experiment) -> None:
    """Check, before a run has a directory, that it can be computed, logged and written.

    Raises:
        ConfigError: the accelerator or a logger is not there.
        OSError: nothing can be written to ``run.root``.
    """
    make_trainer(experiment, None, [])
    choose_precision(experiment.run, learns=True)
    check_shares(experiment.run, experiment.data.batch)
    if runs.is_first():
        check_loggers(experiment)
        check_writable(Path(experiment.run.root))


def make_checkpointing(
    experiment: Experiment, directory: Path, *, supervised: bool = False
) -> list[Callback]:
    """Make what keeps a run's checkpoints and tells where it is."""
    run, stop = experiment.run, StopOnSignal()
    episodes = experiment.learning.batches
    return [
        StoreSettings(as_plain(experiment), supervised=supervised),
        stop,
        KeepCheckpoints(
            directory,
            Due(run.checkpoint_every, run.checkpoint_minutes),
            run.validate_every,
            episodes,
            stop,
            experiment.name,
        ),
        Progress(episodes),
    ]


def check_finished(trainer: pl.Trainer, experiment: Experiment, cure: str) -> None:
    """Check that as many episodes were learned from as were asked for, whatever ended learning.

    Args:
        trainer: that learned.
        experiment: what was asked for.
        cure: how to have the others learned.

    Raises:
        CheckpointError: there were fewer.
    """
    learned, wanted = trainer.fit_loop.total_batch_idx + 1, experiment.learning.batches
    if learned != wanted:
        raise CheckpointError(f"learned from {learned} of {wanted} episodes; {cure}.")


def make_trainer(
    experiment: Experiment, directory: Path | None, callbacks: Sequence[Callback], start: int = 0
) -> pl.Trainer:
    """Make the trainer; with a directory it learns and logs there, without it only looks, alone.

    Raises:
        ConfigError: the accelerator or the devices are not there, or others were started.
    """
    run = experiment.run if directory else replace(experiment.run, devices=1, nodes=1)
    precision, kept = learn_in(run) if directory else (choose_precision(run, learns=False), [])
    quiet()
    if run.threads:
        torch.set_num_threads(run.threads)
    settings: dict[str, Any] = {}
    if directory is None:
        settings = {"logger": False}
    else:
        check_processes(run, os.environ)
        episodes = experiment.learning.batches
        settings = {
            "logger": make_loggers(experiment, directory, start),
            "log_every_n_steps": max(1, min(10, episodes)),
            "val_check_interval": run.validate_every,
            "check_val_every_n_epoch": None,
            "num_sanity_val_steps": 0,
            "max_epochs": 1,
            "default_root_dir": str(directory),
            "plugins": [WholeCheckpoints(), *find_cluster(), *kept],
            "profiler": make_profiler(run, directory),
        }
    # The last window of an episode leaves the memory's weights without gradient if it is one step.
    strategy: str | WatchedDDP = "auto"
    if directory and run.devices * run.nodes > 1:
        strategy = WatchedDDP(directory, experiment.name, find_unused_parameters=True)
    try:
        return pl.Trainer(
            accelerator=run.accelerator,
            devices=run.devices,
            num_nodes=run.nodes,
            deterministic=run.deterministic or None,
            precision=precision,
            strategy=strategy,
            callbacks=list(callbacks),
            enable_model_summary=False,
            enable_progress_bar=False,  # callbacks of ours do this,
            enable_checkpointing=False,  # and this
            use_distributed_sampler=False,
            **settings,
        )
    except (ValueError, RuntimeError, MisconfigurationException) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"run.accelerator={run.accelerator}, run.devices={run.devices}: {reason}"
        ) from error
