"""The supervised start: the trunk learns to predict the image of the highest reward."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from pixelrl.errors import ConfigError
from pixelrl.maps import Scene, check_scene, exact
from pixelrl.rl.network import PolicyValueNet, lay_out
from pixelrl.settings import Learning
from pixelrl.task import Task, reward_map
from pixelrl.training.base import BaseModule
from pixelrl.training.parts import split_scene

HANDED = ("trunk.", "policy_body.", "value_body.")
"""Parts of a network that a supervised start hands over; heads and memory start afresh."""


class Regression(BaseModule):
    """Regress an image with the layers that a policy will look through.

    The authors begin every task with such weights (IRCNN for denoising, a color regression for
    enhancement) and call learning without them unstable. The prediction is the image plus a
    residual, and its loss the task's own reward for going there in one step, negated: squared error
    for the restoration tasks, Lab distance for color enhancement. So any task has a supervised
    start whose reward carries gradient, and needs to say nothing about it.

    Args:
        task: what will be learned; poses the problems.
        policy: the network whose layers are to be handed over. Its value branch is a copy of the
            policy branch, as official starts are (`pixelrl.training.official_weights`).
        learning: optimizer, rate, episodes; one batch is one update.
        accumulate: parts that a batch is learned from, one after the other.
    """

    def __init__(
        self, task: Task, policy: PolicyValueNet, learning: Learning, accumulate: int = 1
    ) -> None:
        super().__init__(learning, accumulate)
        self.task = task
        self.trunk, self.body = policy.trunk, policy.policy_body
        width = policy.policy_head.in_channels
        self.head = nn.Conv2d(width, task.channels, 3, padding=1)
        nn.init.zeros_(self.head.weight)  # it begins by predicting the image itself
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, scene: Scene) -> Tensor:
        """Predict the finished image of a scene, ``(B,C,H,W)``."""
        image = scene["image"]
        with exact(self.device):
            observation = self.task.observe(image, scene)
        features = self.trunk(lay_out(observation))
        residual: Tensor = self.head(self.body(features)).to(image.dtype)
        return image + residual

    def reward(self, predicted: Tensor, scene: Scene) -> Tensor:
        """Reward a prediction as one step would be, ``(B,)``, the mean over pixels.

        Raises:
            MapError: the task's answer is no reward map.
        """
        image = scene["image"]
        with exact(self.device):
            return reward_map(self.task, image, predicted, scene).mean((1, 2, 3))

    def training_step(self, scene: Scene, batch: int) -> None:
        """Update the weights from one batch ``(B,K,H,W)``.

        Raises:
            ConfigError: the task's reward carries no gradient.
        """
        check_scene(scene, self.task.channels)
        rewards: list[Tensor] = []
        self.update(self._losses(split_scene(scene, self.accumulate), rewards))
        reward = torch.stack(rewards).mean()
        self.log_dict({"train/reward": reward, "train/rate": self.end_batch()}, sync_dist=True)

    def _losses(self, parts: Sequence[Scene], rewards: list[Tensor]) -> Iterator[Tensor]:
        """Compute the loss of each part of a batch, and note its reward."""
        for part in parts:
            reward = self.reward(self(part), part).mean()
            if not reward.requires_grad:
                raise ConfigError(
                    f"{type(self.task).__name__}: its reward carries no gradient, so that nothing"
                    " can be regressed; begin with fit."
                )
            rewards.append(reward.detach())
            yield -reward

    def validation_step(self, scene: Scene, index: int) -> None:
        """Score the prediction of one image."""
        predicted = self(scene)
        scores = self.task.scores(predicted, scene)
        self.log_validation({**scores, "reward": self.reward(predicted, scene)})


def hand_over(weights: dict[str, Tensor], policy: PolicyValueNet) -> list[str]:
    """Load what a `Regression` has learned into a network; heads and memory keep their start.

    Args:
        weights: the regression's state, arrays of any shape.
        policy: the network.

    Returns:
        The names of the network's parameters that were loaded.

    Raises:
        ValueError: a parameter is missing or has another shape.
    """
    own = policy.state_dict()
    found: dict[str, Tensor] = {}
    for name, value in own.items():
        if not name.startswith(HANDED):
            continue
        source = name.replace("policy_body.", "body.").replace("value_body.", "body.")
        if source not in weights or weights[source].shape != value.shape:
            raise ValueError(name)
        found[name] = weights[source]
    policy.load_state_dict(found, strict=False)
    return list(found)
