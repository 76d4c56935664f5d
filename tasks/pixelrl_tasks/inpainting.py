"""Take overlaid text off a photograph without being told where it is: the papers' second task."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator

from pixelrl import Scene
from pixelrl.errors import ConfigError
from pixelrl_tasks.published import Restoration
from pixelrl_tasks.text import draw_text


@dataclass(frozen=True)
class Inpainting(Restoration):
    """Take overlaid text off a photograph without being told where it is (blind restoration).

    TMM-20: the nine edits of denoising, fifteen steps, the drop of squared error as reward. Text is
    white or black with equal chance. Images that are damaged already need no drawing: give folders
    for both, ``data.test.image=damaged data.test.target=clean``.

    Attributes:
        sizes: smallest and largest font size, in pixels.
        rotation: largest rotation of the text, in degrees; half of the texts are rotated.
        fonts: ``installed`` for this machine's fonts, ``bundled`` for Pillow's own alone, the same
            on every machine, or a folder of font files.

    Raises:
        ConfigError: a setting cannot be.
    """

    contract: ClassVar[int] = 1

    length: int = 15
    sizes: tuple[int, int] = (10, 30)
    rotation: float = 10.0
    fonts: str = "installed"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.rotation <= 180:
            raise ConfigError(
                f"task.rotation: expected degrees from 0 to 180, got {self.rotation}."
            )
        if not 4 <= self.sizes[0] <= self.sizes[1]:
            raise ConfigError(
                f"task.sizes: expected two font sizes from 4 pixels on, the smaller first,"
                f" got {list(self.sizes)}."
            )

    def problem(self, maps: Scene, rng: Generator) -> Scene:
        clean = maps["image"]
        color = torch.randint(2, (1,), generator=rng).to(clean.dtype)  # black or white
        text = draw_text(
            clean.shape[-2],
            clean.shape[-1],
            rng,
            sizes=self.sizes,
            rotation=self.rotation,
            fonts=self.fonts,
        )
        return {"image": torch.lerp(clean, color.expand_as(clean), text), "target": clean}
