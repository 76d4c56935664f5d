"""How far an edit strays from the original, per pixel ``(B,1,H,W)`` and by region ``(B,)``.

Three ways to stray: color moves away, detail is clipped away, structure changes. Together they tell
a grade from a cheat; no single one does.
"""

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from pixelrl.color import lab_distance, rgb_to_lab

WINDOW, SIGMA = 11, 1.5
"""The window of structural similarity (Wang et al., TIP 2004)."""


def color_distance(image: Tensor, original: Tensor) -> Tensor:
    """Measure CIELab distance (CIE76, in Lab units); about 2 is just visible.

    Args:
        image: ``(B,3,H,W)`` RGB.
        original: ``(B,3,H,W)`` RGB.

    Returns:
        ``(B,1,H,W)``.
    """
    return lab_distance(image.clamp(0, 1), original.clamp(0, 1))


def newly_clipped(image: Tensor, original: Tensor) -> Tensor:
    """Find the pixels with a channel at either end of its range that had none there before.

    Args:
        image: ``(B,C,H,W)``.
        original: ``(B,C,H,W)``.

    Returns:
        ``(B,1,H,W)``, 0 or 1.
    """
    now, then = (
        ((each <= 1 / 255) | (each >= 254 / 255)).any(1, keepdim=True) for each in (image, original)
    )
    return (now & ~then).to(image.dtype)


def nearly_clipped(image: Tensor, original: Tensor) -> Tensor:
    """Measure how far pixels were pushed into the last 3 % of their range.

    Unlike `newly_clipped` it warns before it is too late, and has a gradient.

    Args:
        image: ``(B,C,H,W)``.
        original: ``(B,C,H,W)``.

    Returns:
        ``(B,1,H,W)`` in [0, 1]: the furthest channel's; 0 where the original was as far.
    """
    now, then = (
        (((each - 0.5).abs() - 0.47) / 0.03).clamp(0, 1).amax(1, keepdim=True)
        for each in (image, original)
    )
    return (now - then).clamp(min=0)


def structure(image: Tensor, original: Tensor) -> Tensor:
    """Correlate lightness in small windows: the structure term of SSIM, ``(s_xy+c)/(s_x s_y+c)``.

    Grading keeps it near one; blur, noise and fills do not. Computed on L of CIELab in [0, 100],
    with ``c = 4``. Neither deviation counts as less than a quarter of the other: else a flat fill,
    which has none, would have perfect structure, and noise on a flat sky too.

    Args:
        image: ``(B,3,H,W)`` RGB, both sides at least 6 pixels.
        original: ``(B,3,H,W)`` RGB.

    Returns:
        ``(B,1,H,W)``, at most 1.
    """
    x, y = (rgb_to_lab(each.clamp(0, 1))[:, :1] for each in (image, original))
    x, y = (each - each.mean((-2, -1), keepdim=True) for each in (x, y))  # spares float32's digits
    mean_x, mean_y, xx, yy, xy = _local_means(torch.cat([x, y, x * x, y * y, x * y], 1)).unbind(1)
    # A root has no gradient at zero; a thousandth of a unit of L is nothing.
    spread_x = (xx - mean_x.square()).clamp(min=1e-6).sqrt()
    spread_y = (yy - mean_y.square()).clamp(min=1e-6).sqrt()
    floor_x, floor_y = torch.maximum(spread_x, spread_y / 4), torch.maximum(spread_y, spread_x / 4)
    kept = (xy - mean_x * mean_y + 4) / (floor_x * floor_y + 4)
    return kept.unsqueeze(1)


def mean_in(value: Tensor, region: Tensor) -> Tensor:
    """Average a map over a region.

    Args:
        value: ``(B,1,H,W)``.
        region: ``(B,1,H,W)``, weights from 0 on.

    Returns:
        ``(B,)``; 0 where the region is empty.
    """
    total: Tensor = (value * region).sum((1, 2, 3))
    return total / region.sum((1, 2, 3)).clamp(min=1e-6)


def _local_means(maps: Tensor) -> Tensor:
    blurred: Tensor = gaussian_blur2d(maps, (WINDOW, WINDOW), (SIGMA, SIGMA), "reflect")
    return blurred
