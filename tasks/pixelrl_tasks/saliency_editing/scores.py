"""What is reported about saliency edits: what was gained, at what cost, and whether validly."""

import torch
from torch import Tensor

from pixelrl.saliency import Saliency, as_unit
from pixelrl.scores import Score, as_written, similarity
from pixelrl_tasks.saliency_editing.budgets import Goal, measure_stray, valid
from pixelrl_tasks.saliency_editing.fidelity import color_distance, mean_in
from pixelrl_tasks.saliency_editing.reward import logit_share

SIDES = ("mask", "rest")
"""What stands before the scores of the region, and of the rest of the image."""

DECLARED = (
    Score("gain", "log-odds", higher_is_better=True),
    Score("critic_gain", "log-odds", higher_is_better=True),
    Score("valid", higher_is_better=True),
    # Bare changes: whether more is better depends on what was wanted, and `gain` tells that.
    Score("dlogit", "log-odds"),
    Score("critic_dlogit", "log-odds"),
    Score("relative"),
    Score("absolute"),
    Score("elsewhere", "log-odds"),
    *(
        each
        for side in SIDES
        for each in (
            Score(f"{side}_color", "Lab", higher_is_better=False),
            Score(f"{side}_color_p95", "Lab", higher_is_better=False),
            Score(f"{side}_psnr", "dB", higher_is_better=True, digits=3),
            Score(f"{side}_ssim", higher_is_better=True, digits=4),
            Score(f"{side}_clipped", higher_is_better=False),
            Score(f"{side}_structure", higher_is_better=True),
        )
    ),
)
"""What `saliency_scores` answers, and what it means."""


def saliency_scores(
    model: Saliency, critic: Saliency, image: Tensor, original: Tensor, mask: Tensor, goal: Goal
) -> dict[str, Tensor]:
    """Score a finished edit by two models, and its fidelity on both sides of the mask.

    Args:
        model: the model that rewarded.
        critic: one that did not.
        image: ``(B,3,H,W)``, finished; scored as it would be written to 8 bits.
        original: ``(B,3,H,W)``.
        mask: ``(B,1,H,W)`` in [0, 1], the region.
        goal: what was wanted.

    Returns:
        ``(B,)`` per name. ``gain`` and ``critic_gain`` are the headline: the change of log-odds of
        the region's share in the wanted direction, and 0 for results beyond a budget. ``dlogit``
        and ``critic_dlogit`` are the bare changes. ``relative`` is the mean in the region of
        ``(S' - S) / S`` clipped to ±1 (Miangoleh et al., CVPR 2023), ``absolute`` the change of the
        mean of the map scaled to its maximum (Mejjati et al., ECCV 2020). ``elsewhere`` is the
        control: ``dlogit`` of another region of nearly the same shape, half an image away. For
        region (``mask_``) and rest (``rest_``): color distance in Lab units, its mean and 95th
        percentile, PSNR in dB (at most 100), SSIM, share of newly clipped pixels, structure.
    """
    shown, begun = as_written(image), as_written(original)
    region, rest = measure_stray(shown, begun, mask)
    kept = valid(region, rest, goal)
    after, before = model(shown), model(begun)
    change = logit_share(after, mask) - logit_share(before, mask)
    judged = logit_share(critic(shown), mask) - logit_share(critic(begun), mask)
    other = _elsewhere(mask)
    control = logit_share(after, other) - logit_share(before, other)
    ratio = ((after - before) / (before + 1e-8)).clamp(-1, 1)
    similar = similarity(shown, begun).mean(1, keepdim=True)
    distance = color_distance(shown, begun)
    error = (shown - begun).square().mean(1, keepdim=True)
    found = {
        "gain": (goal.sign * change).where(kept > 0, 0.0) + 0.0,  # no negative zero
        "critic_gain": (goal.sign * judged).where(kept > 0, 0.0) + 0.0,
        "valid": kept,
        "dlogit": change,
        "critic_dlogit": judged,
        "relative": mean_in(ratio, mask),
        "absolute": mean_in(as_unit(after) - as_unit(before), mask),
        "elsewhere": control,
    }
    for name, side, part in zip(SIDES, (region, rest), (mask, 1 - mask), strict=True):
        found[f"{name}_color"] = side.color
        found[f"{name}_color_p95"] = _quantile(distance, part, 0.95)
        found[f"{name}_psnr"] = -10 * mean_in(error, part).clamp(min=1e-10).log10()
        found[f"{name}_ssim"] = mean_in(similar, part)
        found[f"{name}_clipped"] = side.clipped
        found[f"{name}_structure"] = side.structure
    return found


def _elsewhere(mask: Tensor) -> Tensor:
    """Move a region half an image away, less what it covers of itself."""
    height, width = mask.shape[-2:]
    return mask.roll((height // 2, width // 2), (-2, -1)) * (1 - mask)


def _quantile(value: Tensor, region: Tensor, share: float) -> Tensor:
    """Find a quantile of a map over a region, ``(B,1,H,W)`` to ``(B,)``; 0 where it is empty."""
    found = [each[inside > 0.5] for each, inside in zip(value, region, strict=True)]
    return torch.stack(
        [each.quantile(share) if each.numel() else value.new_zeros(()) for each in found]
    )
