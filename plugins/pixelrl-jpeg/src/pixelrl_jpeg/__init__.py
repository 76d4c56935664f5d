"""Take JPEG's blocks and ringing out of a photograph."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator

from pixelrl import Edit, Scene
from pixelrl.actions import shift
from pixelrl.errors import ConfigError
from pixelrl_jpeg.edits import WINDOW, smooth_along
from pixelrl_tasks.jpeg import compress_between
from pixelrl_tasks.published import GRAY_LEVEL, Restoration

COARSE = 4
"""Gray levels of the larger shifts: the steps of quantization are coarser than one."""


@dataclass(frozen=True)
class JpegDeblocking(Restoration):
    """Bring a photograph that was saved as a poor JPEG nearer to what it was before.

    The nine published edits, shifts by four gray levels, and two filters that smooth along rows or
    along columns alone: what crosses an edge of a block without blurring along it. The reward is
    squared error that goes away.

    Attributes:
        quality: the lowest and the highest quality of JPEG, from 1 to 100, on the scale of the
            Independent JPEG Group; each photograph has its own.
        cropped: whether half of the photographs are as if they were cropped after they were saved,
            so that blocks begin anywhere; otherwise the first begins at the upper left corner.

    Raises:
        ConfigError: a setting cannot be.
    """

    contract: ClassVar[int] = 1
    reach: ClassVar[int | None] = WINDOW // 2

    quality: tuple[int, int] = (10, 40)
    cropped: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.quality[0] <= self.quality[1] <= 100:
            raise ConfigError(
                f"task.quality: expected two JPEG qualities from 1 to 100, the lower first,"
                f" got {list(self.quality)}."
            )

    def edits(self) -> Mapping[str, Edit]:
        return {
            **super().edits(),
            f"-{COARSE}": shift(-COARSE * GRAY_LEVEL),
            f"+{COARSE}": shift(+COARSE * GRAY_LEVEL),
            "along rows": smooth_along("rows"),
            "along columns": smooth_along("columns"),
        }

    def problem(self, maps: Scene, rng: Generator) -> Scene:
        drawn, cropped, *offset = torch.rand(4, generator=rng).tolist()
        corner = offset if self.cropped and cropped < 0.5 else (0, 0)
        image = compress_between(maps["image"], self.quality, drawn, corner)
        return {"image": image, "target": maps["image"]}
