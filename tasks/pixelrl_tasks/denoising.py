"""Take noise out of a photograph: the papers' first task."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Generator, Tensor

from pixelrl import Scene
from pixelrl.errors import ConfigError
from pixelrl.ranges import Range, number
from pixelrl_tasks.published import Restoration

Noise = Literal["gaussian", "poisson", "salt_and_pepper"]

LEVEL = "noise_level"
"""The map of a scene that tells how strong its noise is: sigma / 255."""
LOUDEST = 510
"""The largest standard deviation of noise, in gray levels; images then stay near [0, 1]."""


@dataclass(frozen=True)
class Denoising(Restoration):
    """Take Gaussian, Poisson or salt-and-pepper noise out of a photograph.

    AAAI-19, section 5.1: nine edits, five steps, the drop of squared error as reward. The noisy
    image is neither clipped nor rounded, which is the published benchmark; clipping it is another
    one (0.96 dB lower for the published weights at sigma 50).

    Attributes:
        noise: its kind. The values of the other kinds' settings are ignored.
        sigma: standard deviation of Gaussian noise, in gray levels.
        sigma_min: if given, each image has a standard deviation of its own, drawn uniformly from
            here to ``sigma``: so agents learn to work blind.
        noise_map: whether agents also see the standard deviation of Gaussian noise, as a map
            ``noise_level`` beside the image (FFDNet, Zhang et al. 2018): each image's own where
            noise was added, `sigma` where a user's picture is edited. Not as published; one policy
            then serves every strength, and how much to smooth can be said.
        peak: photons of the brightest pixel under Poisson noise.
        density: share of pixels that salt and pepper replace, half of them each; in color, all of a
            pixel's channels together.
        clip: whether the noisy image is clipped to [0, 1].

    Raises:
        ConfigError: a setting cannot be.
    """

    contract: ClassVar[int] = 1

    noise: Noise = "gaussian"
    sigma: float = number(25.0, Range(0, LOUDEST, f"gray levels from 0 to {LOUDEST}"))
    sigma_min: float | None = number(None, Range(0, LOUDEST, "gray levels from 0 to task.sigma"))
    peak: float = number(30.0, Range(1, told="photons from 1 on"))
    density: float = number(0.5, Range(0, 1, "a share from 0 to 1"))
    clip: bool = False
    noise_map: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.noise not in get_args(Noise):
            raise ConfigError(
                f"task.noise: expected {', '.join(get_args(Noise))}, got {self.noise!r}."
            )
        if self.sigma_min is not None and not 0 <= self.sigma_min <= self.sigma:
            raise ConfigError(
                f"task.sigma_min: expected gray levels from 0 to task.sigma={self.sigma},"
                f" got {self.sigma_min}."
            )
        if self.noise_map and self.noise != "gaussian":
            raise ConfigError(
                f"task.noise_map: only gaussian noise has a sigma that agents can be told,"
                f" got task.noise={self.noise}."
            )

    def problem(self, maps: Scene, rng: Generator) -> Scene:
        clean, sigma = maps["image"], self.draw_sigma(rng)
        noisy = self.add_noise(clean, sigma, rng)
        scene = {"image": noisy.clamp(0, 1) if self.clip else noisy, "target": clean}
        return {**scene, LEVEL: _level(clean, sigma)} if self.noise_map else scene

    def observe(self, image: Tensor, scene: Scene) -> Tensor:
        seen = super().observe(image, scene)
        if not self.noise_map:
            return seen
        level = scene[LEVEL] if LEVEL in scene else _level(image, self.sigma)
        return torch.cat([seen, level], -3)

    @property
    def observation_channels(self) -> int:
        return super().observation_channels + self.noise_map

    def draw_sigma(self, rng: Generator) -> float:
        """Draw the standard deviation of one image's Gaussian noise, in gray levels."""
        if self.sigma_min is None or self.noise != "gaussian":
            return self.sigma
        drawn = float(torch.rand((), generator=rng))
        return self.sigma_min + (self.sigma - self.sigma_min) * drawn

    def add_noise(self, clean: Tensor, sigma: float, rng: Generator) -> Tensor:
        """Make a clean image noisy, ``(C,H,W)`` to ``(C,H,W)``; it may leave [0, 1]."""
        if self.noise == "gaussian":
            return clean + sigma / 255 * torch.randn(clean.shape, generator=rng)
        if self.noise == "poisson":
            return torch.poisson(clean * self.peak, generator=rng) / self.peak
        drawn = torch.rand((1, *clean.shape[1:]), generator=rng)
        pepper, salt = drawn < self.density / 2, drawn >= 1 - self.density / 2
        return clean.masked_fill(pepper, 0).masked_fill(salt, 1)


def _level(image: Tensor, sigma: float) -> Tensor:
    """Make the map that tells a standard deviation, ``(…,C,H,W)`` to ``(…,1,H,W)``."""
    return torch.full_like(image[..., :1, :, :], sigma / 255)
