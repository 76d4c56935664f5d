"""Estimators of the policy gradient, as values.

Each is one value in `ESTIMATORS`, found by the name that ``learning.estimator`` gives it; beside
its losses it states how episodes are to be rolled out for it and what it asks of the task.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pixelrl.maps import Scene, exact
from pixelrl.oracle import rewards_per_edit
from pixelrl.rl.losses import (
    Losses,
    expected_losses,
    pathwise_losses,
    priced_losses,
    sampled_losses,
)
from pixelrl.rl.returns import Spread, return_maps
from pixelrl.rl.rollout import Transition, straight_through
from pixelrl.settings import Learning
from pixelrl.task import Task, reward_map


class Window(NamedTuple):
    """Hold what the losses of a window may be computed from.

    Attributes:
        steps: T transitions with values.
        rewards: ``(T,B,1,H,W)``, of the edits taken.
        returns: ``(T,B,1,H,W)``.
        per_edit: ``(T,B,A,H,W)``, the reward of each edit; None if the estimator does not use it.
        learning: the learning rule.
        unit: ``()``, how far rewards of different edits typically lie apart.
    """

    steps: Sequence[Transition]
    rewards: Tensor
    returns: Tensor
    per_edit: Tensor | None
    learning: Learning
    unit: Tensor | float = 1.0

    def known(self) -> Tensor:
        """Take the rewards per edit, ``(T,B,A,H,W)``, where they were computed.

        Raises:
            TypeError: they were not computed.

        Example:
            >>> Window([], torch.ones(1), torch.ones(1), None, Learning()).known()
            Traceback (most recent call last):
            TypeError: the rewards per edit were not computed for this window.
        """
        if self.per_edit is None:
            raise TypeError("the rewards per edit were not computed for this window.")
        return self.per_edit


@dataclass(frozen=True)
class Estimator:
    """Describe one way to estimate the policy gradient.

    Attributes:
        losses: what is minimized.
        per_edit: whether it uses the reward of every edit, so that the task's must be local.
        pathwise: whether gradient flows through the edits of the window.
        greedy: whether episodes take the likeliest edits while learning instead of drawing them:
            where all edits' rewards are regressed, nothing is learned from trying worse ones.
        scaled: whether it needs the unit of rewards.

    Example:
        >>> [name for name, estimator in ESTIMATORS.items() if estimator.per_edit]
        ['expected', 'priced']
    """

    losses: Callable[[Window], Losses]
    per_edit: bool = False
    pathwise: bool = False
    greedy: bool = False
    scaled: bool = False


ESTIMATORS: Mapping[str, Estimator] = {
    "sampled": Estimator(lambda w: sampled_losses(w.steps, w.returns)),
    "expected": Estimator(
        lambda w: expected_losses(w.steps, w.returns, w.rewards, w.known()), per_edit=True
    ),
    "pathwise": Estimator(
        lambda w: pathwise_losses(w.steps, w.returns, w.rewards, w.learning.gamma), pathwise=True
    ),
    "priced": Estimator(
        lambda w: priced_losses(w.steps, w.returns, w.known(), w.learning.temperature, unit=w.unit),
        per_edit=True,
        greedy=True,
        scaled=True,
    ),
}
"""By the names of ``learning.estimator``."""


def window_losses(  # noqa: PLR0913 - those after the rule are told apart by name
    task: Task,
    steps: Sequence[Transition],
    scene: Scene,
    learning: Learning,
    *,
    reward_map_conv: Spread | None = None,
    bootstrap: Tensor | None = None,
    unit: Tensor | float = 1.0,
) -> tuple[Losses, Tensor]:
    """Compute the losses of a window by the learning rule's estimator.

    Args:
        task: knows the rewards.
        steps: the window.
        scene: the episode's maps, ``(B,K,H,W)`` each.
        learning: the learning rule; names the estimator.
        reward_map_conv: how a return spreads to neighbors; None for not at all.
        bootstrap: ``(B,1,H,W)``, the value after the window; None at the episode's end.
        unit: ``()``, how far rewards of different edits typically lie apart.

    Returns:
        The losses, and the mean over pixels of the window's rewards, all scalars.

    Raises:
        ConfigError: the task does not have what the estimator asks for.

    Example:
        >>> from pixelrl.rl.network import PolicyValueNet
        >>> from pixelrl.rl.rollout import rollout
        >>> from pixelrl_tasks.denoising import Denoising
        >>> scene = dict.fromkeys(("image", "target"), torch.zeros(1, 1, 16, 16))
        >>> steps = list(rollout(Denoising(), PolicyValueNet(1, 9, width=8), scene))
        >>> losses, reward = window_losses(Denoising(), steps, scene, Learning())
        >>> losses.policy.requires_grad, float(reward) <= 0  # the image is the target already
        (True, True)
    """
    estimator = ESTIMATORS[learning.estimator]
    with exact(scene["image"].device):
        if estimator.pathwise:
            steps = straight_through(task, steps, scene)
        rewards = torch.stack([reward_map(task, step.before, step.after, scene) for step in steps])
        returns = return_maps(rewards.detach(), learning.gamma, reward_map_conv, bootstrap)
        per_edit = None
        if estimator.per_edit:
            per_edit = torch.stack([rewards_per_edit(task, step.before, scene) for step in steps])
        window = Window(steps, rewards, returns, per_edit, learning, unit)
        return estimator.losses(window), rewards.sum(0).mean()
