"""The model of Itti, Koch and Niebur: center against surround at several scales, peaks promoted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from kornia.filters import gaussian_blur2d
from torch import Tensor

from pixelrl.saliency import Kind
from pixelrl_tasks.saliency_models.gbvs import fit_size, orientations

PAIRS = ((0, 2), (0, 3), (1, 3), (1, 4))
"""Levels of the pyramid that are compared: center and surround."""


@dataclass(frozen=True)
class Itti:
    """Predict saliency by center-surround contrast (Itti, Koch and Niebur, TPAMI 1998).

    Intensity, red against green, blue against yellow and four orientations, each as the differences
    of pyramid levels; every map is scaled to its own peak and weighted by how much that peak stands
    out. It shares neither color space nor mechanism with `Gbvs`, which is why results are checked
    with it.

    Attributes:
        side: longer side of the image it is computed from, in pixels.

    Raises:
        ValueError: the side is below 32 pixels.
    """

    name: ClassVar[str] = "itti"
    kind: ClassVar[Kind] = "contrast"

    side: int = 128

    def __post_init__(self) -> None:
        if self.side < 32:
            raise ValueError(f"side: expected 32 pixels or more, got {self.side}")

    def __call__(self, image: Tensor) -> Tensor:
        """Compute saliency, ``(B,3,H,W)`` to ``(B,H,W)``."""
        small = F.interpolate(image, fit_size(image, self.side), mode="bilinear", antialias=True)
        intensity = small.mean(1, keepdim=True)
        size = (max(4, small.shape[-2] // 4), max(4, small.shape[-1] // 4))
        lightness = _conspicuity(_pyramid(intensity), size)
        color = _conspicuity(_pyramid(_opponents(small, intensity)), size)
        turned = [orientations(level) for level in _pyramid(intensity)]
        orientation = _conspicuity(turned, size)
        parts = [part.mean(1, keepdim=True) for part in (lightness, color, orientation)]
        joined = torch.stack([promote(part, floor=0.1) for part in parts]).sum(0)
        # A trace everywhere, lest an image of one color be judged by its rounding errors.
        whole = F.interpolate(joined + 5e-3, image.shape[-2:], mode="bilinear").clamp(min=0)
        return whole.squeeze(1)


def promote(maps: Tensor, floor: float = 4e-3) -> Tensor:
    """Scale maps to their peak and weight them by ``(1 - mean of the other peaks)^2``.

    A map with one peak keeps it; one with many like peaks nearly vanishes.

    Args:
        maps: ``(B,K,h,w)``, 0 or more.
        floor: lower peaks, by default those no 8-bit file could show, are not scaled up.

    Returns:
        ``(B,K,h,w)`` in [0, 1].
    """
    scaled = maps / maps.amax((-2, -1), keepdim=True).clamp(min=floor)
    peaks = (scaled == F.max_pool2d(scaled, 5, 1, 2)) & (scaled > 0.05) & (scaled < 1)
    others = (scaled * peaks).sum((-2, -1)) / peaks.sum((-2, -1)).clamp(min=1)
    return scaled * (1 - others).square()[..., None, None]


def _opponents(image: Tensor, intensity: Tensor) -> Tensor:
    """Compute red - green and blue - yellow, relative to intensity, ``(B,2,h,w)``."""
    red, green, blue = image[:, :1], image[:, 1:2], image[:, 2:]
    dark = intensity.clamp(min=0.1)
    return torch.cat([red - green, blue - torch.minimum(red, green)], 1) / dark


def _pyramid(maps: Tensor) -> list[Tensor]:
    """Halve again and again, smoothing before; no side becomes less than two."""
    levels = [maps]
    for _ in range(max(max(pair) for pair in PAIRS)):
        smooth = gaussian_blur2d(levels[-1], (5, 5), (1.0, 1.0), "replicate")
        height, width = ((side + 1) // 2 for side in smooth.shape[-2:])
        levels.append(smooth[..., ::2, ::2] if min(height, width) >= 2 else smooth)
    return levels


def _conspicuity(levels: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Sum the promoted differences of center and surround, ``(B,K,*size)``."""
    maps = []
    for center, surround in PAIRS:
        fine = levels[center]
        around = F.interpolate(levels[surround], fine.shape[-2:], mode="bilinear")
        contrast = (fine - around).abs()
        maps.append(promote(F.interpolate(contrast, size, mode="bilinear", antialias=True)))
    return torch.stack(maps).sum(0)
