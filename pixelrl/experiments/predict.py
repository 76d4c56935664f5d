"""Edit the images a user wants edited."""

from pathlib import Path

from pixelrl.config.compose import Experiment
from pixelrl.data.module import Whole
from pixelrl.experiments.trainer import trainer_for
from pixelrl.experiments.writers import SaveEdits
from pixelrl.rl.rollout import Guide
from pixelrl.training.module import PixelA3C


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
    trainer = trainer_for(experiment, None, [writer])
    trainer.predict(module, dataloaders=images.loader(), return_predictions=False)
    return images.names
