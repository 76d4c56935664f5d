"""Filters with separable symmetric kernels, as sums of shifted images."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pixelrl.filtering.exported import Half, convolve_separable
from pixelrl.filtering.raster import Raster, add_border


def separable_filters(image: Tensor, kernels: Sequence[Half]) -> list[Tensor]:
    """Convolve rows and columns with a kernel; borders are mirrored (reflect-101).

    Args:
        image: ``(B,C,H,W)``.
        kernels: kernels of one length, which share the sums over rows.

    Returns:
        ``(B,C,H,W)`` for each kernel.

    Raises:
        MapError: the image is not larger than half the kernel.

    Example:
        >>> image = Tensor(5 * [[0, 0, 16, 0, 0]])[None, None]
        >>> separable_filters(image, [(0.5, 0.25)])[0][0, 0, 1]
        tensor([0., 4., 8., 4., 0.])
    """
    if torch.compiler.is_exporting():
        return convolve_separable(image, kernels)
    radius = len(kernels[0]) - 1
    raster = Raster.of(add_border(image, 2 * radius + 1, "reflect"))
    rows = _fold(raster.values, radius, raster.width)
    columns = (_fold(_weigh(rows, kernel), radius, 1) for kernel in kernels)
    return [
        raster.images(_weigh(sums, kernel), *image.shape[-2:])
        for sums, kernel in zip(columns, kernels, strict=True)
    ]


def _fold(values: Tensor, radius: int, step: int) -> list[Tensor]:
    """Add up the two neighbors at each distance, since they have one weight.

    Args:
        values: a raster's, ``(C,N)``.
        radius: half the window, in pixels.
        step: places from a pixel to its neighbor.

    Returns:
        The windows' middles, then the sums of their pixels 1, …, ``radius`` steps away.
    """
    length = values.shape[1] - 2 * radius * step
    pixels = [values.narrow(1, i * step, length) for i in range(2 * radius + 1)]
    pairs = zip(reversed(pixels[:radius]), pixels[radius + 1 :], strict=True)
    return [pixels[radius], *(before + after for before, after in pairs)]


def _weigh(values: Sequence[Tensor], weights: Half) -> Tensor:
    total = values[0] * weights[0]
    for value, weight in zip(values[1:], weights[1:], strict=True):
        total.add_(value, alpha=weight)
    return total
