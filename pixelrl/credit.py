"""Credit for rewards that are one number per image or per patch: who gets how much of it.

Some scores know no pixels: a recognizer's confidence, a no-reference score, a person's opinion.
Agents are rewarded per pixel, so a task spreads such a number over a map, by one of two rules:

- *everyone*: each pixel gets the number. Nothing is assumed; a pixel hears mostly what the others
  did.
- *movers*: pixels get the number in proportion to how far the step moved them. Whoever kept its
  value is neither praised nor blamed. Where nothing moved at all, everyone gets the number.

Under both the mean of the map is the number, so that rates, discounts and losses need no new
setting when the rule or the size of the image changes; its sum is the number times the pixels. For
patches that holds patch by patch. Shares are given, not learned: they carry no gradient. The number
does if it has one, for ``learning.estimator=pathwise``.

A reward of this kind depends on what other pixels did: its task leaves ``local_reward`` at False.
The more pixels share a number, the less it tells each of them: of a sampled reward only one part in
as many is about the pixel's own choice. Let patches be as small as the score allows, or crops.
"""

import torch.nn.functional as F
from torch import Tensor

from pixelrl.errors import MapError
from pixelrl.maps import check_map

STILL = 1e-12
"""A patch that moved less than this on average, in image units, did not move."""


def movement(before: Tensor, after: Tensor) -> Tensor:
    """Measure how far a step moved each pixel: ``|s_{t+1} - s_t|``, averaged over channels.

    Args:
        before: ``(B,C,H,W)`` in image units.
        after: ``(B,C,H,W)``.

    Returns:
        ``(B,1,H,W)``, not negative, without gradient; the shares of the rule *movers*.

    Example:
        >>> import torch
        >>> movement(torch.zeros(1, 2, 1, 2), torch.tensor([[[[0.0, 0.3]], [[0.0, -0.1]]]]))
        tensor([[[[0.0000, 0.2000]]]])
    """
    return (after - before).detach().abs().mean(1, keepdim=True)


def patch_means(values: Tensor, patch: int) -> Tensor:
    """Average a map over patches, to make a number per patch of it.

    Args:
        values: ``(B,K,H,W)``.
        patch: side of the square patches, in pixels; the last of a row or column may be smaller.

    Returns:
        ``(B,K,h,w)`` with ``h = ceil(H / patch)`` and ``w = ceil(W / patch)``.

    Raises:
        MapError: ``patch`` is no positive number.

    Example:
        >>> import torch
        >>> patch_means(torch.tensor([[[[1.0, 3.0, 7.0]]]]), 2)
        tensor([[[[2., 7.]]]])
    """
    _check_patch(patch)
    return F.avg_pool2d(values, patch, ceil_mode=True)


def spread_scalar(reward: Tensor, size: tuple[int, int], moved: Tensor | None = None) -> Tensor:
    """Spread one number per image over its pixels, so that the mean of the map is the number.

    Args:
        reward: ``(B,)`` float32.
        size: height and width of the image, in pixels.
        moved: ``(B,1,H,W)`` float32, not negative: pixels share in this proportion (*movers*), see
            `movement`. None gives each pixel the number (*everyone*).

    Returns:
        The reward map ``(B,1,H,W)``.

    Raises:
        MapError: a shape or a type differs.

    Example:
        >>> import torch
        >>> spread_scalar(torch.tensor([0.5]), (1, 3), moved=torch.tensor([[[[0.0, 0.1, 0.2]]]]))
        tensor([[[[0.0000, 0.5000, 1.0000]]]])
    """
    check_map("reward", reward, "B")
    return spread_patches(reward[:, None, None, None], size, max(size), moved)


def spread_patches(
    reward: Tensor, size: tuple[int, int], patch: int, moved: Tensor | None = None
) -> Tensor:
    """Spread one number per patch over its pixels, so that the patch's mean is the number.

    Args:
        reward: ``(B,1,h,w)`` float32, with a number for each patch, the smaller last ones included:
            ``h = ceil(H / patch)``, ``w = ceil(W / patch)``.
        size: height H and width W of the image, in pixels.
        patch: side of the square patches, in pixels.
        moved: ``(B,1,H,W)`` float32, not negative: a patch's pixels share in this proportion
            (*movers*), see `movement`. None gives each pixel the number (*everyone*).

    Returns:
        The reward map ``(B,1,H,W)``.

    Raises:
        MapError: a shape or a type differs, or ``patch`` is no positive number.

    Example:
        >>> import torch
        >>> spread_patches(torch.tensor([[[[1.0, 2.0]]]]), (1, 3), 2)
        tensor([[[[1., 1., 2.]]]])
    """
    _check_patch(patch)
    height, width = size
    check_map("reward", reward, "B 1 h w", h=-(-height // patch), w=-(-width // patch))
    number = _enlarged(reward, size, patch)
    if moved is None:
        return number
    check_map("moved", moved, "B 1 H W", B=reward.shape[0], H=height, W=width)
    moved = moved.detach()
    mean = _enlarged(patch_means(moved, patch), size, patch)
    share = (moved / mean).where(mean > STILL, 1.0)
    return number * share


def _enlarged(values: Tensor, size: tuple[int, int], patch: int) -> Tensor:
    """Give each pixel its patch's value, ``(B,1,h,w)`` to ``(B,1,H,W)``."""
    height, width = size
    rows = values.repeat_interleave(patch, 2)[..., :height, :]
    return rows.repeat_interleave(patch, 3)[..., :width]


def _check_patch(patch: int) -> None:
    if patch < 1:
        raise MapError(f"patch: expected a number of pixels from 1 on, got {patch}.")
