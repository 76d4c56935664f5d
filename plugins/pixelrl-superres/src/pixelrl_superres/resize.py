"""Resize images as Pillow does, by two matrix products.

Reducing is antialiased: the kernel is widened by the factor, so that it averages what it leaves
out. Written as matrices because they have a gradient that is the same in every run, on accelerators
too, where torch's antialiased resizing adds in any order.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Kernel = Literal["bicubic", "lanczos"]
Floats = NDArray[np.floating[Any]]


def resize(image: Tensor, size: tuple[int, int], kernel: Kernel = "bicubic") -> Tensor:
    """Resize an image; pixels are squares, so that corners stay where they are.

    Args:
        image: ``(...,H,W)``.
        size: new height and width, in pixels.
        kernel: ``bicubic`` is Keys's with a = -1/2 (Pillow, MATLAB; not OpenCV's -3/4), ``lanczos``
            the sinc windowed to three lobes. Both may overshoot beside edges.

    Returns:
        ``(...,h,w)``.
    """
    rows, columns = (
        torch.from_numpy(_weights(old, new, kernel)).to(image)
        for old, new in zip(image.shape[-2:], size, strict=True)
    )
    return rows @ image @ columns.mT


def enlarge(image: Tensor, factor: int, kernel: Kernel = "bicubic") -> Tensor:
    """Enlarge an image, ``(...,h,w)`` to ``(...,h*factor,w*factor)``."""
    height, width = image.shape[-2:]
    return resize(image, (height * factor, width * factor), kernel)


def recovered(image: Tensor, factor: int) -> Tensor:
    """Recover the small image from its bicubic enlargement, in the sense of least squares.

    Exact but for rounding, which it averages out: an enlargement has many pixels for each unknown.
    What is no enlargement gives the small image whose enlargement comes nearest.

    Args:
        image: ``(...,h*factor,w*factor)``.
        factor: how many times it was enlarged.

    Returns:
        ``(...,h,w)``.
    """
    rows, columns = (
        torch.from_numpy(_recovering(side // factor, side)).to(image) for side in image.shape[-2:]
    )
    return rows @ image @ columns.mT


# Arrays and not tensors: one made while editing (inference mode) could not be learned through.
@lru_cache(maxsize=8)
def _weights(old: int, new: int, kernel: Kernel) -> NDArray[np.float32]:
    """Weigh the old pixels of one axis for each new one, ``(new,old)``; every row sums to one."""
    scale = old / new
    centers = (np.arange(new) + 0.5) * scale
    distances = (np.arange(old) + 0.5 - centers[:, None]) / max(scale, 1.0)
    weights = KERNELS[kernel](distances)
    normal: NDArray[np.float32] = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return normal


@lru_cache(maxsize=8)
def _recovering(small: int, large: int) -> NDArray[np.float32]:
    """Invert the enlargement of one axis from the left, ``(small,large)``."""
    enlarging = _weights(small, large, "bicubic").astype(np.float64)
    inverse: NDArray[np.float32] = np.linalg.solve(enlarging.T @ enlarging, enlarging.T).astype(
        np.float32
    )
    return inverse


def _bicubic(distance: Floats) -> Floats:
    x = np.abs(distance)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _lanczos(distance: Floats) -> Floats:
    window = np.where(np.abs(distance) < 3, np.sinc(distance / 3), 0.0)
    return np.sinc(distance) * window


KERNELS: dict[Kernel, Callable[[Floats], Floats]] = {"bicubic": _bicubic, "lanczos": _lanczos}
"""The kernels, functions of the distance in pixels of the coarser grid."""
