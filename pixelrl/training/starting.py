"""Weights that a module begins with: the same network's, or a goal's of another run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pixelrl.errors import CheckpointError
from pixelrl.rl.aim import GoalPolicy
from pixelrl.training.module import PixelA3C

UNIT = "reward_spread"
"""The one weight that a module may have or not: the unit of the rewards it learns from."""
HEAD, TAIL = "policy.goal.head.weight", ("policy.goal.tail.weight", "policy.goal.tail.bias")
"""The weights of a goal whose sizes follow from the number of channels."""
CELL = 4
"""Pixels of a cell: `GoalNet` sees pictures at half of their sides."""


def start_from(module: PixelA3C, weights: Mapping[str, Any], path: Path) -> str:
    """Begin with another run's weights.

    A goal is learned on from where it stood in use, also in pictures of another number of channels
    (`fit_ends`) and by a network of more blocks or levels (`grow_parts`). What else is of
    another size, such as the correction then, begins anew.

    Args:
        module: takes them.
        weights: a checkpoint's, by name.
        path: where they come from, for messages.

    Returns:
        Which were taken.

    Raises:
        CheckpointError: they are of another network, or no finite numbers.
    """
    if not isinstance(module.policy, GoalPolicy):
        fill(module, weights, path)
        return "all weights"
    if not any(name.startswith("policy.goal.") for name in weights):
        raise CheckpointError(f"{path}: its network has no goal; set network.kind=published.")
    own = module.state_dict()
    goal = {n: value for n, value in weights.items() if n.startswith("policy.goal.")}
    goal = fit_ends(goal, own)
    goal = grow_parts(goal, own) | goal
    rest = {name: value for name, value in own.items() if not name.startswith("policy.goal.")}
    same = {
        name: weights[name]
        for name, value in rest.items()
        if name in weights and weights[name].shape == value.shape
    }
    learner = {
        name: goal.get(name.replace("learner.", "policy.goal.", 1), own[name])
        for name in own
        if name.startswith("learner.")
    }
    fill(module, {**rest, **same, **goal, **learner}, path)
    anew = any(name.startswith("policy.") and name not in same for name in rest)
    return "goal" if anew else "goal and correction"


def fit_ends(weights: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn a goal's first and last layer from color to gray or back, so that gray stays the same.

    What else an observation shows beside the image is taken over where both show as much; what is
    newly shown, such as a noise map, changes nothing yet.

    Args:
        weights: a goal's, by name; its first layer's are ``(D,4K,k,k)``, its last layer's
            ``(4C,D,k,k)`` and ``(4C)``.
        own: those of the module.

    Returns:
        The goal's weights; as they were where the older observation shows more or else.
    """
    fitted, tail = dict(weights), TAIL[0]
    if not all(name in each for name in (HEAD, *TAIL) for each in (weights, own)):
        return fitted
    old, new = (each[tail].shape[0] // CELL for each in (weights, own))
    seen, beside = weights[HEAD][:, : CELL * old], weights[HEAD][:, CELL * old :]
    further = own[HEAD].shape[1] - CELL * new
    if not beside.shape[1]:
        beside = beside.new_zeros(len(beside), further, *beside.shape[2:])
    if beside.shape[1] != further:
        return fitted
    read = fit_channels(seen.transpose(0, 1), new, mean=False).transpose(0, 1)
    fitted[HEAD] = torch.cat([read, beside], 1)
    for name in TAIL:
        fitted[name] = fit_channels(weights[name], new, mean=True)
    return fitted


def fit_channels(weight: Tensor, channels: int, *, mean: bool) -> Tensor:
    """Turn weights of an image's channels ``(4C,…)`` into those of another number of channels.

    A gray picture is one of three equal channels: what reads them is summed, what writes them is
    averaged. The other way each channel is read by a third and written alike.

    Args:
        weight: of the channels' cells; returned as it is unless one of both numbers is 1.
        channels: how many it becomes.
        mean: whether it writes.
    """
    old = weight.shape[0] // CELL
    if old == channels or min(old, channels) != 1:
        return weight
    cells = weight.reshape(old, CELL, *weight.shape[1:])
    shared = cells.mean(0) if mean else cells.sum(0) / channels
    return torch.cat([shared] * channels)


def grow_parts(weights: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Begin further blocks and coarser levels of a goal so that they change nothing yet.

    What they find goes through a last layer that begins at zero, so that a larger network answers
    at first what the smaller one does (Net2Net, Chen et al. 2016), and learns from there.

    Args:
        weights: a goal's, by name, of any shape.
        own: those of the module, which may have more blocks or levels.

    Returns:
        The weights that the smaller goal lacks; none if the larger one is no extension of it.
    """
    if not all(name in own and own[name].shape == value.shape for name, value in weights.items()):
        return {}
    further = {
        name: value
        for name, value in own.items()
        if name.startswith("policy.goal.") and name not in weights
    }
    return {
        name: torch.zeros_like(value) if ".second." in name or ".grow." in name else value
        for name, value in further.items()
    }


def fill(module: PixelA3C, weights: Mapping[str, Any], path: Path) -> None:
    """Load weights by name; a network of another shape is named, not half loaded.

    Args:
        module: takes them.
        weights: a checkpoint's, by name.
        path: where they come from, for messages.

    Raises:
        CheckpointError: they are of another network, or no finite numbers.
    """
    own = module.state_dict()
    # What older checkpoints lack, and what only some estimators ask for.
    weights = {name: weights[name] for name in weights if name != UNIT or name in own}
    if UNIT in own:
        weights.setdefault(UNIT, own[UNIT])
    missing, unknown = own.keys() - weights.keys(), weights.keys() - own.keys()
    if missing or unknown:
        names = ", ".join(sorted(missing | unknown)[:3])
        raise CheckpointError(
            f"{path}: its network has other parts than this one ({names}, …); set network.kind,"
            " network.memory, network.widths and learning.spread as they were."
        )
    for name, value in weights.items():
        if value.is_floating_point() != own[name].is_floating_point():
            raise CheckpointError(f"{path}: {name} holds {value.dtype}; the file is no policy's.")
        if not torch.isfinite(value).all():
            raise CheckpointError(
                f"{path}: weight {name} holds numbers that are none; its run diverged."
                " Use an earlier checkpoint."
            )
        if value.shape != own[name].shape:
            raise CheckpointError(
                f"{path}: {name} is {tuple(value.shape)}, here {tuple(own[name].shape)}; set"
                " network.width, network.widths and the task's settings as they were."
            )
    module.load_state_dict(weights)
