"""Learn a supervised start."""

from pathlib import Path

from pixelrl.config.compose import Experiment
from pixelrl.experiments.trainer import make_checkpointing, make_data, make_directory, make_trainer
from pixelrl.runs import directory as runs
from pixelrl.training.checkpoint import build
from pixelrl.training.keeping import save_last
from pixelrl.training.pretraining import Regression


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
    data = make_data(experiment)
    data.check()
    directory = make_directory(experiment)
    trainer = make_trainer(
        experiment, directory, make_checkpointing(experiment, directory, supervised=True)
    )
    trainer.fit(module, datamodule=data)
    save_last(trainer, directory)
    return directory / runs.BEST
