"""Runs that are killed in a batch, and the weights that runs leave."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from pixelrl.config.compose import Experiment
from pixelrl.experiments.fit import fit
from pixelrl.training.module import PixelA3C


class Killed(BaseException):
    pass


def fit_until(experiment: Experiment, at: int) -> None:
    """Fit, and be killed where a batch would begin."""
    step = PixelA3C.training_step

    def killed(self: PixelA3C, scene: dict[str, Tensor], batch: int) -> None:
        if batch == at:
            raise Killed
        step(self, scene, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PixelA3C, "training_step", killed)
        with pytest.raises(Killed):
            fit(experiment)


def weights(path: Path) -> dict[str, Tensor]:
    return torch.load(path, weights_only=True)["state_dict"]


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
