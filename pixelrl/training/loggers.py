"""Where numbers go: always the run's own log; W&B and TensorBoard when asked for."""

import logging
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger

from pixelrl.config.compose import Experiment, as_plain
from pixelrl.errors import ConfigError
from pixelrl.files import write_whole
from pixelrl.runs import directory as runs
from pixelrl.runs.tables import Table, mean_values, means
from pixelrl.settings import Run, flat
from pixelrl.training.rows import RowLogger

WANDB_ID = "wandb-id.txt"


def make_loggers(experiment: Experiment, directory: Path, start: int = 0) -> list[Logger]:
    """Make a run's loggers.

    Args:
        experiment: which loggers it asks for; a W&B agent's process asks for W&B by itself.
        directory: the run's.
        start: how many episodes the run goes on from.

    Returns:
        The run's own logger and those asked for.
    """
    run = experiment.run
    found: list[Logger] = [RowLogger(directory, start)]
    if "tensorboard" in run.loggers:
        found.append(TensorBoardLogger(directory, name="tensorboard", version=""))
    swept = "WANDB_SWEEP_ID" in os.environ
    if run.wandb != "disabled" or "wandb" in run.loggers or swept:
        found.append(_wandb(experiment, directory))
    settings = flat(as_plain(experiment))
    for logger in found:
        logger.log_hyperparams(_unlocked(logger, settings))
    return found


def check_loggers(experiment: Experiment) -> None:
    """Check, before a run has a directory, that its loggers can start.

    Raises:
        ConfigError: one is not installed, or W&B knows no key.
    """
    run = experiment.run
    if "tensorboard" in run.loggers and find_spec("tensorboard") is None:
        raise ConfigError("tensorboard is not installed; pip install 'pixelrl[tensorboard]'.")
    mode: str = run.wandb
    if mode == "disabled" and "wandb" in run.loggers:
        mode = os.environ.get("WANDB_MODE") or "online"
    if mode != "online":
        return
    import wandb  # noqa: PLC0415 - not for runs without it

    try:
        known = wandb.login(prompt=False)
    except wandb.Error as error:
        raise ConfigError(f"W&B: {' '.join(str(error).split())}") from error
    if not known:
        raise ConfigError(
            "W&B: no API key is known here; run `wandb login`, or set run.wandb=offline."
        )


def log_scores(trainer_loggers: Sequence[Logger], table: Table, episodes: int) -> None:
    """Hand the final scores to every logger: their means, and to W&B the table.

    Args:
        trainer_loggers: of the run.
        table: the scores, a row per test image; a mean without a finite number is logged as NaN.
        episodes: how many were learned from.
    """
    scores = {
        f"test/{name}": math.nan if value is None else value
        for name, value in mean_values(means(table)).items()
    }
    last = episodes - 1  # as Lightning counts
    for logger in trainer_loggers:
        logger.log_metrics(scores, step=last)
        if isinstance(logger, WandbLogger) and table.rows:
            cells = [[row.get(column) for column in table.columns] for row in table.rows]
            logger.log_table("test/scores", columns=table.columns, data=cells, step=last)
        logger.save()


def log_best(trainer_loggers: Sequence[Logger], file: Path, about: Mapping[str, Any]) -> None:
    """Hand the best checkpoint to W&B as an artifact.

    Args:
        trainer_loggers: of the run.
        file: the checkpoint.
        about: what W&B shows beside it, in plain values.
    """
    for logger in trainer_loggers:
        if isinstance(logger, WandbLogger):
            import wandb  # noqa: PLC0415 - not for runs without it

            run = logger.experiment
            artifact = wandb.Artifact(f"model-{run.id}", type="model", metadata=dict(about))
            artifact.add_file(str(file), name=file.name)
            run.log_artifact(artifact, aliases=["best", "latest"])


@contextmanager
def finish_after(trainer_loggers: Sequence[Logger]) -> Iterator[None]:
    """End the run for W&B however this ends, so that the next in this process is not mixed in."""
    status = 1
    try:
        yield
        status = 0
    finally:
        for logger in trainer_loggers:
            if isinstance(logger, WandbLogger) and runs.is_first():
                logger.experiment.finish(exit_code=status)


def quiet() -> None:
    """Keep Lightning's tips and hardware lists from the terminal; its warnings stay."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        for part in ("", ".utilities.rank_zero", ".trainer.connectors.checkpoint_connector"):
            logging.getLogger(name + part).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",  # data.workers is the user's to choose
        ".*isinstance\\(treespec, LeafSpec\\).*",  # Lightning 2.6 under torch 2.13
        ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run's own
        ".*is smaller than the logging interval.*",
        ".*Grad strides do not match bucket view strides.*",  # of several processes
    ):
        warnings.filterwarnings("ignore", message)


def _unlocked(logger: Logger, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a W&B sweep has set: it cannot be set again, and W&B warns of each try."""
    if not (isinstance(logger, WandbLogger) and "WANDB_SWEEP_ID" in os.environ):
        return dict(settings)
    known = logger.experiment.config.keys() if runs.is_first() else ()
    return {name: value for name, value in settings.items() if name not in known}


def _wandb(experiment: Experiment, directory: Path) -> Logger:
    """Log to W&B under an id that the run's directory keeps, so that a resumed run goes on."""
    run = experiment.run
    kept = directory / WANDB_ID
    identity = kept.read_text("utf-8").strip() if kept.is_file() else None
    identity = identity or os.environ.get("WANDB_RUN_ID")
    logger = WandbLogger(
        name=run.name or os.environ.get("WANDB_NAME") or directory.name,
        project=run.project or os.environ.get("WANDB_PROJECT") or "pixelrl",
        save_dir=directory,
        id=identity,
        resume="allow",
        **{name: value for name, value in _described(run).items() if value},
    )
    if runs.is_first():
        write_whole(kept, f"{logger.experiment.id}\n")
    return logger


def _described(run: Run) -> dict[str, Any]:
    """Tell what W&B files a run under; what is empty is left to its environment variables."""
    return {
        # Not Lightning's `offline`, which sets WANDB_MODE for all runs that follow in this process.
        "mode": run.wandb if run.wandb != "disabled" else "",
        "entity": run.entity,
        "group": run.group,
        "job_type": run.job_type,
        "tags": list(run.tags),
        "notes": run.notes,
    }
