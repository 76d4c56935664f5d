"""Separable symmetric filters: Gaussians and box filters, as sums of shifted images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from pixelrl.actions.core import FusedEdit
from pixelrl.actions.windows import Raster, add_border


@dataclass(frozen=True)
class Separable(FusedEdit):
    """Convolve rows and columns with one symmetric kernel; mirrored borders (reflect-101).

    Attributes:
        weights: half the kernel: the middle's weight, then those 1, 2, … pixels away.
    """

    weights: tuple[float, ...]

    @property
    def family(self) -> int:
        """The number of weights: kernels of one size share the sums over rows."""
        return len(self.weights)

    @classmethod
    def together(cls, edits: Sequence[Self], image: Tensor) -> list[Tensor]:
        """Filter an image ``(B,C,H,W)`` with kernels of one size."""
        radius = edits[0].family - 1
        raster = Raster.of(add_border(image, 2 * radius + 1, "reflect"))
        rows = _fold(raster.values, radius, raster.width)
        columns = (_fold(_weigh(rows, edit.weights), radius, 1) for edit in edits)
        return [
            raster.images(_weigh(sums, edit.weights), *image.shape[-2:])
            for edit, sums in zip(edits, columns, strict=True)
        ]


def _fold(values: Tensor, radius: int, step: int) -> list[Tensor]:
    """Add up the two neighbors at each distance, since they have one weight.

    Args:
        values: a raster's ``(C,N)``.
        radius: half the window, in pixels.
        step: places from a pixel to its neighbor.

    Returns:
        The windows' middles, then the sums of their pixels 1, …, ``radius`` steps away.
    """
    length = values.shape[1] - 2 * radius * step
    pixels = [values[:, i * step : i * step + length] for i in range(2 * radius + 1)]
    pairs = zip(reversed(pixels[:radius]), pixels[radius + 1 :], strict=True)
    return [pixels[radius], *(before + after for before, after in pairs)]


def _weigh(values: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    total = values[0] * weights[0]
    for value, weight in zip(values[1:], weights[1:], strict=True):
        total.add_(value, alpha=weight)
    return total
