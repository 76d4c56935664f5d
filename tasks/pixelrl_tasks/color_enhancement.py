"""Learn an expert's local color style from pairs: the papers' third task."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal, get_args

import torch
from kornia.color import hsv_to_rgb, rgb_to_hsv
from torch import Generator, Tensor

from pixelrl import Edit, Scene, Task, keep
from pixelrl.actions import brightness, contrast, scale
from pixelrl.color import Space, rgb_to_lab
from pixelrl.errors import ConfigError
from pixelrl.rewards import lab_distance_drop
from pixelrl.scores import ciede2000, lab_error, psnr, ssim
from pixelrl_tasks.looks import LOOKS, saturate

Look = Literal["pop_out", "cross_process"]
Saturation = Literal["exact", "legacy"]


@dataclass(frozen=True)
class ColorEnhancement(Task):
    """Learn an expert's local color style from pairs of photographs.

    TMM-20 and the authors' sample code: Lab in, thirteen global color moves of 5 %, ten steps, the
    drop of Lab distance as reward. Pairs come from folders, ``data.train.image=inputs
    data.train.target=renditions``; bundled images are given a look made by code.

    Attributes:
        saturation: ``exact`` scales the S of HSV. ``legacy`` does as the sample code, which scales
            H, S and V of one row of the image and leaves all others; for weights trained so.
        space: how the numbers of the images are meant, for the network, the reward and the scores.
            The published table is of ProPhoto images; the sample code reads them as if they were
            sRGB, which makes errors a fifth to a quarter smaller.
        look: what the bundled images are turned to: ``pop_out`` or ``cross_process``.

    Raises:
        ConfigError: a setting cannot be.
    """

    contract: ClassVar[int] = 1
    learns_from: ClassVar[tuple[str, ...]] = ("image", "target")
    local_reward: ClassVar[bool] = True

    channels: int = 3
    length: int = 10
    saturation: Saturation = "exact"
    space: Space = "srgb"
    look: Look = "pop_out"

    def __post_init__(self) -> None:
        if self.channels != 3:
            raise ConfigError(f"task.channels: expected 3 (color), got {self.channels}.")
        if self.length < 1:
            raise ConfigError(f"task.length: expected steps from 1 on, got {self.length}.")
        for name, known in (("saturation", Saturation), ("space", Space), ("look", Look)):
            if getattr(self, name) not in get_args(known):
                raise ConfigError(
                    f"task.{name}: expected {' or '.join(get_args(known))},"
                    f" got {getattr(self, name)!r}."
                )

    @property
    def reach(self) -> int | None:  # type: ignore[override]
        """No edit looks aside; but the legacy one knows rows, so its images are never tiled."""
        return 0 if self.saturation == "exact" else None

    def edits(self) -> Mapping[str, Edit]:
        change = saturate if self.saturation == "exact" else saturate_legacy
        return {
            "keep": keep,
            "contrast -": contrast(0.95),
            "contrast +": contrast(1.05),
            "saturation -": partial(change, factor=0.95),
            "saturation +": partial(change, factor=1.05),
            "brightness -": brightness(-0.025),
            "brightness +": brightness(0.025),
            "red green -": scale(0.95, 0.95, 1),
            "red green +": scale(1.05, 1.05, 1),
            "green blue -": scale(1, 0.95, 0.95),
            "green blue +": scale(1, 1.05, 1.05),
            "red blue -": scale(0.95, 1, 0.95),
            "red blue +": scale(1.05, 1, 1.05),
        }

    def invent(self, image: Tensor, rng: Generator) -> Scene:
        return {"image": image, "target": LOOKS[self.look](image, rng)}

    def observe(self, image: Tensor, scene: Scene) -> Tensor:
        lightness, a, b = rgb_to_lab(image, self.space).unbind(1)
        return torch.stack([lightness / 100, a / 127, b / 127], 1)

    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        return lab_distance_drop(before, after, scene["target"], self.space)

    def scores(self, image: Tensor, scene: Scene) -> dict[str, Tensor]:
        target = scene["target"]
        return {
            "lab_error": lab_error(image, target, self.space),
            "ciede2000": ciede2000(image, target, self.space),
            "psnr": psnr(image, target),
            "ssim": ssim(image, target),
        }


def saturate_legacy(image: Tensor, factor: float) -> Tensor:
    """Do what the sample code does: scale H, S and V of the second row, and no other.

    From RGB ``(B,3,H,W)`` to the same. ``temp[1] *= 0.95`` there means a channel and hits a row
    (official color ``State.py``).
    """
    hsv = rgb_to_hsv(image[:, :, 1:2])
    row: Tensor = hsv_to_rgb(hsv * factor)
    return torch.cat([image[:, :, :1], row, image[:, :, 2:]], 2)
