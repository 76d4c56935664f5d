"""The first phase of agents that aim: the goal is learned by the reward of going there at once."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pixelrl.errors import ConfigError
from pixelrl.maps import Scene, exact
from pixelrl.rl.aim import unit
from pixelrl.rl.goal import Goal, doubt_loss
from pixelrl.rl.optimizers import STEP, make_optimizer
from pixelrl.rl.rollout import Transition
from pixelrl.scores import WINDOW, similarity
from pixelrl.settings import Learning
from pixelrl.task import Task
from pixelrl.training.base import Optimization

Aim = Callable[[Tensor, Tensor], Goal]
"""From an observation and an image to a goal, as `GoalNet`."""
AVERAGED = 0.999
"""The share of an averaged weight that stays at a batch, once there have been many."""
WARM_UP = 100
"""Batches of warm-up, at most a twentieth of the phase."""


class GoalLosses(NamedTuple):
    """Hold the parts of a goal's loss.

    Attributes:
        reward: ``()``, the mean reward of jumping to the goal.
        doubt: ``()``, the doubt's loss.
        ssim: ``()``, what the goal's structural similarity is paid; zero where it is not.
    """

    reward: Tensor
    doubt: Tensor
    ssim: Tensor

    def total(self, spread: Tensor) -> Tensor:
        """Weigh the parts into the one scalar that is minimized; spread is the reward's unit."""
        return self.doubt - (self.reward + self.ssim) / unit(spread)


def goal_losses(task: Task, net: Aim, scene: Scene, ssim: float = 0.0) -> GoalLosses:
    """Let a network answer a goal, and score it.

    Args:
        task: knows the reward to aim by; for squared error, the loss is the mean squared error.
        net: what is learned.
        scene: maps ``(B,K,H,W)``, with the target.
        ssim: what a structural similarity of one is paid.

    Returns:
        The parts of the loss.

    Raises:
        ConfigError: the task's reward carries no gradient, or crops are too small for ``ssim``.
    """
    image = scene["image"]
    with exact(image.device):
        observation = task.observe(image, scene)
    losses = score_goal(task, net(observation, image), scene, ssim)
    if not losses.reward.requires_grad:
        raise ConfigError(
            f"{type(task).__name__}: its reward carries no gradient, so that no goal can be"
            " learned from it; use network.kind=published."
        )
    return losses


def score_goal(task: Task, goal: Goal, scene: Scene, ssim: float = 0.0) -> GoalLosses:
    """Pay a goal as one step to it would be paid, and score its doubt.

    Args:
        task: knows the reward to aim by.
        goal: what the network answered at the beginning of the episode.
        scene: maps ``(B,K,H,W)``, with the target.
        ssim: what a structural similarity of one is paid.

    Returns:
        The parts of the loss.

    Raises:
        ConfigError: crops are too small for ``ssim``.
    """
    image, target = goal.image, scene["target"]
    if ssim and min(image.shape[-2:]) < WINDOW:
        raise ConfigError(
            f"learning.goal_ssim: expected crops of at least {WINDOW} pixels, got"
            f" {min(image.shape[-2:])}; set data.crop."
        )
    with exact(image.device):
        reward = task.aim_reward(scene["image"], image, scene).mean()
        alike = ssim * similarity(image, target).mean() if ssim else torch.zeros_like(reward)
        return GoalLosses(reward, doubt_loss(goal, target), alike)


def anchor_loss(
    task: Task, step: Transition, scene: Scene, spread: Tensor | None, ssim: float = 0.0
) -> Tensor | float:
    """Score goal and doubt of the step that set them: what keeps them true under reinforcement.

    The policy's gradient reaches the goal. Were that all it learns from, it would soon overshoot:
    what lies far beyond the target tells edits apart more loudly, so that fewer bad ones are drawn
    (salt and pepper lost 3 dB in 60 episodes).

    Args:
        task: knows the reward to aim by.
        step: of the episode.
        scene: maps ``(B,K,H,W)``, with the target.
        spread: ``()``, the reward's unit; agents that aim have one.
        ssim: what a structural similarity of one is paid.

    Returns:
        The loss, a scalar; zero for all other steps, and for agents without a goal.
    """
    doubt, memory = step.output.doubt, step.output.memory
    if spread is None or doubt is None or memory is None or not doubt.requires_grad:
        return 0.0
    goal = Goal(memory[:, : task.channels], doubt)
    return score_goal(task, goal, scene, ssim).total(spread)


def learn_parts(
    task: Task,
    net: Aim,
    scenes: Sequence[Scene],
    spread: Tensor,
    ssim: float,
    found: list[dict[str, Tensor]],
) -> Iterator[Tensor]:
    """Compute the loss of each part of a batch, a scalar, when it is asked for.

    Args:
        task: knows the reward.
        net: what is learned.
        scenes: of each part the maps ``(B,K,H,W)``, with the target.
        spread: ``()``, the reward's unit.
        ssim: what a structural similarity of one is paid.
        found: takes what each loss is made of, detached scalars by name.
    """
    for scene in scenes:
        losses = goal_losses(task, net, scene, ssim)
        found.append({name: part.detach() for name, part in losses._asdict().items()})
        yield losses.total(spread)


@torch.no_grad()
def average_weights(average: nn.Module, weights: nn.Module, batch: int) -> None:
    """Move averaged weights towards those that are learned; fast at first, so none is left behind.

    Args:
        average: the network that is used, an exponential moving average (Polyak averaging).
        weights: the network that is learned, of the same shape.
        batch: how many batches there were before, from zero.
    """
    keep = min(AVERAGED, (2 + batch) / (11 + batch))
    pairs = zip(average.parameters(), weights.parameters(), strict=True)
    for mean, weight in pairs:
        mean.lerp_(weight.to(mean.dtype), 1 - keep)  # the average is float32, always


def optimize_first(net: nn.Module, rule: Learning) -> Optimization:
    """Make a first phase's optimizer: Muon, with a warm-up and linear decay to zero."""
    batches = rule.first_batches
    warm = max(1, min(WARM_UP, batches // 20))

    def falls(batch: int) -> float:
        return min(1.0, (batch + 1) / warm) * max(0.0, 1 - batch / batches)

    return Optimization(make_optimizer([net], "muon", rule.goal_rate / STEP), falls)
