"""The smallest tasks and networks for tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Generator, Tensor

from pixelrl.actions import Edit, bilateral, box, gaussian, keep, median, shift
from pixelrl.maps import Scene
from pixelrl.rewards import squared_error_drop
from pixelrl.rl.network import PolicyValueNet
from pixelrl.task import Task


@dataclass(frozen=True)
class Toy(Task):
    """Move towards the target with five edits that look one pixel aside."""

    local_reward: ClassVar[bool] = True
    reach: ClassVar[int | None] = 1

    length: int = 3
    stride: float = 0.1

    def edits(self) -> Mapping[str, Edit]:
        return {
            "minus": shift(-self.stride),
            "keep": keep,
            "plus": shift(self.stride),
            "box": box(3),
            "median": median(3),
        }

    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        return squared_error_drop(before, after, scene["target"])


@dataclass(frozen=True)
class Published(Toy):
    """The nine published edits."""

    reach: ClassVar[int | None] = 2

    length: int = 5

    def edits(self) -> Mapping[str, Edit]:
        return {
            "minus": shift(-1 / 255),
            "keep": keep,
            "plus": shift(1 / 255),
            "gaussian 0.5": gaussian(5, 0.5),
            "bilateral 0.1": bilateral(5, 0.1, 5.0),
            "median": median(5),
            "gaussian 1.5": gaussian(5, 1.5),
            "bilateral 1.0": bilateral(5, 1.0, 5.0),
            "box": box(5),
        }


def toy_scene(
    *shape: int, seed: int = 0, dtype: torch.dtype = torch.float32, device: str = "cpu"
) -> dict[str, Tensor]:
    """Make up an image and its target, uniform in [0, 1]."""
    rng = Generator().manual_seed(seed)
    image, target = torch.rand((2, *shape), generator=rng, dtype=torch.float64).to(dtype)
    return {"image": image.to(device), "target": target.to(device)}


def toy_net(
    task: Task, *, width: int = 4, memory: bool = True, seed: int = 0, scale: float = 1.0
) -> PolicyValueNet:
    """Make a narrow network with repeatable weights; a larger scale makes it more decided."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = PolicyValueNet(
            task.observation_channels, len(task.actions), width=width, memory=memory
        )
        with torch.no_grad():
            for name, parameter in net.named_parameters():
                if name.endswith("bias"):
                    parameter.normal_(std=0.1)
            net.policy_head.weight *= scale
    return net


def golden(path: Path) -> dict[str, np.ndarray]:
    """Read a golden file of ../shared/reference."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
