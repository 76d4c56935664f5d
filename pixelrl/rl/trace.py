"""What an episode looked like, step by step: images, entropy, value, reward, doubt, goal."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pixelrl.rl.rollout import Transition


class Trace(NamedTuple):
    """Hold what an episode looked like, on the CPU.

    Attributes:
        frames: ``(T+1,B,C,H,W)``, the image before the first step and after each.
        entropy: ``(T,B,H,W)``, of the policy before each step, in nats.
        value: ``(T,B,H,W)``, the return expected before each step.
        reward: ``(T,B,H,W)``, each step's reward; None if that is unknown.
        doubt: ``(B,H,W)``, how far off the goal is expected to be: the root of the expected squared
            error, in gray levels; None if agents have no goal.
        goal: ``(B,C,H,W)``, what agents expect the target to be; None if they have no goal.
    """

    frames: Tensor
    entropy: Tensor
    value: Tensor
    reward: Tensor | None
    doubt: Tensor | None = None
    goal: Tensor | None = None


def record_step(step: Transition, reward: Tensor | None) -> Trace:
    """Take from a transition what a trace keeps.

    Args:
        step: with its value.
        reward: the step's reward map ``(B,1,H,W)``, if it is known.

    Returns:
        Each map of that one step, without the axis T; its frame is the image after the step.

    Raises:
        TypeError: the transition has no value.

    Example:
        >>> from pixelrl.rl.network import PolicyOutput
        >>> output = PolicyOutput(torch.zeros(1, 9, 4, 4), torch.ones(1, 1, 4, 4), None)
        >>> image, choice = torch.zeros(1, 1, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64)
        >>> trace = record_step(Transition(image, output, choice, image), reward=None)
        >>> trace.entropy.shape, trace.entropy[0, 0, 0].exp().round()  # torn between nine edits
        (torch.Size([1, 4, 4]), tensor(9.))
    """
    value = step.output.value
    if value is None:
        raise TypeError("the policy was asked without its value.")
    entropy = torch.special.entr(step.output.logits.softmax(1)).sum(1)
    shown = None if reward is None else reward[:, 0].cpu()
    doubt, memory = step.output.doubt, step.output.memory
    off = None if doubt is None else 255 * doubt[:, 0].sqrt().cpu()
    goal = None
    if doubt is not None and memory is not None:  # the memory of agents that aim begins with it
        goal = memory[:, : step.after.shape[1]].cpu()
    return Trace(step.after.cpu(), entropy.cpu(), value[:, 0].cpu(), shown, off, goal)


def stack_steps(start: Tensor, steps: Sequence[Trace]) -> Trace:
    """Put what was recorded of each step one after another.

    Args:
        start: ``(B,C,H,W)``, where the episode began.
        steps: what `record_step` took, in order.

    Returns:
        The trace of the whole episode.

    Example:
        >>> maps = torch.zeros(1, 4, 4)
        >>> step = Trace(frames=torch.zeros(1, 3, 4, 4), entropy=maps, value=maps, reward=None)
        >>> trace = stack_steps(torch.ones(1, 3, 4, 4), [step, step])
        >>> trace.frames.shape, trace.frames[:, 0, 0, 0, 0], trace.value.shape
        (torch.Size([3, 1, 3, 4, 4]), tensor([1., 0., 0.]), torch.Size([2, 1, 4, 4]))
    """
    rewards = [step.reward for step in steps if step.reward is not None]
    return Trace(
        torch.stack([start.cpu(), *(step.frames for step in steps)]),
        torch.stack([step.entropy for step in steps]),
        torch.stack([step.value for step in steps]),
        torch.stack(rewards) if rewards else None,
        steps[0].doubt,  # the goal is set once
        steps[0].goal,
    )


class Edited(NamedTuple):
    """Hold a finished image and how it came about.

    Attributes:
        image: ``(B,C,H,W)``.
        choices: ``(T,B,H,W)`` int64.
        reward: ``(B,)``, the mean over pixels of the summed rewards; NaN if not asked for.
        trace: what the episode looked like; None if not asked for.
    """

    image: Tensor
    choices: Tensor
    reward: Tensor
    trace: Trace | None = None
