"""Losses of a window of transitions, per pixel: one function for each way to estimate the gradient.

They follow the official ``pixelwise_a3c.py`` in what carries gradient: the advantage never does, so
the reward-map convolution learns through the value loss alone (docs/paper.md).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pixelrl.errors import ConfigError
from pixelrl.rl.rollout import Transition


class Losses(NamedTuple):
    """Hold the three parts of a window's loss, each a scalar: sums over T, means over pixels.

    Attributes:
        policy: the policy-gradient loss.
        value: half the squared error of the value against the return.
        entropy: of the policy; a bonus, to be subtracted.

    Example:
        >>> from pixelrl.settings import Learning
        >>> losses, rule = Losses(*torch.tensor([1.0, 4.0, 2.0])), Learning()
        >>> losses.policy + rule.value * losses.value - rule.entropy * losses.entropy
        tensor(2.9800)
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

    Example:
        >>> from pixelrl.rl.network import PolicyOutput
        >>> output = PolicyOutput(torch.zeros(1, 2, 1, 1), torch.zeros(1, 1, 1, 1), None)
        >>> image, choice = torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, dtype=torch.int64)
        >>> step = Transition(image, output, choice, image)
        >>> sampled_losses([step], returns=torch.ones(1, 1, 1, 1, 1))  # log 2, 1 / 2, log 2
        Losses(policy=tensor(0.6931), value=tensor(0.5000), entropy=tensor(0.6931))
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

    Example:
        >>> from pixelrl.rl.network import PolicyOutput
        >>> output = PolicyOutput(torch.zeros(1, 2, 1, 1), torch.full((1, 1, 1, 1), 0.5), None)
        >>> image, choice = torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, dtype=torch.int64)
        >>> step, per_edit = Transition(image, output, choice, image), torch.tensor([0.8, 0.2])
        >>> reward = per_edit[0].expand(1, 1, 1, 1, 1)  # of the edit taken, an episode's last
        >>> expected_losses([step], reward, reward, per_edit[None, None, :, None, None]).policy
        tensor(-0.5000)
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

    A filter is a known, differentiable environment: the discounted rewards of a window are
    differentiated with respect to the probabilities of every edit at every pixel and earlier step,
    neighbors' pixels included. Low in variance; biased, since the gradient is that of mixtures
    while images are made of choices (docs/adr/0016-pathwise-gradients.md).

    Args:
        steps: T transitions with values, as `rollout.straight_through` makes them.
        returns: ``(T,B,1,H,W)``, for the value alone.
        rewards: ``(T,B,1,H,W)``, carrying gradient.
        gamma: discount per step.

    Returns:
        The losses.

    Raises:
        ConfigError: the rewards carry no gradient.

    Example:
        >>> one = torch.ones(1, 1, 1, 1, 1)
        >>> pathwise_losses([], returns=one, rewards=one, gamma=0.95)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: learning.estimator=pathwise: the task's edits or reward carry...
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
    policy is then the softmax of the reward expected of each edit now. Unlike the gradient of an
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

    Example:
        >>> from pixelrl.rl.network import PolicyOutput
        >>> rewards = torch.tensor([0.5, -0.5])[None, :, None, None]
        >>> output = PolicyOutput(2 * rewards, torch.zeros(1, 1, 1, 1), None)
        >>> image, choice = torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, dtype=torch.int64)
        >>> step, one = Transition(image, output, choice, image), torch.ones(1, 1, 1, 1, 1)
        >>> priced_losses([step], one, rewards[None], temperature=0.5).policy  # as regressed
        tensor(0.)
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
