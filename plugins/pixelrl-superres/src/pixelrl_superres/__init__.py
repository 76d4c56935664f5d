"""Enlarge a photograph: every pixel chooses its enlarger, then sharpens, smooths or corrects."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Generator, Tensor

from pixelrl import Edit, Scene, Task, keep
from pixelrl.actions import bilateral, changes, median, shift
from pixelrl.errors import ConfigError, MapError
from pixelrl.rewards import squared_error_drop
from pixelrl.scores import as_written
from pixelrl_superres.edits import Guided, back_projected, enlarged, unguided, unsharp
from pixelrl_superres.resize import enlarge, recovered, resize

GRAY_LEVEL = 1 / 255
FACTORS = (2, 3, 4)


@dataclass(frozen=True)
class SuperResolution(Task):
    """Enlarge a photograph: every pixel chooses its enlarger, then sharpens, smooths or corrects.

    An episode begins with the small photograph's bicubic enlargement, rounded to 8 bits as a file
    of it is. That has four pixels or more for each of the small one's, which is recovered from it
    by least squares: one map tells the edits all they need, while learning and for the images a
    user wants enlarged. In the problem the small photograph is a reduced one (antialiased bicubic,
    8 bits); the reward is squared error that goes away. Agents see what each edit would change.

    Attributes:
        factor: how many times higher and wider the result is: 2, 3 or 4.

    Raises:
        ConfigError: a setting cannot be.
    """

    contract: ClassVar[int] = 1
    local_reward: ClassVar[bool] = True
    # A window that does not begin at a pixel of the small image would be enlarged differently, so
    # that no reach makes tiles exact.
    reach: ClassVar[int | None] = None

    length: int = 6
    factor: int = 3

    def __post_init__(self) -> None:
        if self.channels not in {1, 3}:
            raise ConfigError(
                f"task.channels: expected 1 (gray) or 3 (color), got {self.channels}."
            )
        if self.length < 1:
            raise ConfigError(f"task.length: expected steps from 1 on, got {self.length}.")
        if self.factor not in FACTORS:
            raise ConfigError(
                f"task.factor: expected {', '.join(map(str, FACTORS))}, got {self.factor}."
            )

    @cached_property
    def guided(self) -> Mapping[str, Guided]:
        """The edits as functions of the image and the small image, in order."""
        return {
            "keep": unguided(keep),
            "lanczos": enlarged("lanczos"),
            "back-project": back_projected(),
            "sharpen fine": unguided(unsharp(5, 0.8, 0.5)),
            "sharpen coarse": unguided(unsharp(9, 1.5, 0.5)),
            "bilateral 0.1": unguided(bilateral(5, 0.1, 5.0)),
            "median 3": unguided(median(3)),
            "-1": unguided(shift(-GRAY_LEVEL)),
            "+1": unguided(shift(+GRAY_LEVEL)),
        }

    def edits(self) -> Mapping[str, Edit]:
        """List the edits as they are in the first step, where the image is all there is."""

        def first(edit: Guided) -> Edit:
            return lambda image: edit(image, self.small(image))

        return {name: first(edit) for name, edit in self.guided.items()}

    def small(self, image: Tensor) -> Tensor:
        """Recover the small image ``(...,h,w)`` from its bicubic enlargement ``(...,H,W)``.

        Raises:
            MapError: the size is no multiple of the factor.
        """
        height, width = image.shape[-2:]
        if height % self.factor or width % self.factor:
            raise MapError(
                f"image: {width}x{height} pixels are no multiple of task.factor={self.factor};"
                " give small photographs after a bicubic enlargement"
                f" (python -m pixelrl_superres SMALL ENLARGED --factor {self.factor})."
            )
        return recovered(image, self.factor)

    def candidates(self, image: Tensor, scene: Scene) -> Tensor:
        small = self.small(scene["image"])
        return torch.stack([edit(image, small) for edit in self.guided.values()], 1)

    def problem(self, maps: Scene, rng: Generator) -> Scene:
        """Reduce and enlarge a photograph, which is the target.

        Raises:
            MapError: it is too small to be reduced.
        """
        image = maps["image"]
        height, width = (side // self.factor for side in image.shape[-2:])
        if not (height and width):
            raise MapError(
                f"image: {image.shape[-1]}x{image.shape[-2]} pixels are too few to be reduced by"
                f" task.factor={self.factor}."
            )
        # What is over at the right and below is left out, as super-resolution benchmarks do.
        target = image[..., : height * self.factor, : width * self.factor]
        small = as_written(resize(target, (height, width)))
        return {"image": as_written(enlarge(small, self.factor)), "target": target}

    def observe(self, image: Tensor, scene: Scene) -> Tensor:
        return changes(image, self.candidates(image, scene))

    @property
    def observation_channels(self) -> int:
        return self.channels * (1 + len(self.guided))

    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        return squared_error_drop(before, after, scene["target"])
