"""Denoising that is paid by structural similarity: a reward that no pixel earns alone."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from pixelrl import Scene
from pixelrl.rewards import squared_error_drop
from pixelrl.scores import similarity
from pixelrl_tasks.denoising import Denoising

SCALE = 25.5
"""Reward for going from no similarity to all of it; as large as rewards by squared error are."""


@dataclass(frozen=True)
class StructuralDenoising(Denoising):
    """Take noise out of a photograph, paid by the structural similarity that is won.

    The map of Wang et al. (2004) with Gaussian windows of sigma 1.5, the mean over channels. A
    pixel's similarity depends on its neighbors' edits, so that edits have no reward of their own:
    learn with ``learning.estimator=sampled`` or ``pathwise``. Agents that aim begin at the edits
    that lower the squared error; reinforcement leads them from there to what is paid.
    """

    local_reward: ClassVar[bool] = False

    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        target = scene["target"]
        gain = similarity(after, target) - similarity(before, target)
        return SCALE * gain.mean(1, keepdim=True)

    def aim_reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        return squared_error_drop(before, after, scene["target"])
