"""Estimators of the policy gradient: the losses of a window of transitions, per pixel.

Each is one value in `ESTIMATORS`, found by the name that ``learning.estimator`` gives it; beside
its losses it states how episodes are to be played for it and what it asks of the task.

They follow the official ``pixelwise_a3c.py`` in what carries gradient: the advantage never does, so
the reward-map convolution learns through the value loss alone (docs/paper.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pixelrl.errors import ConfigError
from pixelrl.maps import Scene, exact
from pixelrl.oracle import rewards_per_edit
from pixelrl.rl.returns import Spread, return_maps
from pixelrl.rl.rollout import Transition, straight_through
from pixelrl.settings import Learning
from pixelrl.task import Task, reward_map


class Losses(NamedTuple):
    """Hold the three parts of a window's loss, each a scalar: sums over T, means over pixels.

    Attributes:
        policy: the policy-gradient loss.
        value: half the squared error of the value against the return.
        entropy: of the policy; a bonus, to be subtracted.
    """

    policy: Tensor
    value: Tensor
    entropy: Tensor


def sampled_losses(steps: Sequence[Transition], returns: Tensor) -> Losses:
    """Compute the published losses: ``-log pi(a_t) * (R_t - V_t)`` and ``(V_t - R_t)^2 / 2``.

    Args:
        steps: T transitions with values.
        returns: ``(T,B,1,H,W)``.

    Returns:
        The losses.
    """
    log_pi, taken, values = _policy(steps)
    policy = -taken * (returns - values).detach()
    return _sum(policy, values, returns, log_pi)


def expected_losses(
    steps: Sequence[Transition], returns: Tensor, rewards: Tensor, per_edit: Tensor
) -> Losses:
    """Compute the losses with the immediate reward in exact expectation over all edits.

    The environment can tell the reward of every edit, not only of the one taken. With
    ``q = sum_a pi(a) r(a)`` the gradient is that of
    ``-q - log pi(a_t) * ((R_t - r_t) - (V_t - q))``: the same in expectation as the published one,
    with less variance, where a pixel's reward depends on its own edit alone.

    Args:
        steps: T transitions with values.
        returns: ``(T,B,1,H,W)``.
        rewards: ``(T,B,1,H,W)``, of the edits taken.
        per_edit: ``(T,B,A,H,W)``, the reward of each edit, as `oracle.rewards_per_edit` has it.

    Returns:
        The losses.
    """
    log_pi, taken, values = _policy(steps)
    now = (log_pi.exp() * per_edit).sum(2, keepdim=True)
    later = returns - rewards - (values - now)
    policy = -now - taken * later.detach()
    return _sum(policy, values, returns, log_pi)


def pathwise_losses(
    steps: Sequence[Transition], returns: Tensor, rewards: Tensor, gamma: float
) -> Losses:
    """Compute the losses with the policy's gradient taken through the edits themselves.

    A filter is a known, differentiable world: the discounted rewards of a window are differentiated
    with respect to the probabilities of every edit at every pixel and earlier step, neighbors'
    pixels included. Low in variance; biased, since the gradient is that of mixtures while images
    are made of choices (docs/adr/0016-pathwise-gradients.md).

    Args:
        steps: T transitions with values, as `rollout.straight_through` plays them.
        returns: ``(T,B,1,H,W)``, for the value alone.
        rewards: ``(T,B,1,H,W)``, carrying gradient.
        gamma: discount per step.

    Returns:
        The losses.

    Raises:
        ConfigError: the rewards carry no gradient.
    """
    if not rewards.requires_grad:
        raise ConfigError(
            "learning.estimator=pathwise: the task's edits or reward carry no gradient; choose"
            " sampled."
        )
    log_pi, _, values = _policy(steps)
    discounted = [gamma**number * reward for number, reward in enumerate(rewards)]
    return _sum(-torch.stack(discounted), values, returns, log_pi)


def priced_losses(
    steps: Sequence[Transition],
    returns: Tensor,
    per_edit: Tensor,
    temperature: float,
    *,
    unit: Tensor | float = 1.0,
) -> Losses:
    """Compute the losses with the policy regressed on the rewards of all edits.

    Logits, centered over edits, are to be the rewards, centered, in units of the temperature; the
    policy is then the softmax of what each edit is expected to earn now. Unlike the gradient of an
    expectation this one does not fade where a policy is already sure, so that agents which have all
    chosen the same edit can still learn where it does harm. Agents are myopic: the discount matters
    to the value alone. Errors above one count linearly (Huber), for rewards have heavy tails.

    Args:
        steps: T transitions with values.
        returns: ``(T,B,1,H,W)``, for the value alone.
        per_edit: ``(T,B,A,H,W)``, the reward of each edit, as `oracle.rewards_per_edit` has it.
        temperature: units of reward per logit.
        unit: ``()``, how far rewards of different edits typically lie apart; so errors are told in
            it too, and learning is the same whatever the reward is measured in.

    Returns:
        The losses.
    """
    log_pi, _, values = _policy(steps)
    expected = temperature * (log_pi - log_pi.mean(2, keepdim=True))
    wanted = (per_edit - per_edit.mean(2, keepdim=True)) / unit
    error = F.huber_loss(expected, wanted, reduction="none").mean(2, keepdim=True)
    return _sum(error, values, returns, log_pi)


def _policy(steps: Sequence[Transition]) -> tuple[Tensor, Tensor, Tensor]:
    """Stack what the network said: log pi ``(T,B,A,H,W)``, of the taken, and values, ``1`` deep."""
    log_pi = torch.stack([step.output.logits for step in steps]).log_softmax(2)
    taken = log_pi.gather(2, torch.stack([step.choice for step in steps]).unsqueeze(2))
    values = [step.output.value for step in steps if step.output.value is not None]
    return log_pi, taken, torch.stack(values)


def _sum(policy: Tensor, values: Tensor, returns: Tensor, log_pi: Tensor) -> Losses:
    error = 0.5 * (values - returns).square()
    entropy = -(log_pi.exp() * log_pi).sum(2, keepdim=True)
    return Losses(policy.sum(0).mean(), error.sum(0).mean(), entropy.sum(0).mean())


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
        """The rewards per edit, where they were computed."""
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
