"""Return maps, and the convolution that lets a pixel care for its neighbors' future."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Spread = Callable[[Tensor], Tensor]
"""A linear map from return map to return map, ``(B,1,H,W)`` to ``(B,1,H,W)``."""


class RewardMapConv(nn.Conv2d):
    """Spread returns over the neighborhood with one learned kernel (AAAI-19, equation 12).

    The kernel starts as the identity. It is cross-correlated with zeros beyond the border, as
    ``conv_R`` of the official code is.

    Args:
        size: side of the square kernel, odd, in pixels.

    Raises:
        ValueError: ``size`` is even or not positive.

    Example:
        >>> returns = torch.rand(2, 1, 40, 40)
        >>> torch.allclose(RewardMapConv(33)(returns), returns, atol=1e-6)
        True
    """

    def __init__(self, size: int = 33) -> None:
        if size < 1 or size % 2 == 0:
            raise ValueError(f"spread: expected an odd number of pixels, got {size}.")
        super().__init__(1, 1, size, padding=size // 2, bias=False)
        with torch.no_grad():
            self.weight.zero_()
            self.weight[0, 0, size // 2, size // 2] = 1

    def forward(self, returns: Tensor) -> Tensor:
        """Spread a return map, ``(B,1,H,W)`` to ``(B,1,H,W)``.

        A large kernel on a CPU goes through the Fourier transform, which computes the same many
        times faster (docs/adr/0012-reward-map-convolution-by-fft.md).

        Example:
            >>> conv = RewardMapConv(3)
            >>> with torch.no_grad():
            ...     _ = conv.weight.fill_(1.0)
            ...     conv(torch.ones(1, 1, 3, 3))[0, 0]  # how many neighbors lie within the image
            tensor([[4., 6., 4.],
                    [6., 9., 6.],
                    [4., 6., 4.]])
        """
        if returns.device.type == "cpu" and self.kernel_size[0] >= 9:
            return correlate_by_fft(returns, self.weight)
        return super().forward(returns)


def correlate_by_fft(maps: Tensor, kernel: Tensor) -> Tensor:
    """Compute ``conv2d(maps, kernel, padding="same")`` through the Fourier transform.

    Args:
        maps: ``(B,1,H,W)``.
        kernel: ``(1,1,S,S)``, S odd.

    Returns:
        ``(B,1,H,W)``, differentiable with respect to both.

    Example:
        >>> maps, kernel = torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3)
        >>> correlate_by_fft(maps, kernel).shape, correlate_by_fft(maps, kernel)[0, 0, 0].round()
        (torch.Size([1, 1, 3, 3]), tensor([4., 6., 4.]))
    """
    side = kernel.shape[-1]
    height, width = maps.shape[-2:]
    # Padding to lengths with small factors keeps the transform fast for every image size.
    full = (_smooth(height + side - 1), _smooth(width + side - 1))
    padded = F.pad(maps, (side // 2, 0, side // 2, 0))
    spectrum = torch.fft.rfft2(padded, s=full) * torch.fft.rfft2(kernel, s=full).conj()
    spread: Tensor = torch.fft.irfft2(spectrum, s=full)
    return spread[..., :height, :width]


def return_maps(
    rewards: Tensor,
    gamma: float,
    reward_map_conv: Spread | None = None,
    bootstrap: Tensor | None = None,
) -> Tensor:
    """Sum discounted, convolved rewards backwards: ``R_t = r_t + gamma * w * R_{t+1}``.

    TMM-20, the matrix form of the n-step return with reward-map convolution; the last reward of an
    episode is not convolved, as in the official ``pixelwise_a3c.py``.

    Args:
        rewards: ``(T,B,1,H,W)``.
        gamma: discount per step.
        reward_map_conv: the reward-map convolution ``w``; None for the identity.
        bootstrap: ``(B,1,H,W)``, the value after the last reward (n-step return); None at the
            episode's end.

    Returns:
        ``(T,B,1,H,W)``; gradient flows to ``reward_map_conv``.

    Example:
        >>> return_maps(torch.ones(3, 1, 1, 1, 1), gamma=0.5).flatten()
        tensor([1.7500, 1.5000, 1.0000])
    """
    future = bootstrap
    returns = []
    for reward in reversed(rewards.unbind()):
        if future is None:
            future = reward
        else:
            near = future if reward_map_conv is None else reward_map_conv(future)
            future = reward + gamma * near
        returns.append(future)
    return torch.stack(returns[::-1])


def _smooth(length: int) -> int:
    """Find the next length whose only prime factors are 2, 3 and 5."""
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1
