"""Learning that diverges stops at once, and says where: no such state is ever saved."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pixelrl.errors import DivergenceError
from pixelrl.maps import Scene
from pixelrl.rl.rollout import Transition
from pixelrl.task import Task, reward_map

CURE = "the checkpoints are from before; lower learning.rate"


def check_loss(
    loss: Tensor, task: Task, steps: Sequence[Transition], scene: Scene, episode: int
) -> None:
    """Check that a window's loss is a number.

    Args:
        loss: a scalar.
        task: what is learned.
        steps: the window.
        scene: the episode's maps, ``(B,K,H,W)``.
        episode: its number, from zero.

    Raises:
        DivergenceError: it is none; names the episode and the edit, reward or loss to blame.
    """
    if torch.isfinite(loss):
        return
    cause = _blame(task, steps, scene) or f"the loss is {float(loss.detach())}: {CURE}"
    raise DivergenceError(f"{type(task).__name__}, episode {episode + 1}: {cause}.")


def check_gradient(module: nn.Module) -> None:
    """Check that no gradient is infinite or no number.

    Raises:
        DivergenceError: one is; names its weight.
    """
    for name, weight in module.named_parameters():
        if weight.grad is not None and not torch.isfinite(weight.grad).all():
            raise DivergenceError(f"the gradient of {name} is no number any more: {CURE}.")


def check_finite(module: nn.Module, episode: int) -> None:
    """Check that all weights are numbers.

    Args:
        module: whose weights.
        episode: how many were learned from.

    Raises:
        DivergenceError: one is none.
    """
    for name, weight in module.named_parameters():
        if not torch.isfinite(weight).all():
            raise DivergenceError(f"episode {episode}: weight {name} is no number: {CURE}.")


def _blame(task: Task, steps: Sequence[Transition], scene: Scene) -> str:
    """Find what first left the numbers: an edit or the reward; nothing if neither did."""
    for number, step in enumerate(steps, 1):
        outcomes = task.candidates(step.before, scene)
        for index, name in enumerate(task.actions.names):
            if torch.isfinite(step.before).all() and not torch.isfinite(outcomes[:, index]).all():
                return f"step {number}: edit '{name}' makes numbers that are none; mend the edit"
        if not torch.isfinite(reward_map(task, step.before, step.after, scene)).all():
            return f"step {number}: the reward is no number; mend the task's reward"
    return ""
