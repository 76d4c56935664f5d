"""Looks made by code, in the place of an expert: for photographs that come without a rendition."""

from collections.abc import Callable

import torch
from kornia.filters import gaussian_blur2d
from torch import Generator, Tensor

from pixelrl.actions import contrast, scale
from pixelrl_tasks.masks import draw_mask

EDGE = 0.02
"""How softly a region ends, as a share of the image's shorter side."""


def pop_out(image: Tensor, rng: Generator) -> Tensor:
    """Let a salient object stand out: livelier and lighter than its surroundings, which fade.

    Args:
        image: ``(3,H,W)`` RGB in [0, 1].
        rng: chooses the object.

    Returns:
        ``(3,H,W)`` in [0, 1].
    """
    lively = saturate(contrast(1.2)(image[None]), 1.4) + 0.03
    faded = saturate(contrast(0.9)(image[None]), 0.6) - 0.05
    return _blended(faded, lively, image, rng)


def cross_process(image: Tensor, rng: Generator) -> Tensor:
    """Develop in the wrong chemistry: warm, contrasty lights on an object, blue-green elsewhere.

    Args:
        image: ``(3,H,W)`` RGB in [0, 1].
        rng: chooses the object.

    Returns:
        ``(3,H,W)`` in [0, 1].
    """
    warm = scale(1.15, 1.1, 0.85)(contrast(1.2)(image[None]))
    cold = scale(0.85, 1.05, 1.1)(contrast(1.1)(image[None]))
    return _blended(cold, warm, image, rng)


LOOKS: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "pop_out": pop_out,
    "cross_process": cross_process,
}
"""The looks by name."""


def saturate(image: Tensor, factor: float) -> Tensor:
    """Scale the saturation of HSV, ``(B,3,H,W)``: hue and value stay.

    Chroma is saturation times value, so every channel moves towards or from the brightest one.
    """
    value = image.amax(1, keepdim=True)
    return torch.lerp(value.expand_as(image), image, factor)


def _blended(outside: Tensor, inside: Tensor, image: Tensor, rng: Generator) -> Tensor:
    mask = draw_mask(image, rng, ["object"])[None]
    sigma = max(0.5, EDGE * min(image.shape[-2:]))
    size = 2 * min(int(2 * sigma) + 1, (min(image.shape[-2:]) - 1) // 2) + 1
    soft = gaussian_blur2d(mask, (size, size), (sigma, sigma), "reflect")
    look: Tensor = torch.lerp(outside, inside, soft)[0].clamp(0, 1)
    return look
