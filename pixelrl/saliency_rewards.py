"""The reward of saliency editing: a region's share of attention, within budgets of fidelity.

Raw saliency is best raised by painting a region red or the rest black. What is paid for instead is
a potential: the gain in log-odds of the region's share, capped, minus what either side of the mask
strays beyond its budget. A step earns the potential's difference, so that going back and forth
earns nothing and an episode earns its last image's potential.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from pixelrl.fidelity import (
    color_distance,
    mean_in,
    nearly_clipped,
    newly_clipped,
    structure,
)
from pixelrl.saliency import Saliency, as_density

HELD = 0.05
"""The last share of a budget, which `held_back` does not let anybody use."""


@dataclass(frozen=True)
class Goal:
    """Say what an edit should reach and what it may cost.

    Attributes:
        sign: 1 to raise the region's saliency, -1 to lower it.
        cap: largest gain that is paid, in log-odds; beyond it there is nothing to be had.
        inside: budget of mean color distance in the region, in Lab units.
        outside: the same for the rest of the image.
        clipped: share of newly clipped pixels that a valid result may have on either side.
        structure: structure that a valid result must keep on either side.
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


def logit_share(saliency: Tensor, mask: Tensor) -> Tensor:
    """Compute the log-odds of a region's share of saliency.

    Args:
        saliency: ``(B,1,H,W)``, 0 or more, of any scale.
        mask: ``(B,1,H,W)`` in [0, 1].

    Returns:
        ``(B,)``, in natural log-odds within about ±14.
    """
    density = as_density(saliency)
    inside, outside = ((density * side).sum((1, 2, 3)) for side in (mask, 1 - mask))
    return (inside.clamp(min=1e-6) / outside.clamp(min=1e-6)).log()


def strayed(image: Tensor, original: Tensor, mask: Tensor) -> tuple[Strayed, Strayed]:
    """Measure how far region and rest stray from the original, images ``(B,3,H,W)``.

    Args:
        image: as it stands.
        original: where it began.
        mask: ``(B,1,H,W)`` in [0, 1], the region.
    """
    maps = [each(image, original) for each in (color_distance, newly_clipped, structure)]
    inside, outside = (
        Strayed(*(mean_in(each, region) for each in maps)) for region in (mask, 1 - mask)
    )
    return inside, outside


def valid(inside: Strayed, outside: Strayed, goal: Goal, share: float = 1.0) -> Tensor:
    """Tell which results keep within a share of the budgets on both sides, ``(B,)`` of 0 and 1."""
    return _within(inside, goal.inside, goal, share) * _within(outside, goal.outside, goal, share)


def _within(side: Strayed, budget: float, goal: Goal, share: float) -> Tensor:
    """Tell which sides use no more than a share of their budgets, ``(B,)`` of 0 and 1."""
    kept = (
        (side.color <= share * budget)
        & (side.clipped <= share * goal.clipped)
        & (1 - side.structure <= share * (1 - goal.structure))
    )
    return kept.to(side.color.dtype)


def held_back(before: Tensor, after: Tensor, original: Tensor, mask: Tensor, goal: Goal) -> Tensor:
    """Let one side of the mask stand still, or both, where going on would break a budget.

    Both go on if they may; else the region alone, else the rest alone, else none.

    Args:
        before: ``(B,3,H,W)``, the image before a step.
        after: ``(B,3,H,W)``, after it.
        original: ``(B,3,H,W)``, where the episode began.
        mask: ``(B,1,H,W)`` in [0, 1], the region.
        goal: what the budgets are; the last `HELD` of them is kept for rounding and for windows
            that reach across the mask's edge.

    Returns:
        ``(B,3,H,W)``.
    """
    held = before
    for moving in (1 - mask, mask, torch.ones_like(mask)):  # what comes later is preferred
        moved = torch.lerp(before, after, moving)
        kept = valid(*strayed(moved, original, mask), goal, 1 - HELD)
        held = torch.where(_spread(kept) > 0, moved, held)
    return held


def saliency_reward(
    saliency: Saliency, before: Tensor, after: Tensor, original: Tensor, mask: Tensor, goal: Goal
) -> Tensor:
    """Pay for a step's difference of potential.

    With ``q`` the region's share, the potential of an image is ``clip(sign * (logit q - logit q0),
    ±cap) - P``, where P adds for region and rest, each beyond the margin of its budget, a tenth of
    the color distance and twenty times the shares of pixels clipped and of structure lost; and half
    of the share clipped in any case. Here a pixel counts as clipped by degrees
    (`fidelity.nearly_clipped`), so that all of it has a gradient.

    Every pixel is paid the difference, plus its own part less the mean of those parts: how
    ``log(1 + its saliency / the mean)`` moved, in the region towards the goal and elsewhere away
    from it, and what it cost in color, clipping and structure. So the mean of the map is the step's
    reward exactly, and a pixel can still tell its own doing.

    Args:
        saliency: the model.
        before: ``(B,3,H,W)``.
        after: ``(B,3,H,W)``.
        original: ``(B,3,H,W)``, where the episode began.
        mask: ``(B,1,H,W)`` in [0, 1], the region.
        goal: what is wanted.

    Returns:
        ``(B,1,H,W)``, in log-odds.
    """
    begun = logit_share(saliency(original), mask)
    gains = [goal.sign * (logit_share(saliency(image), mask) - begun) for image in (before, after)]
    earned = gains[1].clamp(-goal.cap, goal.cap) - gains[0].clamp(-goal.cap, goal.cap)
    moved = _noticed(saliency(after)) - _noticed(saliency(before))
    # Beyond the cap nothing is paid, to single pixels neither.
    paid = (earned != 0) | (gains[1].abs() < goal.cap)
    towards = goal.own * goal.sign * _spread(paid).to(moved.dtype)
    inside, outside = _weight(mask), _weight(1 - mask)
    cost_before, own_before = _cost(before, original, mask, goal)
    cost_after, own_after = _cost(after, original, mask, goal)
    own = towards * (inside - outside) * moved - (own_after - own_before)
    whole = earned - (cost_after - cost_before)
    return _spread(whole) + own - own.mean((1, 2, 3), keepdim=True)


def spent(image: Tensor, original: Tensor, mask: Tensor, goal: Goal) -> Tensor:
    """Tell every pixel how much of its side's budgets is used up.

    Args:
        image: ``(B,3,H,W)``, as it stands.
        original: ``(B,3,H,W)``, where it began.
        mask: ``(B,1,H,W)`` in [0, 1], the region.
        goal: what the budgets are.

    Returns:
        ``(B,3,H,W)``: color, clipping and structure, 1 where a budget is used up, at most 2.
    """
    maps = [each(image, original) for each in (color_distance, nearly_clipped, structure)]
    shown = image.new_zeros(image.shape)
    for region, budget in ((mask, goal.inside), (1 - mask, goal.outside)):
        color, clipped, kept = (mean_in(each, region) for each in maps)
        used = (color / budget, clipped / goal.clipped, (1 - kept) / (1 - goal.structure))
        shown = shown + region * torch.stack(used, 1)[..., None, None].clamp(0, 2)
    return shown


def _noticed(saliency: Tensor) -> Tensor:
    """Compute ``log(1 + saliency / its mean)``: what is far below the mean is noise."""
    return (as_density(saliency) * saliency[0].numel()).log1p()


def _cost(image: Tensor, original: Tensor, mask: Tensor, goal: Goal) -> tuple[Tensor, Tensor]:
    """Charge for straying: the whole image, ``(B,)``, and every pixel, ``(B,1,H,W)``."""
    color, clipped, kept = (
        each(image, original) for each in (color_distance, nearly_clipped, structure)
    )
    whole, own = image.new_zeros(image.shape[0]), torch.zeros_like(color)
    for region, budget in ((mask, goal.inside), (1 - mask, goal.outside)):
        far, cut = mean_in(color, region), mean_in(clipped, region)
        lost = 1 - mean_in(kept, region)
        whole = whole + (far - goal.margin * budget).clamp(min=0) / float(
            __import__("os").environ.get("DE", "10")
        )
        whole = whole + cut / 2 + 20 * (cut - goal.margin * goal.clipped).clamp(min=0)
        whole = whole + 20 * (lost - goal.margin * (1 - goal.structure)).clamp(min=0)
        each = (color - budget).clamp(min=0) / 10 + 2 * clipped + 2 * (1 - kept)
        own = own + _weight(region) * each
    return whole, own


def _weight(region: Tensor) -> Tensor:
    """Weigh pixels, one on average over both sides, so that either side counts one half.

    A share of a small region hangs on few pixels: each of them matters the more.
    """
    return region / (2 * region.mean((1, 2, 3), keepdim=True).clamp(min=0.05))


def _spread(numbers: Tensor) -> Tensor:
    """Shape a number per image, ``(B,)``, like a map, ``(B,1,1,1)``."""
    return numbers[:, None, None, None]
