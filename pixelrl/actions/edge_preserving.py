"""The bilateral filter as OpenCV computes it, for several tolerances in one pass."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from pixelrl.actions.core import FusedEdit
from pixelrl.actions.windows import Raster, add_border, check_window


@dataclass(frozen=True)
class Bilateral(FusedEdit):
    """Average over a disc, less where the color differs; mirrored borders (reflect-101).

    A pixel ``p`` becomes ``p + sum(w * (q - p)) / sum(w)`` over its neighbors ``q``, with
    ``w = exp(-|p - q|^2 / (2 sigma_color^2)) * exp(-distance^2 / (2 sigma_space^2))``.

    Attributes:
        size: diameter of the disc, odd, in pixels.
        sigma_color: tolerated difference in intensity, summed over channels, in image units.
        sigma_space: reach, in pixels.

    Raises:
        ValueError: ``size`` is even or smaller than three.
    """

    size: int
    sigma_color: float
    sigma_space: float

    def __post_init__(self) -> None:
        check_window(self.size)

    @property
    def family(self) -> int:
        """The size: filters over one disc share the differences between neighbors."""
        return self.size

    @classmethod
    def together(cls, edits: Sequence[Self], image: Tensor) -> list[Tensor]:
        """Filter an image ``(B,C,H,W)`` with discs of one size."""
        radius = edits[0].family // 2
        raster = Raster.of(add_border(image, edits[0].size, "reflect"))
        values, start = raster.values, radius * (raster.width + 1)
        end = values.shape[1] - start
        middle = values[:, start:end]
        totals = [torch.zeros_like(middle) for _ in edits]
        weights = [torch.ones_like(middle[:1]) for _ in edits]
        for dy, dx in _half_disc(radius):
            # Both pixels of a pair give each other the same weight, so it is computed once.
            step = dy * raster.width + dx
            difference = values[:, start : end + step] - values[:, start - step : end]
            distance = difference if len(values) == 1 else difference.abs().sum(0, keepdim=True)
            square = distance.square()
            for edit, total, weight in zip(edits, totals, weights, strict=True):
                similar = (square * (-0.5 / edit.sigma_color**2)).exp_()
                near = math.exp(-(dy * dy + dx * dx) / (2 * edit.sigma_space**2))
                pull = similar * difference
                total.add_(pull[:, step:], alpha=near).sub_(pull[:, :-step], alpha=near)
                weight.add_(similar[:, step:], alpha=near).add_(similar[:, :-step], alpha=near)
        return [
            raster.images(middle + total / weight, *image.shape[-2:])
            for total, weight in zip(totals, weights, strict=True)
        ]


def _half_disc(radius: int) -> list[tuple[int, int]]:
    """List a disc's offsets ``(dy, dx)`` without the middle, one of each opposite two."""
    reach = range(-radius, radius + 1)
    return [
        (dy, dx)
        for dy in range(radius + 1)
        for dx in reach
        if (dy, dx) > (0, 0) and dy * dy + dx * dx <= radius * radius
    ]
