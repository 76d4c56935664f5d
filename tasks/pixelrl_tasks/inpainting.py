"""Take overlaid text off a photograph without being told where it is: the papers' second task."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Generator, Tensor

from pixelrl import Scene
from pixelrl.errors import ConfigError
from pixelrl.ranges import Range, number
from pixelrl_tasks.jpeg import compress_some
from pixelrl_tasks.published import Restoration
from pixelrl_tasks.text import draw_text

Inks = Literal["plain", "any"]


@dataclass(frozen=True)
class Inpainting(Restoration):
    """Take overlaid text off a photograph without being told where it is (blind restoration).

    TMM-20: the nine edits of denoising, fifteen steps, the drop of squared error as reward. Images
    that are damaged already need no drawing: give folders for both, ``data.test.image=damaged
    data.test.target=clean``.

    Attributes:
        sizes: smallest and largest font size, in pixels.
        rotation: largest rotation of the text, in degrees; half of the texts are rotated.
        inks: ``plain`` for text that is white or black with equal chance; ``any`` for half of the
            texts in any color (any gray level, in gray).
        fonts: ``installed`` for this machine's fonts, ``bundled`` for Pillow's own alone, the same
            on every machine, or a folder of font files.
        quality: if given, the lowest and highest quality of JPEG, from 1 to 100: two thirds of the
            damaged images are saved with one drawn between them and read again, as photographs
            with text on them mostly were, among them the authors' test images (quality 75). Agents
            then take off what JPEG added, too.

    Raises:
        ConfigError: a setting cannot be.
    """

    contract: ClassVar[int] = 1

    length: int = 15
    sizes: tuple[int, int] = number((10, 30), Range(4, told="font sizes from 4 pixels on"))
    rotation: float = number(10.0, Range(0, 180, "degrees from 0 to 180"))
    inks: Inks = "plain"
    fonts: str = "installed"
    quality: tuple[int, int] | None = number(None, Range(1, 100, "JPEG qualities from 1 to 100"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sizes[0] <= self.sizes[1]:
            raise ConfigError(
                f"task.sizes: expected two font sizes from 4 pixels on, the smaller first,"
                f" got {list(self.sizes)}."
            )
        if self.inks not in get_args(Inks):
            raise ConfigError(f"task.inks: expected plain or any, got {self.inks!r}.")
        if self.quality is not None and not self.quality[0] <= self.quality[1]:
            raise ConfigError(
                f"task.quality: expected two JPEG qualities from 1 to 100, the lower first,"
                f" got {list(self.quality)}."
            )

    def problem(self, maps: Scene, rng: Generator) -> Scene:
        clean = maps["image"]
        ink = self._draw_ink(len(clean), rng).to(clean.dtype)
        text = draw_text(
            clean.shape[-2],
            clean.shape[-1],
            rng,
            sizes=self.sizes,
            rotation=self.rotation,
            fonts=self.fonts,
        )
        damaged = torch.lerp(clean, ink.expand_as(clean), text)
        if self.quality is not None:
            damaged = compress_some(damaged, self.quality, rng)
        return {"image": damaged, "target": clean}

    def _draw_ink(self, channels: int, rng: Generator) -> Tensor:
        """Draw the color of a text: black or white, ``(1,)``, or any, ``(C,1,1)``."""
        if self.inks == "any" and torch.rand(1, generator=rng) < 0.5:
            return torch.rand(channels, 1, 1, generator=rng)
        return torch.randint(2, (1,), generator=rng)
