"""Learn a supervised start."""

from pathlib import Path

from pixelrl.config.compose import Experiment
from pixelrl.experiments.trainer import checkpointing, image_data, new_directory, trainer_for
from pixelrl.runs import directory as runs
from pixelrl.training.checkpoint import build
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
    data = image_data(experiment)
    data.check()
    directory = new_directory(experiment)
    trainer = trainer_for(
        experiment, directory, checkpointing(experiment, directory, supervised=True)
    )
    trainer.fit(module, datamodule=data)
    trainer.save_checkpoint(directory / runs.LAST)
    return directory / runs.BEST
