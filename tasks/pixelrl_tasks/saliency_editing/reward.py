"""The reward of saliency editing: a region's share of attention, within budgets of fidelity.

Raw saliency is best raised by painting a region red or the rest black. What is rewarded instead is
a potential: the gain in log-odds of the region's share, capped, minus what either side of the mask
strays beyond its budget. A step's reward is the potential's difference, so that the rewards of
going back and forth sum to zero, and those of an episode to its last image's potential.
"""

import torch
from torch import Tensor

from pixelrl.saliency import Saliency, as_density
from pixelrl_tasks.saliency_editing.budgets import Goal
from pixelrl_tasks.saliency_editing.fidelity import (
    color_distance,
    mean_in,
    nearly_clipped,
    structure,
)


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


def saliency_reward(
    saliency: Saliency, before: Tensor, after: Tensor, original: Tensor, mask: Tensor, goal: Goal
) -> Tensor:
    """Pay for a step's difference of potential.

    With ``q`` the region's share, the potential of an image is ``clip(sign * (logit q - logit q0),
    ±cap) - P``, where P adds for region and rest, each beyond the margin of its budget, a tenth of
    the color distance and twenty times the shares of pixels clipped and of structure lost; and half
    of the share clipped in any case; nothing where `Goal.charged` is off. Here a pixel counts as
    clipped by degrees (`fidelity.nearly_clipped`), so that all of it has a gradient.

    Every pixel is rewarded by the difference, plus its own part less the mean of those parts: how
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
    gain = gains[1].clamp(-goal.cap, goal.cap) - gains[0].clamp(-goal.cap, goal.cap)
    moved = _noticed(saliency(after)) - _noticed(saliency(before))
    # Beyond the cap nothing is rewarded, to single pixels neither.
    rewarded = (gain != 0) | (gains[1].abs() < goal.cap)
    towards = goal.own * goal.sign * _spread(rewarded).to(moved.dtype)
    inside, outside = _weight(mask), _weight(1 - mask)
    cost_before, own_before = _cost(before, original, mask, goal)
    cost_after, own_after = _cost(after, original, mask, goal)
    own = towards * (inside - outside) * moved - (own_after - own_before)
    whole = gain - (cost_after - cost_before) if goal.charged else gain
    return _spread(whole) + own - own.mean((1, 2, 3), keepdim=True)


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
        whole = whole + (far - goal.margin * budget).clamp(min=0) / 10
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
