"""Brighten a photograph that was taken in low light, and calm its noise."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from torch import Generator, Tensor

from pixelrl import Edit, Scene, Task, keep
from pixelrl.actions import bilateral, contrast, gaussian, median, saturation, scale, shift
from pixelrl.errors import ConfigError
from pixelrl.rewards import squared_error_drop
from pixelrl.scores import ciede2000, psnr, ssim
from pixelrl_lowlight.darkening import darken

GRAY_LEVEL = 1 / 255
DARKEST = 8.0
"""The most stops that light may be less; of 8 bits nothing is left below."""


@dataclass(frozen=True)
class LowLight(Task):
    """Brighten a photograph that was taken in low light, and calm its noise.

    Moves of brightness, contrast and color, coarse ones for the first steps and fine ones for the
    last, and three filters against noise. The reward is squared error that goes away.

    Attributes:
        stops: by how many powers of two there is too little light, at least and at most; each
            photograph has its own.
        photons: counted in white at the full exposure; fewer are noisier.
        read: standard deviation of the camera's own noise, in photons.

    Raises:
        ConfigError: a setting cannot be.
    """

    contract: ClassVar[int] = 1
    local_reward: ClassVar[bool] = True
    reach: ClassVar[int | None] = 2

    channels: int = 3
    length: int = 6
    stops: tuple[float, float] = (1.0, 4.0)
    photons: float = 4000.0
    read: float = 2.0

    def __post_init__(self) -> None:
        if self.channels != 3:
            raise ConfigError(f"task.channels: expected 3 (color), got {self.channels}.")
        if self.length < 1:
            raise ConfigError(f"task.length: expected steps from 1 on, got {self.length}.")
        if not 0 <= self.stops[0] <= self.stops[1] <= DARKEST:
            raise ConfigError(
                f"task.stops: expected two numbers from 0 to {DARKEST:g}, the lower first,"
                f" got {list(self.stops)}."
            )
        if not 1 <= self.photons < inf:
            raise ConfigError(f"task.photons: expected a number from 1 on, got {self.photons}.")
        if not 0 <= self.read < inf:
            raise ConfigError(f"task.read: expected photons from 0 on, got {self.read}.")

    def edits(self) -> Mapping[str, Edit]:
        return {
            "keep": keep,
            "brightness x1.6": scale(1.6),
            "brightness x1.2": scale(1.2),
            "brightness x1.06": scale(1.06),
            "brightness x0.94": scale(0.94),
            "contrast -": contrast(0.94),
            "contrast +": contrast(1.06),
            "saturation -": saturation(0.8),
            "saturation +": saturation(1.2),
            "warmer": scale(1.05, 1, 0.95),
            "cooler": scale(0.95, 1, 1.05),
            "-2": shift(-2 * GRAY_LEVEL),
            "+2": shift(+2 * GRAY_LEVEL),
            "gaussian 1.0": gaussian(5, 1.0),
            "bilateral 0.2": bilateral(5, 0.2, 5.0),
            "median": median(5),
        }

    def problem(self, maps: Scene, rng: Generator) -> Scene:
        least, most = self.stops
        stops = least + (most - least) * float(torch.rand((), generator=rng))
        dark = darken(maps["image"], stops, self.photons, self.read, rng)
        return {"image": dark, "target": maps["image"]}

    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        return squared_error_drop(before, after, scene["target"])

    def scores(self, image: Tensor, scene: Scene) -> dict[str, Tensor]:
        target = scene["target"]
        return {
            "psnr": psnr(image, target),
            "ssim": ssim(image, target),
            "ciede2000": ciede2000(image, target),
        }
