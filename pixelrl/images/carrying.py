"""Edits carried over to a picture's own colors, where these are not what agents see."""

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
"""The weights of Rec. 601, by which color becomes gray everywhere in pixelrl."""


def take_luminance(colors: Tensor) -> Tensor:
    """Take the Y of YCbCr, ``(...,3,H,W)`` to ``(...,1,H,W)``.

    Example:
        >>> take_luminance(torch.tensor([1.0, 0, 0])[:, None, None])
        tensor([[[0.2990]]])
    """
    return torch.einsum("...khw,k->...hw", colors, colors.new_tensor(LUMA)).unsqueeze(-3)


def lay_on_white(picture: Tensor, alpha: Tensor | None) -> Tensor:
    """Lay ``(...,K,H,W)`` with transparency ``(...,1,H,W)`` on white.

    Example:
        >>> lay_on_white(torch.zeros(1, 1, 1), torch.full((1, 1, 1), 0.25))
        tensor([[[0.7500]]])
    """
    return picture if alpha is None else picture * alpha + (1 - alpha)


def carry_change(own: Tensor, alpha: Tensor | None, seen: Tensor, edited: Tensor) -> Tensor:
    """Carry what agents changed over to a picture's own colors; where nothing was, these stay.

    Agents that see gray change its luminance: all channels by the same, so that Cb and Cr of YCbCr
    stay. Of what agents that see color do to a gray picture, the luminance is kept. Under
    transparency, what is seen on white is what agents left: a color counts there as far as it is
    opaque, so that more of it has to change.

    Args:
        own: ``(...,K,H,W)``, K 1 or 3, nominally in [0, 1].
        alpha: ``(...,1,H,W)``, 1 where it is opaque; None if it is everywhere.
        seen: ``(...,C,H,W)``, what agents saw.
        edited: ``(...,C,H,W)``, what they made of it.

    Returns:
        ``(...,K,H,W)`` in the precision of ``own``, not clamped.

    Example:
        >>> color = torch.tensor([0.2, 0.4, 0.6])[:, None, None]
        >>> gray = take_luminance(color)
        >>> carry_change(color, None, gray, gray + 0.1).flatten()
        tensor([0.3000, 0.5000, 0.7000])
    """
    change = edited - seen
    if own.shape[-3] == 1 and change.shape[-3] == 3:
        change = take_luminance(change)
    if alpha is not None:
        change = torch.where(alpha > 0, change / alpha.clamp(min=1e-6), 0)
    return torch.where(change == 0, own, own + change.to(own))
