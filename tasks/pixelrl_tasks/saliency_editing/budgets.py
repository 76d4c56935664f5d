"""The budgets of fidelity that saliency edits have to keep, on either side of a mask."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pixelrl.scores import as_written
from pixelrl_tasks.saliency_editing.fidelity import (
    color_distance,
    mean_in,
    nearly_clipped,
    newly_clipped,
    structure,
)

Measure = Callable[[Tensor, Tensor], Tensor]
"""From an image and its original to a map ``(B,1,H,W)``, such as those of `fidelity`."""

HELD = 0.01
"""The last share of a budget, which `hold_back` does not let anybody use: devices round apart."""


@dataclass(frozen=True)
class Goal:
    """Say what an edit should reach and what it may cost.

    Attributes:
        sign: 1 to raise the region's saliency, -1 to lower it.
        cap: largest gain that is rewarded, in log-odds; beyond it there is nothing to be had.
        inside: budget of mean color distance in the region, in Lab units.
        outside: the same for the rest of the image.
        clipped: share of newly clipped pixels that a valid result may have on either side.
        structure: structure that a valid result must keep on either side.
        charged: whether straying is charged; not where the environment keeps the budgets itself
            (`hold_back`): agents would shy away from what they may have.
        margin: share of a budget that may be used up for nothing; what strays farther is charged,
            so that agents learn to stay clear of what would make their result worthless.
        own: how much the movement of a pixel's own saliency counts for that pixel. A place of
            saliency pools some dozens of pixels, so that one pixel alone moves its own saliency by
            that many times less than if all did alike.
    """

    sign: int = 1
    cap: float = 0.7
    inside: float = 15.0
    outside: float = 10.0
    clipped: float = 0.2
    structure: float = 0.9
    charged: bool = True
    margin: float = 0.8
    own: float = 25.0


@dataclass(frozen=True)
class Strayed:
    """Hold how far a region strays from the original, ``(B,)`` each.

    Attributes:
        color: mean color distance, in Lab units.
        clipped: share of newly clipped pixels.
        structure: mean structure, at most 1.
    """

    color: Tensor
    clipped: Tensor
    structure: Tensor


def measure_stray(
    image: Tensor, original: Tensor, mask: Tensor, clipping: Measure = newly_clipped
) -> tuple[Strayed, Strayed]:
    """Measure how far region and rest stray from the original, images ``(B,3,H,W)``.

    Args:
        image: as it stands.
        original: where it began.
        mask: ``(B,1,H,W)`` in [0, 1], the region.
        clipping: how pixels count as clipped: wholly, or `nearly_clipped`.
    """
    maps = [each(image, original) for each in (color_distance, clipping, structure)]
    inside, outside = (
        Strayed(*(mean_in(each, region) for each in maps)) for region in (mask, 1 - mask)
    )
    return inside, outside


def valid(inside: Strayed, outside: Strayed, goal: Goal, share: float = 1.0) -> Tensor:
    """Tell which results keep within a share of the budgets on both sides, ``(B,)`` of 0 and 1."""
    return _within(inside, goal.inside, goal, share) * _within(outside, goal.outside, goal, share)


def hold_back(before: Tensor, after: Tensor, original: Tensor, mask: Tensor, goal: Goal) -> Tensor:
    """Let one side of the mask stand still, or both, where going on would break a budget.

    Both go on if they may; else the region alone, else the rest alone, else none. Judged is what
    would be written to 8 bits, as results are: dark pixels that are not yet black may round to it.

    Args:
        before: ``(B,3,H,W)``, the image before a step.
        after: ``(B,3,H,W)``, after it.
        original: ``(B,3,H,W)``, where the episode began.
        mask: ``(B,1,H,W)`` in [0, 1], the region.
        goal: what the budgets are; the last `HELD` of them is kept.

    Returns:
        ``(B,3,H,W)``.
    """
    held, begun = before, as_written(original)
    for moving in (1 - mask, mask, torch.ones_like(mask)):  # what comes later is preferred
        moved = torch.lerp(before, after, moving)
        kept = valid(*measure_stray(as_written(moved), begun, mask), goal, 1 - HELD)
        held = torch.where((kept > 0)[:, None, None, None], moved, held)
    return held


def measure_spent(image: Tensor, original: Tensor, mask: Tensor, goal: Goal) -> Tensor:
    """Tell every pixel how much of its side's budgets is used up.

    Args:
        image: ``(B,3,H,W)``, as it stands.
        original: ``(B,3,H,W)``, where it began.
        mask: ``(B,1,H,W)`` in [0, 1], the region.
        goal: what the budgets are.

    Returns:
        ``(B,3,H,W)``: color, clipping and structure, 1 where a budget is used up, at most 2.
    """
    shown = image.new_zeros(image.shape)
    sides = measure_stray(image, original, mask, nearly_clipped)
    regions = ((mask, goal.inside), (1 - mask, goal.outside))
    for side, (region, budget) in zip(sides, regions, strict=True):
        lost = (1 - side.structure) / (1 - goal.structure)
        used = (side.color / budget, side.clipped / goal.clipped, lost)
        shown = shown + region * torch.stack(used, 1)[..., None, None].clamp(0, 2)
    return shown


def _within(side: Strayed, budget: float, goal: Goal, share: float) -> Tensor:
    """Tell which sides use no more than a share of their budgets, ``(B,)`` of 0 and 1."""
    kept = (
        (side.color <= share * budget)
        & (side.clipped <= share * goal.clipped)
        & (1 - side.structure <= share * (1 - goal.structure))
    )
    return kept.to(side.color.dtype)
