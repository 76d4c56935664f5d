"""Graph-based visual saliency in closed form: no weights, no iteration, three blurs per feature."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_lab
from kornia.filters import gaussian_blur2d
from torch import Tensor

from pixelrl.saliency import Kind


@dataclass(frozen=True)
class Gbvs:
    """Predict saliency by a random walk over dissimilarities (after Harel et al., NIPS 2006).

    Every place of a small grid is joined to every other with weight ``(v_i - v_j)^2 F_ij``, where
    ``v`` is a feature (L, a, b, four orientations) and ``F`` a Gaussian of distance. A walker on a
    graph with symmetric weights rests where the weights sum highest, so the law that GBVS
    iterates for has a closed form; and with squares in place of Harel's absolute differences the
    sum is ``v^2 (F 1) - 2 v (F v) + F v^2``: three blurs. Its root is taken, which brings
    it back to the scale of differences. A second walk concentrates what was found.

    The graph ends at the image's border, so a flat image is a little more salient in its middle.

    Attributes:
        side: longer side of the image the features are computed from, in pixels.
        grid: longer side of the grid, in places.

    Raises:
        ValueError: the grid is finer than the image, or either is too small.
    """

    name: ClassVar[str] = "gbvs"
    kind: ClassVar[Kind] = "contrast"

    side: int = 128
    grid: int = 32

    def __post_init__(self) -> None:
        if not 8 <= self.grid <= self.side:
            raise ValueError(
                f"expected 8 <= grid <= side, got grid {self.grid} and side {self.side}"
            )

    def __call__(self, image: Tensor) -> Tensor:
        """Compute saliency, ``(B,3,H,W)`` to ``(B,H,W)``."""
        small = F.interpolate(image, fit_size(image, self.side), mode="bilinear", antialias=True)
        lab: Tensor = rgb_to_lab(small.clamp(0, 1)) / 100
        cells = F.interpolate(lab, fit_size(image, self.grid), mode="bilinear", antialias=True)
        features = torch.cat([cells, orientations(cells[:, :1])], 1)
        found = activation(features, 0.15 * self.grid)
        found = concentrate(found, 0.06 * self.grid)
        lightness, color, orientation = found[:, :1], found[:, 1:3], found[:, 3:]
        joined = lightness / 4 + color.mean(1, keepdim=True) / 2
        joined = joined + orientation.mean(1, keepdim=True) / 4
        smooth = blur(joined, 0.8, "reflect")
        whole = F.interpolate(smooth, image.shape[-2:], mode="bilinear").clamp(min=0)
        return whole.squeeze(1)


def fit_size(image: Tensor, side: int) -> tuple[int, int]:
    """Find the size of longer side ``side`` for an image ``(...,H,W)``; no side below 8."""
    height, width = image.shape[-2:]
    scale = side / max(height, width)
    return max(8, round(height * scale)), max(8, round(width * scale))


def activation(features: Tensor, sigma: float) -> Tensor:
    """Find what differs from its surroundings: the root of ``sum_j F_ij (v_i - v_j)^2``.

    Args:
        features: ``(B,K,h,w)``.
        sigma: reach of the Gaussian F, in places.

    Returns:
        ``(B,K,h,w)``, positive, each map of sum one.
    """
    # A shift changes no difference but spares float32 the cancellation of large squares.
    v = features - features.mean((-2, -1), keepdim=True)
    near = blur(torch.ones_like(v[:1, :1]), sigma)
    differing = v.square() * near - 2 * v * blur(v, sigma) + blur(v.square(), sigma)
    return _normalize(differing.clamp(min=1e-5).sqrt())


def concentrate(found: Tensor, sigma: float) -> Tensor:
    """Gather activation where there is more of it: the walk with weights ``a_j F_ij``.

    Args:
        found: ``(B,K,h,w)``.
        sigma: reach of the Gaussian F, in places.

    Returns:
        ``(B,K,h,w)``, each map of sum one: proportional to ``a_i (F a)_i``.
    """
    return _normalize(found * blur(found, sigma))


def orientations(gray: Tensor, size: int = 9, sigma: float = 1.8, wave: float = 4.5) -> Tensor:
    """Filter with four zero-mean Gabor kernels and take absolute values.

    Args:
        gray: ``(B,1,h,w)``.
        size: side of the kernels, odd, in pixels.
        sigma: their reach, in pixels.
        wave: their wavelength, in pixels.

    Returns:
        ``(B,4,h,w)``: orientations of 0, 45, 90 and 135 degrees.
    """
    steps = torch.arange(size, device=gray.device, dtype=gray.dtype) - size // 2
    y, x = steps[:, None], steps[None, :]
    around = torch.exp(-(x.square() + y.square()) / (2 * sigma**2))
    kernels = []
    for quarter in range(4):
        angle = quarter * math.pi / 4
        along = x * math.cos(angle) + y * math.sin(angle)
        kernel = around * torch.cos(2 * math.pi / wave * along)
        kernel = kernel - around * (kernel.sum() / around.sum())
        kernels.append(kernel / kernel.abs().sum())
    padded = F.pad(gray, [size // 2] * 4, mode="replicate")
    return F.conv2d(padded, torch.stack(kernels)[:, None]).abs()


def blur(maps: Tensor, sigma: float, border: str = "constant") -> Tensor:
    """Blur ``(B,K,h,w)`` with a Gaussian that ends at three deviations; zeros beyond the border."""
    size = 2 * math.ceil(3 * sigma) + 1
    blur: Tensor = gaussian_blur2d(maps, (size, size), (sigma, sigma), border)
    return blur


def _normalize(weights: Tensor) -> Tensor:
    return weights / weights.sum((-2, -1), keepdim=True)
