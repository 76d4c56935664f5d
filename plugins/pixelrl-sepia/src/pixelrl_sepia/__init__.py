"""Age a photograph until it looks like a sepia print."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from kornia.color import sepia
from torch import Generator, Tensor

from pixelrl import Edit, Scene, Task, keep
from pixelrl.actions import saturation, shift
from pixelrl.rewards import squared_error_drop


@dataclass(frozen=True)
class Sepia(Task):
    """Age a photograph: every pixel may warm, pale, brighten or darken by one stride."""

    contract: ClassVar[int] = 1
    local_reward: ClassVar[bool] = True
    reach: ClassVar[int] = 0

    channels: int = 3
    length: int = 8
    stride: float = 0.05

    def edits(self) -> Mapping[str, Edit]:
        s = self.stride
        return {
            "keep": keep,
            "brighter": shift(+s),
            "darker": shift(-s),
            "warmer": shift(+s, 0, -s),
            "paler": saturation(0.5),
        }

    def problem(self, maps: Scene, rng: Generator) -> Scene:
        return {"image": maps["image"], "target": sepia(maps["image"], rescale=False)}

    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        return squared_error_drop(before, after, scene["target"])
