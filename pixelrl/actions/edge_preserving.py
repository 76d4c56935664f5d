"""The bilateral filter as OpenCV computes it, for several tolerances in one pass."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor

from pixelrl.actions.core import FusedEdit
from pixelrl.actions.windows import Raster, add_border, check_sigma, check_window


@dataclass(frozen=True)
class Bilateral(FusedEdit):
    """Average over a disc, less where the color differs; mirrored borders (reflect-101).

    A pixel ``p`` becomes ``p + sum(w * (q - p)) / sum(w)`` over the pixels ``q`` of the disc, with
    ``w = exp(-|q - p|^2 / (2 sigma_color^2)) * exp(-distance^2 / (2 sigma_space^2))``.

    Attributes:
        size: diameter of the disc, odd, in pixels.
        sigma_color: tolerated difference in intensity, summed over channels, in image units.
        sigma_space: reach, in pixels.

    Raises:
        ValueError: ``size`` is even or smaller than three, or a sigma is not above zero.
    """

    size: int
    sigma_color: float
    sigma_space: float

    def __post_init__(self) -> None:
        check_window(self.size)
        check_sigma("sigma_color", self.sigma_color)
        check_sigma("sigma_space", self.sigma_space)

    @property
    def family(self) -> int:
        """The size: filters over one disc share the differences between its pixels."""
        return self.size

    @classmethod
    def together(cls, edits: Sequence[Self], image: Tensor) -> list[Tensor]:
        """Filter an image ``(B,C,H,W)`` over discs of one size."""
        radius = edits[0].size // 2
        raster = Raster.of(add_border(image, edits[0].size, "reflect"))
        values, start = raster.values, radius * (raster.width + 1)
        pairs, middle = values[:, : -radius * raster.width], values[:, start:-start]
        room = _Room.beside(pairs)
        totals = [torch.zeros_like(middle) for _ in edits]
        weights = [torch.ones_like(middle[:1]) for _ in edits]
        for dy, dx in _half_disc(radius):
            # A pair's maps stand at the place of its first pixel; every pixel is once the first
            # and once the second of a pair, and both give each other the same weight.
            step = dy * raster.width + dx
            first, second = (slice(at, at + middle.shape[1]) for at in (start, start - step))
            difference = torch.sub(
                values.narrow(1, step, pairs.shape[1]), pairs, out=room.difference
            )
            distance = difference if len(values) == 1 else difference.abs().sum(0, keepdim=True)
            square = torch.square(distance, out=room.square)
            for edit, total, weight in zip(edits, totals, weights, strict=True):
                near = math.exp(-(dy * dy + dx * dx) / (2 * edit.sigma_space**2))
                similar = torch.mul(square, -0.5 / edit.sigma_color**2, out=room.similar).exp_()
                weight.add_(similar[:, first], alpha=near).add_(similar[:, second], alpha=near)
                pull = torch.mul(similar, difference, out=room.pull)
                total.add_(pull[:, first], alpha=near).sub_(pull[:, second], alpha=near)
        return [
            raster.images(torch.addcdiv(middle, total, weight), *image.shape[-2:])
            for total, weight in zip(totals, weights, strict=True)
        ]


class _Room(NamedTuple):
    """Hold memory for the maps of one pair of pixels, which the next pair's will take.

    Fresh memory would cost as much as what is computed. Autograd keeps all maps, and gets it.
    """

    difference: Tensor | None = None
    square: Tensor | None = None
    similar: Tensor | None = None
    pull: Tensor | None = None

    @classmethod
    def beside(cls, values: Tensor) -> Self:
        """Make room for maps like ``(C,N)``, or none if they carry gradient."""
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
