"""The border around an image, and the way from its pixels to their neighbors."""

from dataclasses import dataclass
from typing import Literal, Self

import torch.nn.functional as F
from torch import Tensor

from pixelrl.errors import MapError

Border = Literal["reflect", "replicate"]
"""OpenCV's borders: reflect-101, which does not repeat the edge pixel, and replicate."""


def add_border(image: Tensor, size: int, border: Border) -> Tensor:
    """Pad an image so that every pixel has a whole window.

    Args:
        image: ``(B,C,H,W)``.
        size: side of the window, odd, in pixels.
        border: what stands outside the image.

    Returns:
        ``(B,C,H+size-1,W+size-1)``.

    Raises:
        MapError: the image is not larger than half the window.

    Example:
        >>> add_border(Tensor([[[[1, 2], [3, 4]]]]), 3, "reflect")[0, 0]
        tensor([[4., 3., 4., 3.],
                [2., 1., 2., 1.],
                [4., 3., 4., 3.],
                [2., 1., 2., 1.]])
    """
    radius = size // 2
    height, width = image.shape[-2:]
    if min(height, width) <= radius:
        raise MapError(
            f"image: {width}x{height} pixels are too few for a {size}x{size} filter;"
            f" both sides must be at least {radius + 1}."
        )
    return F.pad(image, (radius, radius, radius, radius), mode=border)


@dataclass(frozen=True)
class Raster:
    """Hold the rows of padded images one behind the other, so that neighbors are a slice away.

    What a pixel's neighbor ``dy`` rows below and ``dx`` columns to the right holds stands
    ``dy * width + dx`` places further on, at every pixel: whole images are shifted without a copy,
    and computed in one stretch of memory. What wraps around a row's end is border and is left out.

    Attributes:
        values: ``(C,B*H*W)``.
        height: H, with the border.
        width: W, with the border.

    Example:
        >>> raster = Raster.of(Tensor(range(12)).reshape(1, 1, 3, 4))
        >>> sums = raster.values[:, :-5] + raster.values[:, 5:]  # with one row and column further
        >>> raster.images(sums, 2, 3)[0, 0]
        tensor([[ 5.,  7.,  9.],
                [13., 15., 17.]])
    """

    values: Tensor
    height: int
    width: int

    @classmethod
    def of(cls, padded: Tensor) -> Self:
        """Lay out images ``(B,C,H,W)``."""
        return cls(padded.transpose(0, 1).flatten(1).contiguous(), *padded.shape[-2:])

    def images(self, values: Tensor, height: int, width: int) -> Tensor:
        """View what was computed for windows, at the places of their first pixels, as images.

        Args:
            values: ``(C,N)``, for at least as many places as there are windows.
            height: of the images without border.
            width: of the images without border.

        Returns:
            ``(B,C,height,width)``.
        """
        area = self.height * self.width
        size = (self.values.shape[1] // area, len(values), height, width)
        return values.as_strided(size, (area, values.stride(0), self.width, 1))
