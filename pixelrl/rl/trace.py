"""What an episode looked like, step by step: images, entropy, value and reward."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixelrl.images.files import as_bytes
from pixelrl.rl.rollout import Step

MOST = 65504.0
"""The largest number of float16."""


class Layers(NamedTuple):
    """Hold what an episode looked like, on the CPU.

    Attributes:
        frames: ``(T+1,B,C,H,W)``, the image before the first step and after each.
        entropy: ``(T,B,H,W)``, of the policy before each step, in nats.
        value: ``(T,B,H,W)``, the return expected before each step.
        reward: ``(T,B,H,W)``, what each step earned; None if that is unknown.
    """

    frames: Tensor
    entropy: Tensor
    value: Tensor
    reward: Tensor | None


def seen(step: Step, earned: Tensor | None) -> Layers:
    """Take from a step what is worth keeping.

    Args:
        step: with its value.
        earned: the step's reward map ``(B,1,H,W)``, if it is known.

    Returns:
        One step's worth of each layer, without the axis T; its frame is the image after the step.
    """
    value = step.decision.value
    if value is None:
        raise TypeError("the policy was played without its value.")
    entropy = torch.special.entr(step.decision.logits.softmax(1)).sum(1)
    reward = None if earned is None else earned[:, 0].cpu()
    return Layers(step.after.cpu(), entropy.cpu(), value[:, 0].cpu(), reward)


def stacked(start: Tensor, steps: Sequence[Layers]) -> Layers:
    """Put what was seen of each step one after another.

    Args:
        start: ``(B,C,H,W)``, where the episode began.
        steps: what `seen` took, in order.

    Returns:
        The layers of the whole episode.
    """
    rewards = [step.reward for step in steps if step.reward is not None]
    return Layers(
        torch.stack([start.cpu(), *(step.frames for step in steps)]),
        torch.stack([step.entropy for step in steps]),
        torch.stack([step.value for step in steps]),
        torch.stack(rewards) if rewards else None,
    )


def arrays(layers: Layers, target: Tensor | None = None) -> dict[str, NDArray[Any]]:
    """Turn the layers of a batch's first image into arrays as records hold them.

    Args:
        layers: of an episode.
        target: ``(B,C,H,W)``, if there is one.

    Returns:
        Arrays by name, as `choices.LAYERS` describes them.
    """
    maps = {"entropy": layers.entropy, "value": layers.value, "reward": layers.reward}
    held: dict[str, NDArray[Any]] = {
        name: as_halves(value[:, 0]) for name, value in maps.items() if value is not None
    }
    held["frames"] = as_bytes(layers.frames[:, 0])
    if target is not None:
        held["target"] = as_bytes(target[0])
    return held


def as_halves(values: Tensor) -> NDArray[np.float16]:
    """Turn numbers into float16, any shape; what that cannot hold is clamped."""
    array: NDArray[np.float16] = values.clamp(-MOST, MOST).half().cpu().numpy()
    return array
