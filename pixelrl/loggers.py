"""Where numbers go: always a CSV file; W&B and TensorBoard when asked for."""

import logging
import os
import warnings
from importlib.util import find_spec
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger

from pixelrl import runs
from pixelrl.config import Experiment, flat, plain
from pixelrl.errors import ConfigError

WANDB_ID = "wandb-id.txt"


def loggers(experiment: Experiment, directory: Path) -> list[Logger]:
    """Make a run's loggers.

    Args:
        experiment: which loggers it asks for; a W&B agent's process asks for W&B by itself.
        directory: the run's.

    Returns:
        The CSV logger and those asked for.

    Raises:
        ConfigError: one is not installed.
    """
    run = experiment.run
    found: list[Logger] = [
        CSVLogger(
            directory,
            name="logs",
            version=str(runs.session(directory)),
            flush_logs_every_n_steps=10,
        )
    ]
    if "tensorboard" in run.loggers:
        if find_spec("tensorboard") is None:
            raise ConfigError("tensorboard is not installed; pip install 'pixelrl[tensorboard]'.")
        found.append(TensorBoardLogger(directory, name="tensorboard", version=""))
    swept = "WANDB_SWEEP_ID" in os.environ
    if run.wandb != "disabled" or "wandb" in run.loggers or swept:
        found.append(_wandb(experiment, directory))
    settings = flat(plain(experiment))
    for logger in found:
        logger.log_hyperparams(settings)
    return found


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
    ):
        warnings.filterwarnings("ignore", message)


def _wandb(experiment: Experiment, directory: Path) -> Logger:
    """Log to W&B under an id that the run's directory keeps, so that a resumed run goes on."""
    run = experiment.run
    kept = directory / WANDB_ID
    identity = kept.read_text("utf-8").strip() if kept.is_file() else None
    identity = identity or os.environ.get("WANDB_RUN_ID")
    logger = WandbLogger(
        name=directory.name,
        project=run.project,
        save_dir=directory,
        id=identity,
        resume="allow",
        offline=run.wandb == "offline",
    )
    if runs.is_first():
        kept.write_text(f"{logger.experiment.id}\n", "utf-8")
    return logger
