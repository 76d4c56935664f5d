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

    def problem(self, maps: Scene, rng: Generator) -> Scene:
        noisy = self.add_noise(maps["image"], rng)
        return {"image": noisy.clamp(0, 1) if self.clip else noisy, "target": maps["image"]}

    def add_noise(self, clean: Tensor, rng: Generator) -> Tensor:
        """Make a clean image noisy, ``(C,H,W)`` to ``(C,H,W)``; it may leave [0, 1]."""
        if self.noise == "gaussian":
            sigma = self.sigma if self.sigma_min is None else self._draw_sigma(self.sigma_min, rng)
            return clean + sigma / 255 * torch.randn(clean.shape, generator=rng)
        if self.noise == "poisson":
            return torch.poisson(clean * self.peak, generator=rng) / self.peak
        drawn = torch.rand((1, *clean.shape[1:]), generator=rng)
        pepper, salt = drawn < self.density / 2, drawn >= 1 - self.density / 2
        return clean.masked_fill(pepper, 0).masked_fill(salt, 1)

    def _draw_sigma(self, least: float, rng: Generator) -> float:
        """Draw a standard deviation between the least and ``sigma``, in gray levels."""
        return least + (self.sigma - least) * float(torch.rand((), generator=rng))
