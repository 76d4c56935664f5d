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
HEAD, TAIL = "policy.goal.head.weight", "policy.goal.tail."
"""The weights of a goal whose sizes follow from the number of channels."""
CELL = 4
"""Pixels of a cell: `GoalNet` sees pictures at half of their sides."""


def start_from(module: PixelA3C, weights: Mapping[str, Any], path: Path) -> str:
    """Begin with another run's weights.

    A goal is learned on from where it stood in use, also in pictures of another number of channels
    (`fit_channels`) and by a network of more blocks or levels (`grow_parts`). What else is of
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
    goal = {
        name: fit_channels(name, value, own[name]) if name in own else value
        for name, value in weights.items()
        if name.startswith("policy.goal.")
    }
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


def fit_channels(name: str, weight: Tensor, own: Tensor) -> Tensor:
    """Turn a goal's first or last layer from color to gray or back, so that gray stays the same.

    A gray picture is one of three equal channels: the first layer's weights are summed over them,
    the last layer's are averaged. The other way each channel is seen by a third and answered alike.

    Args:
        name: of the weight; those of other layers are returned as they are.
        weight: ``(D,4C,k,k)`` of the first layer, ``(4C,D,k,k)`` or ``(4C)`` of the last.
        own: of the same layer, for another number of channels.

    Returns:
        The weight, in the shape of ``own`` where one of both is of a single channel.
    """
    if weight.shape == own.shape or not name.startswith((HEAD, TAIL)):
        return weight
    axis = 1 if name.startswith(HEAD) else 0
    old, new = weight.shape[axis] // CELL, own.shape[axis] // CELL
    if min(old, new) != 1:
        return weight
    cells = weight.reshape(*weight.shape[:axis], old, CELL, *weight.shape[axis + 1 :])
    shared = cells.sum(axis) / new if axis == 1 else cells.mean(axis)
    return torch.cat([shared] * new, axis)


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
