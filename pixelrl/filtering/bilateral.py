"""The bilateral filter as OpenCV computes it, for several tolerances in one pass."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor

from pixelrl.filtering.exported import convolve_bilateral
from pixelrl.filtering.raster import Raster, add_border

STRETCH = 80_000
"""How many pixels a CPU filters at a time: what that takes stays in its cache, where a whole
photograph's would not, and starting an operation is still cheap beside computing it."""


def bilateral_filters(
    image: Tensor, size: int, sigmas: Sequence[tuple[float, float]]
) -> list[Tensor]:
    """Average over a disc, less where the color differs; borders are mirrored (reflect-101).

    A pixel ``p`` becomes ``p + sum(w * (q - p)) / sum(w)`` over the pixels ``q`` of the disc, with
    ``w = exp(-|q - p|^2 / (2 sigma_color^2)) * exp(-distance^2 / (2 sigma_space^2))``.

    Args:
        image: ``(B,C,H,W)``.
        size: diameter of the disc, odd, in pixels.
        sigmas: for each filter the tolerated difference in intensity, summed over channels, in
            image units, and the reach, in pixels.

    Returns:
        ``(B,C,H,W)`` for each filter.

    Raises:
        MapError: the image is not larger than half the disc.
    """
    if torch.compiler.is_exporting():
        return convolve_bilateral(image, size, sigmas)
    raster = Raster.of(add_border(image, size, "reflect"))
    values, margin = raster.values, (size // 2) * (raster.width + 1)
    length = values.shape[1] - 2 * margin
    stretch = STRETCH if values.is_cpu and not values.requires_grad else length
    parts = [
        _average(values[:, at : at + stretch + 2 * margin], size // 2, raster.width, sigmas)
        for at in range(0, length, stretch)
    ]
    return [
        raster.images(torch.cat(found, 1), *image.shape[-2:]) for found in zip(*parts, strict=True)
    ]


def _average(
    values: Tensor, radius: int, width: int, sigmas: Sequence[tuple[float, float]]
) -> list[Tensor]:
    """Filter a stretch of a raster.

    Args:
        values: ``(C,N)``, with a margin of ``radius`` rows and pixels at either end.
        radius: of the disc, in pixels.
        width: of the raster's rows.
        sigmas: for each filter those of color and space.

    Returns:
        For each filter the stretch without its margins.
    """
    start = radius * (width + 1)
    pairs, middle = values[:, : -radius * width], values[:, start:-start]
    buffers = _Buffers.beside(pairs)
    totals = [torch.zeros_like(middle) for _ in sigmas]
    weights = [torch.ones_like(middle[:1]) for _ in sigmas]
    for dy, dx in _half_disc(radius):
        # A pair's maps stand at the place of its first pixel; every pixel is once the first
        # and once the second of a pair, and both give each other the same weight.
        step = dy * width + dx
        first, second = (slice(at, at + middle.shape[1]) for at in (start, start - step))
        other = values.narrow(1, step, pairs.shape[1])
        difference = torch.sub(other, pairs, out=buffers.difference)
        distance = difference if len(values) == 1 else difference.abs().sum(0, keepdim=True)
        square = torch.square(distance, out=buffers.square)
        for (color, space), total, weight in zip(sigmas, totals, weights, strict=True):
            near = math.exp(-(dy * dy + dx * dx) / (2 * space**2))
            similar = torch.mul(square, -0.5 / color**2, out=buffers.similar).exp_()
            weight.add_(similar[:, first], alpha=near).add_(similar[:, second], alpha=near)
            pull = torch.mul(similar, difference, out=buffers.pull)
            total.add_(pull[:, first], alpha=near).sub_(pull[:, second], alpha=near)
    return [
        torch.addcdiv(middle, total, weight) for total, weight in zip(totals, weights, strict=True)
    ]


class _Buffers(NamedTuple):
    """Hold memory for the maps of one offset, which those of the next will take.

    Fresh memory would cost as much as what is computed. Autograd keeps all maps, and gets it.
    """

    difference: Tensor | None = None
    square: Tensor | None = None
    similar: Tensor | None = None
    pull: Tensor | None = None

    @classmethod
    def beside(cls, values: Tensor) -> Self:
        """Make buffers for maps like ``(C,N)``, or none if they carry gradient."""
        if values.requires_grad:
            return cls()
        return cls(*(torch.empty_like(like) for like in (values, values[:1], values[:1], values)))


def _half_disc(radius: int) -> list[tuple[int, int]]:
    """List a disc's offsets ``(dy, dx)`` without the middle, one of each opposite two."""
    reach = range(-radius, radius + 1)
    return [
        (dy, dx)
        for dy in range(radius + 1)
        for dx in reach
        if (dy, dx) > (0, 0) and dy * dy + dx * dx <= radius * radius
    ]
