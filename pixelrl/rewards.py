"""Reward maps to build tasks from: the reward of a step, per pixel, ``(B,1,H,W)``."""

from torch import Tensor

from pixelrl.color import Space, lab_distance


def squared_error_drop(
    before: Tensor, after: Tensor, target: Tensor, scale: float = 255.0
) -> Tensor:
    """Reward squared error that went away: ``scale * ((x - s_t)^2 - (x - s_{t+1})^2)``.

    The reward of denoising and restoration (AAAI-19, section 4; the factor 255 is the official
    code's). Squares are averaged over channels.

    Args:
        before: ``(B,C,H,W)`` in image units.
        after: ``(B,C,H,W)``.
        target: ``(B,C,H,W)``.
        scale: reward per squared image unit.

    Returns:
        ``(B,1,H,W)``.

    Example:
        >>> import torch
        >>> before, after = torch.tensor([[[[0.2, 0.2]]]]), torch.tensor([[[[0.0, 0.3]]]])
        >>> squared_error_drop(before, after, target=torch.zeros(1, 1, 1, 2))
        tensor([[[[ 10.2000, -12.7500]]]])
    """
    drop = (target - before).square() - (target - after).square()
    return scale * drop.mean(1, keepdim=True)


def absolute_error_drop(
    before: Tensor, after: Tensor, target: Tensor, scale: float = 255.0
) -> Tensor:
    """Reward absolute error that went away: ``scale * (|x - s_t| - |x - s_{t+1}|)``.

    Args:
        before: ``(B,C,H,W)`` in image units.
        after: ``(B,C,H,W)``.
        target: ``(B,C,H,W)``.
        scale: reward per image unit.

    Returns:
        ``(B,1,H,W)``.

    Example:
        >>> import torch
        >>> before, after = torch.tensor([[[[0.2, 0.2]]]]), torch.tensor([[[[0.0, 0.3]]]])
        >>> absolute_error_drop(before, after, target=torch.zeros(1, 1, 1, 2))
        tensor([[[[ 51.0000, -25.5000]]]])
    """
    drop = (target - before).abs() - (target - after).abs()
    return scale * drop.mean(1, keepdim=True)


def lab_distance_drop(
    before: Tensor, after: Tensor, target: Tensor, space: Space = "srgb"
) -> Tensor:
    """Reward CIELab distance that went away (CIE76, in Lab units).

    The reward of local color enhancement (official sample code).

    Args:
        before: ``(B,3,H,W)`` RGB in image units.
        after: ``(B,3,H,W)``.
        target: ``(B,3,H,W)``.
        space: how the numbers of the three are meant.

    Returns:
        ``(B,1,H,W)``.

    Example:
        >>> import torch
        >>> black, white = torch.zeros(1, 3, 1, 2), torch.ones(1, 3, 1, 2)
        >>> lab_distance_drop(black, white, target=white).round()
        tensor([[[[100., 100.]]]])
    """
    return lab_distance(before, target, space) - lab_distance(after, target, space)
