"""CIELab of RGB images: where color differences are measured."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Literal

import kornia.color
import torch
from torch import Tensor

Space = Literal["srgb", "prophoto"]
"""How the numbers of an RGB image are meant: sRGB, or ProPhoto RGB (ROMM, ISO 22028-2)."""

_TO_XYZ = (
    (0.7976749, 0.1351917, 0.0313534),
    (0.2880402, 0.7118741, 0.0000857),
    (0.0, 0.0, 0.8252100),
)
_WHITE = (0.9642, 1.0, 0.82521)

_ONCE: ContextVar[dict[int, dict[Space, Tensor]] | None] = ContextVar("once", default=None)
"""By identity the images that are to be turned into Lab once, and what they became."""


def convert_once(*images: Tensor) -> AbstractContextManager[None]:
    """Turn these images into Lab once, however often that is asked for within.

    A reward that compares in Lab is asked for every edit, with the same image and target each time.

    Args:
        images: of any shape; the very tensors, not equal ones.

    Example:
        >>> image = torch.rand(1, 3, 2, 2)
        >>> with convert_once(image):
        ...     rgb_to_lab(image) is rgb_to_lab(image), rgb_to_lab(image.clone()) is None
        (True, False)
        >>> rgb_to_lab(image) is rgb_to_lab(image)
        False
    """
    # A compiler finds out by itself what is computed twice.
    return nullcontext() if torch.compiler.is_dynamo_compiling() else _converting(images)


@contextmanager
def _converting(images: tuple[Tensor, ...]) -> Iterator[None]:
    token = _ONCE.set({id(image): {} for image in images})
    try:
        yield
    finally:
        _ONCE.reset(token)


def rgb_to_lab(image: Tensor, space: Space = "srgb") -> Tensor:
    """Turn an image into CIELab.

    Args:
        image: ``(B,3,H,W)`` RGB, nominally [0, 1]; what leaves that range is continued.
        space: how its numbers are meant. sRGB is seen under D65, ProPhoto under D50.

    Returns:
        ``(B,3,H,W)``: L in [0, 100], a and b around 0.

    Example:
        >>> red = torch.tensor([1.0, 0.0, 0.0])[None, :, None, None]
        >>> rgb_to_lab(red).flatten().round(), rgb_to_lab(red, "prophoto").flatten().round()
        (tensor([53., 80., 67.]), tensor([ 61., 139., 104.]))
    """
    once = None if torch.compiler.is_dynamo_compiling() else _ONCE.get()
    kept = None if once is None else once.get(id(image))
    if kept is None:
        return _convert(image, space)
    if space not in kept:
        kept[space] = _convert(image, space)
    return kept[space]


def _convert(image: Tensor, space: Space) -> Tensor:
    if space == "srgb":
        found: Tensor = kornia.color.rgb_to_lab(image)
        return found
    # The part near zero is straight, so that negative numbers have a value too.
    linear = torch.where(image < 1 / 32, image / 16, image.clamp(min=1 / 32) ** 1.8)
    channels = linear.unbind(1)
    x, y, z = (
        sum(weight * channel for weight, channel in zip(row, channels, strict=True)) / white
        for row, white in zip(_TO_XYZ, _WHITE, strict=True)
    )
    fx, fy, fz = (_root(torch.as_tensor(each)) for each in (x, y, z))
    return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], 1)


def lab_distance(image: Tensor, other: Tensor, space: Space = "srgb") -> Tensor:
    """Measure the distance of two images in CIELab (CIE76, in Lab units), ``(B,1,H,W)``.

    Example:
        >>> black, white = torch.zeros(1, 3, 1, 2), torch.ones(1, 3, 1, 2)
        >>> lab_distance(black, white).round()
        tensor([[[[100., 100.]]]])
    """
    difference = rgb_to_lab(image, space) - rgb_to_lab(other, space)
    squared = difference.square().sum(1, keepdim=True)
    # Where both are equal, the root has a gradient, zero. (So has `vector_norm`, which takes many
    # times as long over channels.)
    apart = squared > 0
    return torch.where(apart, torch.where(apart, squared, 1).sqrt(), 0)


def _root(value: Tensor) -> Tensor:
    """Take CIE's cube root, straight below (6/29)^3."""
    bend = (6 / 29) ** 3
    return torch.where(
        value > bend, value.clamp(min=bend) ** (1 / 3), value / (3 * (6 / 29) ** 2) + 4 / 29
    )
