"""Smoothing filters as edits, each equal to OpenCV's on float images, border included.

Borders are OpenCV's: mirrored without repeating the edge pixel (reflect-101), except for the
median, which repeats it. The reflecting ones need an image larger than half their window.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from pixelrl.actions.core import Edit, FusedEdit
from pixelrl.filtering.bilateral import bilateral_filters
from pixelrl.filtering.exported import Half
from pixelrl.filtering.median import median_filter
from pixelrl.filtering.separable import separable_filters


def gaussian(size: int, sigma: float) -> Edit:
    """Blur with a Gaussian (``cv2.GaussianBlur``).

    Args:
        size: side of the square window, odd, in pixels.
        sigma: standard deviation, in pixels.

    Returns:
        An edit from ``(B,C,H,W)`` to ``(B,C,H,W)``.

    Raises:
        ValueError: ``size`` is even or smaller than three, or ``sigma`` is not above zero.

    Example:
        >>> import torch
        >>> gaussian(5, 0.5)(torch.zeros(1, 1, 8, 8)).shape
        torch.Size([1, 1, 8, 8])
    """
    _check_window(size)
    _check_sigma("sigma", sigma)
    half = [math.exp(-(x * x) / (2 * sigma**2)) for x in range(size // 2 + 1)]
    total = 2 * sum(half) - half[0]
    return _Separable(tuple(weight / total for weight in half))


def box(size: int) -> Edit:
    """Replace every pixel by its window's mean (``cv2.boxFilter``).

    Args:
        size: side of the square window, odd, in pixels.

    Returns:
        An edit from ``(B,C,H,W)`` to ``(B,C,H,W)``.

    Raises:
        ValueError: ``size`` is even or smaller than three.

    Example:
        >>> import torch
        >>> dot = torch.zeros(1, 1, 5, 5)
        >>> dot[..., 2, 2] = 9
        >>> box(3)(dot)[0, 0, 1]
        tensor([0., 1., 1., 1., 0.])
    """
    _check_window(size)
    return _Separable((1 / size,) * (size // 2 + 1))


def median(size: int) -> Edit:
    """Replace every pixel by its window's median, per channel (``cv2.medianBlur``).

    Args:
        size: side of the square window, odd, in pixels.

    Returns:
        An edit from ``(B,C,H,W)`` to ``(B,C,H,W)``.

    Raises:
        ValueError: ``size`` is even or smaller than three.

    Example:
        >>> import torch
        >>> dot = torch.zeros(1, 1, 5, 5)
        >>> dot[..., 2, 2] = 9
        >>> median(3)(dot).max()
        tensor(0.)
    """
    _check_window(size)
    return lambda image: median_filter(image, size)


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
        ValueError: ``size`` is even or smaller than three, or a sigma is not above zero.

    Example:
        >>> import torch
        >>> bilateral(5, 0.1, 5.0)(torch.zeros(1, 1, 8, 8)).shape
        torch.Size([1, 1, 8, 8])
    """
    _check_window(size)
    _check_sigma("sigma_color", sigma_color)
    _check_sigma("sigma_space", sigma_space)
    return _Bilateral(size, sigma_color, sigma_space)


@dataclass(frozen=True)
class _Separable(FusedEdit):
    """Kernels of one length share the sums over rows."""

    kernel: Half

    @property
    def family(self) -> int:
        return len(self.kernel)

    @classmethod
    def together(cls, edits: Sequence[Self], image: Tensor) -> list[Tensor]:
        return separable_filters(image, [edit.kernel for edit in edits])


@dataclass(frozen=True)
class _Bilateral(FusedEdit):
    """Discs of one size share the differences between pixels."""

    size: int
    sigma_color: float
    sigma_space: float

    @property
    def family(self) -> int:
        return self.size

    @classmethod
    def together(cls, edits: Sequence[Self], image: Tensor) -> list[Tensor]:
        sigmas = [(edit.sigma_color, edit.sigma_space) for edit in edits]
        return bilateral_filters(image, edits[0].size, sigmas)


def _check_window(size: int) -> None:
    if size < 3 or size % 2 == 0:
        raise ValueError(f"size: expected an odd number of pixels from 3 on, got {size}.")


def _check_sigma(name: str, sigma: float) -> None:
    if not sigma > 0:
        raise ValueError(f"{name}: expected a number above 0, got {sigma}.")
