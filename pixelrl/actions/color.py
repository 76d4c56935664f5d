"""Color moves as edits. None of them clips: an episode may leave [0, 1] and come back."""

from collections.abc import Callable, Sequence

import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor

from pixelrl.actions.core import Edit
from pixelrl.errors import MapError


def shift(*amounts: float) -> Edit:
    """Add to the intensity.

    Args:
        amounts: in image units (1/255 is one gray level): one for all channels, or one each.

    Returns:
        An edit from ``(B,C,H,W)`` to ``(B,C,H,W)``.

    Raises:
        ValueError: no amount is given.

    Example:
        >>> shift(0.1, 0, -0.1)(torch.zeros(1, 3, 1, 1)).flatten()
        tensor([ 0.1000,  0.0000, -0.1000])
    """
    if not amounts:
        raise ValueError("amounts: expected one number, or one for each channel, got none.")

    def edit(image: Tensor) -> Tensor:
        if len(amounts) == 1:
            return image + amounts[0]
        return _each(image, amounts, torch.add)

    return edit


def scale(*factors: float) -> Edit:
    """Multiply the intensity.

    Args:
        factors: one for all channels, or one each.

    Returns:
        An edit from ``(B,C,H,W)`` to ``(B,C,H,W)``.

    Raises:
        ValueError: no factor is given.

    Example:
        >>> scale(0.5, 1, 2)(torch.full((1, 3, 1, 1), 0.4)).flatten()
        tensor([0.2000, 0.4000, 0.8000])
    """
    if not factors:
        raise ValueError("factors: expected one number, or one for each channel, got none.")

    def edit(image: Tensor) -> Tensor:
        if len(factors) == 1:
            return image * factors[0]
        return _each(image, factors, torch.mul)

    return edit


def brightness(amount: float) -> Edit:
    """Add the same to every channel: ``v + amount``, in image units.

    Example:
        >>> brightness(0.2)(torch.tensor([[[[0.1, 0.9]]]]))
        tensor([[[[0.3000, 1.1000]]]])
    """
    return shift(amount)


def contrast(factor: float) -> Edit:
    """Stretch around middle gray: ``0.5 + factor * (v - 0.5)``.

    Example:
        >>> contrast(2)(torch.tensor([[[[0.4, 0.5, 0.8]]]]))
        tensor([[[[0.3000, 0.5000, 1.1000]]]])
    """

    def edit(image: Tensor) -> Tensor:
        return image * factor + 0.5 * (1 - factor)

    return edit


def saturation(factor: float) -> Edit:
    """Move away from (above one) or towards (below one) the pixel's own gray.

    Args:
        factor: 0 is gray, 1 is no change.

    Returns:
        An edit of RGB images, ``(B,3,H,W)`` to ``(B,3,H,W)``.

    Example:
        >>> red = torch.tensor([1.0, 0.0, 0.0])[None, :, None, None]
        >>> saturation(0)(red).flatten(), saturation(0.5)(red).flatten()
        (tensor([0.2990, 0.2990, 0.2990]), tensor([0.6495, 0.1495, 0.1495]))
    """

    def edit(image: Tensor) -> Tensor:
        return torch.lerp(rgb_to_grayscale(image).expand_as(image), image, factor)

    return edit


def _each(
    image: Tensor, numbers: Sequence[float], combine: Callable[[Tensor, float], Tensor]
) -> Tensor:
    """Combine each channel with its own number; a tensor of them would wait for the device."""
    channels = image.unbind(1)
    if len(channels) != len(numbers):
        raise MapError(
            f"image: expected {len(numbers)} channels, one per number, got {len(channels)}."
        )
    return torch.stack([combine(each, n) for each, n in zip(channels, numbers, strict=True)], 1)
