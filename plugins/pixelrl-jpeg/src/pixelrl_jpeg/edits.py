"""What blocks need: filters in one direction, which cross an edge and do not blur along it."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from pixelrl.actions import Edit

WINDOW = 7
"""Pixels that the filters average: three on each side of an edge of a block, and one."""
SIGMA = 1.5
"""Standard deviation of their Gaussian, in pixels."""


def smooth_along(direction: Literal["rows", "columns"]) -> Edit:
    """Blur with a Gaussian along one direction alone; borders are reflect-101, as OpenCV's.

    Args:
        direction: ``rows`` averages pixels of one row, which levels the vertical edges of blocks;
            ``columns`` levels the horizontal ones.

    Returns:
        An edit from ``(B,C,H,W)``, wider and higher than three pixels, to ``(B,C,H,W)``.

    Example:
        >>> edge = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]).expand(1, 1, 4, 8)
        >>> bool(smooth_along("rows")(edge)[0, 0, 0].diff().max() < 0.3)
        True
        >>> torch.allclose(smooth_along("columns")(edge), edge)
        True
    """
    half = WINDOW // 2
    padding = (half, half, 0, 0) if direction == "rows" else (0, 0, half, half)
    axis = -1 if direction == "rows" else -2

    def edit(image: Tensor) -> Tensor:
        away = torch.arange(-half, half + 1, device=image.device, dtype=image.dtype)
        weights = (-away.square() / (2 * SIGMA**2)).softmax(0)
        return F.pad(image, padding, mode="reflect").unfold(axis, WINDOW, 1) @ weights

    return edit
