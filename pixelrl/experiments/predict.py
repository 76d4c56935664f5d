"""Edit the images a user wants edited."""

from pathlib import Path

import lightning.pytorch as pl

from pixelrl.config.compose import Experiment
from pixelrl.data.module import Whole
from pixelrl.experiments.trainer import make_trainer
from pixelrl.experiments.writers import SaveEdits
from pixelrl.maps import Scene
from pixelrl.rl.rollout import Intervention
from pixelrl.rl.trace import Edited
from pixelrl.training.module import PixelA3C


class InterventionModule(pl.LightningModule):
    """Edit with a policy as a person bends it.

    Args:
        module: the policy.
        intervention: a person's say in what the agents choose; None for none.
    """

    def __init__(self, module: PixelA3C, intervention: Intervention | None) -> None:
        super().__init__()
        self.module, self.intervention = module, intervention

    def predict_step(self, scene: Scene, index: int) -> Edited:
        """Edit one batch."""
        return self.module.edit(scene, with_trace=True, intervention=self.intervention)


def predict(
    module: PixelA3C,
    experiment: Experiment,
    directory: Path,
    intervention: Intervention | None = None,
) -> list[str]:
    """Edit the images of ``data.predict`` and write a record of each.

    Args:
        module: with its weights.
        experiment: tells the data and precision.
        directory: where they are written.
        intervention: a person's say in what the agents choose.

    Returns:
        The images' names.

    Raises:
        DataError: an image is missing, unreadable or does not fit.
        MapError: an image is too small for the edits, or the rules do not fit it.
    """
    images = Whole(experiment.task, experiment.data, "predict", experiment.run.seed)
    writer = SaveEdits(directory, images, experiment)
    trainer = make_trainer(experiment, None, [writer])
    trainer.predict(
        InterventionModule(module, intervention),
        dataloaders=images.loader(),
        return_predictions=False,
    )
    return images.names
