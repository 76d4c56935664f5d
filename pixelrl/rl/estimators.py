"""The A3C losses of a window of steps, per pixel and in plain functions.

They follow the official ``pixelwise_a3c.py`` in what carries gradient: the advantage never does, so
the reward-map convolution learns through the value loss alone (docs/paper.md).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pixelrl.errors import ConfigError
from pixelrl.rl.rollout import Step


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


def losses(steps: Sequence[Step], returns: Tensor) -> Losses:
    """Compute the published losses: ``-log pi(a_t) * (R_t - V_t)`` and ``(V_t - R_t)^2 / 2``.

    Args:
        steps: T steps with values.
        returns: ``(T,B,1,H,W)``.

    Returns:
        The losses.
    """
    log_pi, taken, values = _policy(steps)
    policy = -taken * (returns - values).detach()
    return _sum(policy, values, returns, log_pi)


def expected_losses(
    steps: Sequence[Step], returns: Tensor, rewards: Tensor, prices: Tensor
) -> Losses:
    """Compute the losses with the immediate reward in exact expectation over all edits.

    The environment can price every edit, not only the one taken. With ``q = sum_a pi(a) r(a)`` the
    gradient is that of ``-q - log pi(a_t) * ((R_t - r_t) - (V_t - q))``: the same in expectation as
    the published one, with less variance, where a pixel's reward depends on its own edit alone.

    Args:
        steps: T steps with values.
        returns: ``(T,B,1,H,W)``.
        rewards: ``(T,B,1,H,W)``, of the edits taken.
        prices: ``(T,B,A,H,W)``, the reward each edit would have earned.

    Returns:
        The losses.
    """
    log_pi, taken, values = _policy(steps)
    now = (log_pi.exp() * prices).sum(2, keepdim=True)
    later = returns - rewards - (values - now)
    policy = -now - taken * later.detach()
    return _sum(policy, values, returns, log_pi)


def pathwise_losses(
    steps: Sequence[Step], returns: Tensor, rewards: Tensor, gamma: float
) -> Losses:
    """Compute the losses with the policy's gradient taken through the edits themselves.

    A filter is a known, differentiable world: the discounted rewards of a window are differentiated
    with respect to the probabilities of every edit at every pixel and earlier step, neighbours'
    pixels included. Low in variance; biased, since the gradient is that of mixtures while images
    are made of choices (docs/adr/0016-pathwise-gradients.md).

    Args:
        steps: T steps with values, as `episode.tied` plays them.
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
    steps: Sequence[Step], returns: Tensor, prices: Tensor, temperature: float
) -> Losses:
    """Compute the losses with the policy regressed on the prices of all edits.

    Logits, centred over edits, are to be the prices, centred, in units of the temperature; the
    policy is then the softmax of what each edit is expected to earn now. Unlike the gradient of an
    expectation this one does not fade where a policy is already sure, so that agents which have all
    chosen the same edit can still learn where it does harm. Agents are myopic: the discount matters
    to the value alone. Errors above one count linearly (Huber), for prices have heavy tails.

    Args:
        steps: T steps with values.
        returns: ``(T,B,1,H,W)``, for the value alone.
        prices: ``(T,B,A,H,W)``, the reward each edit would have earned.
        temperature: reward per logit.

    Returns:
        The losses.
    """
    log_pi, _, values = _policy(steps)
    expected = temperature * (log_pi - log_pi.mean(2, keepdim=True))
    wanted = prices - prices.mean(2, keepdim=True)
    error = F.huber_loss(expected, wanted, reduction="none").mean(2, keepdim=True)
    return _sum(error, values, returns, log_pi)


def _policy(steps: Sequence[Step]) -> tuple[Tensor, Tensor, Tensor]:
    """Stack what the network said: log pi ``(T,B,A,H,W)``, of the taken, and values, ``1`` deep."""
    log_pi = torch.stack([step.decision.logits for step in steps]).log_softmax(2)
    taken = log_pi.gather(2, torch.stack([step.choice for step in steps]).unsqueeze(2))
    values = [step.decision.value for step in steps if step.decision.value is not None]
    return log_pi, taken, torch.stack(values)


def _sum(policy: Tensor, values: Tensor, returns: Tensor, log_pi: Tensor) -> Losses:
    error = 0.5 * (values - returns).square()
    entropy = -(log_pi.exp() * log_pi).sum(2, keepdim=True)
    return Losses(policy.sum(0).mean(), error.sum(0).mean(), entropy.sum(0).mean())
