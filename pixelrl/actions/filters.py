"""Smoothing filters as edits, each equal to OpenCV's on float images, border included.

Borders are OpenCV's: mirrored without repeating the edge pixel (reflect-101), except for the
median, which repeats it. The reflecting ones need an image larger than half their window.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from kornia.filters import box_blur, gaussian_blur2d, median_blur
from torch import Tensor

from pixelrl.actions.core import Edit
from pixelrl.errors import MapError


def gaussian(size: int, sigma: float) -> Edit:
    """Blur with a Gaussian (``cv2.GaussianBlur``).

    Args:
        size: side of the square window, odd, in pixels.
        sigma: standard deviation, in pixels.

    Returns:
        An edit from ``(B,C,H,W)`` to ``(B,C,H,W)``.

    Raises:
        ValueError: ``size`` is even or smaller than three.

    Example:
        >>> gaussian(5, 0.5)(torch.zeros(1, 1, 8, 8)).shape
        torch.Size([1, 1, 8, 8])
    """
    return _windowed(
        size, lambda image: gaussian_blur2d(image, (size, size), (sigma, sigma), "reflect")
    )


def box(size: int) -> Edit:
    """Replace every pixel by its window's mean (``cv2.boxFilter``).

    Args:
        size: side of the square window, odd, in pixels.

    Returns:
        An edit from ``(B,C,H,W)`` to ``(B,C,H,W)``.

    Raises:
        ValueError: ``size`` is even or smaller than three.

    Example:
        >>> dot = torch.zeros(1, 1, 5, 5)
        >>> dot[..., 2, 2] = 9
        >>> box(3)(dot)[0, 0, 1]
        tensor([0., 1., 1., 1., 0.])
    """
    return _windowed(size, lambda image: box_blur(image, (size, size), "reflect", separable=True))


def median(size: int) -> Edit:
    """Replace every pixel by its window's median, per channel (``cv2.medianBlur``).

    Args:
        size: side of the square window, odd, in pixels.

    Returns:
        An edit from ``(B,C,H,W)`` to ``(B,C,H,W)``.

    Raises:
        ValueError: ``size`` is even or smaller than three.

    Example:
        >>> dot = torch.zeros(1, 1, 5, 5)
        >>> dot[..., 2, 2] = 9
        >>> median(3)(dot).max()
        tensor(0.)
    """
    return _windowed(size, lambda image: median_blur(image, (size, size), "replicate"))


def bilateral(size: int, sigma_color: float, sigma_space: float) -> Edit:
    """Smooth without crossing edges (``cv2.bilateralFilter``).

    The window is the disc of radius ``size // 2``, as in OpenCV, on which the published weights
    were trained; Kornia's is the full square. Difference in color is summed over channels.

    Args:
        size: diameter of the round window, odd, in pixels.
        sigma_color: tolerated difference in intensity, in image units (0.1 is 25.5 gray levels).
        sigma_space: reach, in pixels.

    Returns:
        An edit from ``(B,C,H,W)`` to ``(B,C,H,W)``.

    Raises:
        ValueError: ``size`` is even or smaller than three.

    Example:
        >>> bilateral(5, 0.1, 5.0)(torch.zeros(1, 1, 8, 8)).shape
        torch.Size([1, 1, 8, 8])
    """
    radius = size // 2
    reach = range(-radius, radius + 1)
    taps = [(dy, dx) for dy in reach for dx in reach if dy * dy + dx * dx <= radius * radius]

    def edit(image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        padded = F.pad(image, (radius, radius, radius, radius), mode="reflect")
        total, weights = torch.zeros_like(image), torch.zeros_like(image[:, :1])
        for dy, dx in taps:
            top, left = radius + dy, radius + dx
            neighbor = padded[..., top : top + height, left : left + width]
            distance = (neighbor - image).abs().sum(1, keepdim=True)
            near = -(dy * dy + dx * dx) / (2 * sigma_space**2)
            weight = torch.exp(near - distance.square() / (2 * sigma_color**2))
            total = total + weight * neighbor
            weights = weights + weight
        return total / weights

    return _windowed(size, edit)


def _windowed(size: int, edit: Callable[[Tensor], Tensor]) -> Edit:
    """Guard an edit with a window: a sound size now, an image large enough later."""
    if size < 3 or size % 2 == 0:
        raise ValueError(f"size: expected an odd number of pixels from 3 on, got {size}.")

    def guarded(image: Tensor) -> Tensor:
        if min(image.shape[-2:]) <= size // 2:
            height, width = image.shape[-2:]
            raise MapError(
                f"image: {width}x{height} pixels are too few for a {size}x{size} filter;"
                f" both sides must be at least {size // 2 + 1}."
            )
        return edit(image)

    return guarded
