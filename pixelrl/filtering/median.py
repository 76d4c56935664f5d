"""The median of a window: on the CPU OpenCV's own, elsewhere by comparisons of whole images.

Both give the same values, for a median is one of them. The comparisons are shared: each row of a
window is sorted once for all windows it is part of, and two windows, one above the other, have all
their rows but one in common. What cannot be the median any more is dropped on the way, so that a
5x5 median takes 59 minima and maxima a pixel.
"""

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx

from pixelrl.filtering.exported import convolve_median
from pixelrl.filtering.raster import Raster, add_border
from pixelrl.filtering.sorting import Run, merge


def median_filter(image: Tensor, size: int) -> Tensor:
    """Replace every pixel by its window's median, per channel; borders repeat the edge pixel.

    The gradient goes to the pixel that is the median; pixels that tie share it equally.

    Args:
        image: ``(B,C,H,W)``.
        size: side of the window, odd, in pixels.

    Returns:
        ``(B,C,H,W)``.

    Raises:
        MapError: the image is not larger than half the window.
    """
    if torch.compiler.is_exporting():
        return convolve_median(image, size)
    padded = add_border(image, size, "replicate")
    if torch.compiler.is_compiling():  # which sees through torch alone
        return median_by_network(padded, size)
    after: Tensor = _Median.apply(padded, size)  # type: ignore[no-untyped-call]
    return after


class _Median(torch.autograd.Function):
    """Find medians by comparisons, but differentiate them without.

    Autograd would keep every minimum and maximum for the way back; this keeps the image alone.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, padded: Tensor, size: int) -> Tensor:
        opencv = padded.is_cpu and padded.dtype == torch.float32 and size <= 5
        after = median_by_opencv(padded, size) if opencv else median_by_network(padded, size)
        ctx.save_for_backward(padded, after)
        return after

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        padded, after = (value.detach() for value in ctx.saved_tensors)  # type: ignore[attr-defined]
        height, width = after.shape[-2:]
        windows = [
            (..., slice(top, top + height), slice(left, left + width))
            for top in range(padded.shape[-2] - height + 1)
            for left in range(padded.shape[-1] - width + 1)
        ]
        ties = torch.zeros_like(after)
        for window in windows:
            ties += _equal(padded[window], after)
        share, found = gradient / ties, torch.zeros_like(padded)
        for window in windows:
            found[window] += share * _equal(padded[window], after)
        return found, None


def _equal(one: Tensor, other: Tensor) -> Tensor:
    """Tell where two maps are equal: 1 or 0 in their own type, a quarter of the time of bool's."""
    return torch.eq(one, other, out=torch.empty_like(other))


def median_by_opencv(padded: Tensor, size: int) -> Tensor:
    """Find the median of every window of 3x3 or 5x5 pixels, float32, on the CPU.

    Args:
        padded: ``(B,C,H+size-1,W+size-1)``.
        size: side of the window, in pixels.

    Returns:
        ``(B,C,H,W)``.
    """
    padded = padded.detach().contiguous()
    after = torch.empty_like(padded)
    planes = zip(padded.flatten(0, 1).numpy(), after.flatten(0, 1).numpy(), strict=True)
    for before, found in planes:
        cv2.medianBlur(before, size, dst=found)
    inside = slice(size // 2, -(size // 2))
    return after[..., inside, inside]


def median_by_network(padded: Tensor, size: int) -> Tensor:
    """Find the median of every window by a network of minima and maxima, on any device.

    Args:
        padded: ``(B,C,H+size-1,W+size-1)``.
        size: side of the window, in pixels.

    Returns:
        ``(B,C,H,W)``.
    """
    height, width = (side - size + 1 for side in padded.shape[-2:])
    half, radius = size * size // 2, size // 2
    # Windows that begin in rows 2i and 2i + 1 share the rows between, which are taken in pairs.
    padded = F.pad(padded, (0, 0, 0, height % 2))
    raster = Raster.of(torch.cat([padded[..., ::2, :], padded[..., 1::2, :]], 1))
    length = raster.values.shape[1] - 2 * radius
    pixels = [Run([raster.values.narrow(1, x, length)], 1) for x in range(size)]
    even, odd = merge(pixels, half).halves()
    row, length = raster.width, length - raster.width
    pair = merge([odd.narrow(0, length), even.narrow(row, length)], half)
    length -= (radius - 1) * row
    shared = merge([pair.narrow(i * row, length) for i in range(radius)], half)
    rest = (even.narrow(0, length), odd.narrow(radius * row, length))
    medians = [merge([shared, run], half).maps[0] for run in rest]
    images = [raster.images(median, (height + 1) // 2, width) for median in medians]
    return torch.stack(images, 3).flatten(2, 3)[..., :height, :]
