"""Take a photograph again with too little light: exposure, photons, the camera's own noise."""

import torch
from torch import Generator, Tensor

from pixelrl.scores import as_written

GAMMA = 2.2
"""Exponent from a file's numbers to light, near that of sRGB."""


def darken(image: Tensor, stops: float, photons: float, read: float, rng: Generator) -> Tensor:
    """Take a photograph again with less light.

    The numbers become light, of which ``2 ** -stops`` is left; photons are counted, the camera
    adds noise, and the rest is written as a file of 8 bits.

    Args:
        image: ``(C,H,W)`` in [0, 1].
        stops: by how many powers of two there is less light.
        photons: counted in white at the full exposure; fewer are noisier.
        read: standard deviation of the camera's own noise, in photons.
        rng: the only source of randomness.

    Returns:
        ``(C,H,W)`` in [0, 1], multiples of 1/255.

    Example:
        >>> white = torch.ones(3, 32, 32)
        >>> dark = darken(white, 2.2, 10_000, 0, Generator().manual_seed(0))
        >>> round(float(dark.mean()), 2)  # half as bright in the file's numbers
        0.5
    """
    counted = torch.poisson(image.clamp(0, 1) ** GAMMA * (photons * 2**-stops), generator=rng)
    counted = counted + read * torch.randn(image.shape, generator=rng)
    return as_written((counted / photons).clamp(0, 1) ** (1 / GAMMA))
