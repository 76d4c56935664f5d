"""The supervised start: the trunk learns to predict the image that would earn most."""

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from pixelrl.errors import ConfigError
from pixelrl.maps import Scene, check_map, check_scene, exact
from pixelrl.network import PolicyValueNet
from pixelrl.optimizers import optimizer
from pixelrl.settings import Learning
from pixelrl.task import Task

HANDED = ("trunk.", "policy_body.", "value_body.")
"""Parts of a network that a supervised start hands over; heads and memory start afresh."""


class Regression(pl.LightningModule):
    """Regress an image with the layers that a policy will look through.

    The authors begin every task with such weights (IRCNN for denoising, a color regression for
    enhancement) and call learning without them unstable. The prediction is the image plus a
    residual, and its loss the task's own reward for going there in one step, negated: squared error
    for the restoration tasks, Lab distance for color enhancement. So any task has a supervised
    start whose reward carries gradient, and needs to say nothing about it.

    Args:
        task: what will be learned; poses the problems.
        policy: the network whose layers are to be handed over. Its value branch is a copy of the
            policy branch, as official starts are (`pixelrl.reference`).
        learning: optimizer, rate, episodes; one batch is one update.
    """

    def __init__(self, task: Task, policy: PolicyValueNet, learning: Learning) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.task, self.learning = task, learning
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
        seen = self.trunk(observation.contiguous(memory_format=torch.channels_last))
        residual: Tensor = self.head(self.body(seen)).to(image.dtype)
        return image + residual

    def reward(self, predicted: Tensor, scene: Scene) -> Tensor:
        """Reward a prediction as one step would be, ``(B,)``, the mean over pixels."""
        image = scene["image"]
        with exact(self.device):
            earned = self.task.reward(image, predicted, scene)
        batch, _, height, width = image.shape
        return check_map("reward", earned, "B 1 H W", B=batch, H=height, W=width).mean((1, 2, 3))

    def training_step(self, scene: Scene, batch: int) -> None:
        """Update the weights from one batch ``(B,K,H,W)``.

        Raises:
            ConfigError: the task's reward carries no gradient.
        """
        check_scene(scene, self.task.channels)
        reward = self.reward(self(scene), scene).mean()
        if not reward.requires_grad:
            raise ConfigError(
                f"{type(self.task).__name__}: its reward carries no gradient, so that nothing can"
                " be regressed; begin with fit."
            )
        steps = self.optimizers()
        schedule = self.lr_schedulers()
        if isinstance(steps, list) or not isinstance(schedule, LRScheduler):
            raise TypeError("expected the one optimizer that configure_optimizers makes.")
        steps.zero_grad()
        self.manual_backward(-reward)
        steps.step()
        self.log_dict(
            {"train/reward": reward.detach(), "train/rate": schedule.get_last_lr()[0]},
            sync_dist=True,
        )
        schedule.step()

    def validation_step(self, scene: Scene, index: int) -> None:
        """Score the prediction of one image."""
        predicted = self(scene)
        scores = {**self.task.scores(predicted, scene), "reward": self.reward(predicted, scene)}
        means = {f"val/{name}": score.mean() for name, score in scores.items()}
        self.log_dict(means, batch_size=predicted.shape[0], sync_dist=True)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - one of Lightning's many shapes
        """Make the optimizer, with the published polynomial decay per batch."""
        rule = self.learning
        chosen = optimizer(self, rule.optimizer, rule.rate)
        schedule = LambdaLR(chosen, lambda batch: max(0.0, 1 - batch / rule.episodes) ** rule.power)
        return [chosen], [schedule]


def hand_over(weights: dict[str, Tensor], policy: PolicyValueNet) -> list[str]:
    """Load what a `Regression` has learned into a network; heads and memory keep their start.

    Args:
        weights: the regression's state.
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
