"""Masks for photographs that come without: discs, groups of superpixels, salient objects."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from skimage.segmentation import slic
from torch import Generator, Tensor

from pixelrl.saliency import Saliency
from pixelrl_tasks.saliency_models.gbvs import Gbvs, fit_size

SMALLEST, LARGEST = 0.01, 0.4
"""Least and greatest share of the image that a mask covers."""

SIDE = 96
"""Longer side of the reduced image that superpixels and objects are found in, in pixels."""


def draw_mask(image: Tensor, rng: Generator, kinds: Sequence[str]) -> Tensor:
    """Draw a region of an image to be edited.

    Args:
        image: ``(C,H,W)`` in [0, 1].
        rng: the only source of randomness.
        kinds: which kinds to draw from, with equal chance, of `KINDS`.

    Returns:
        ``(1,H,W)`` of 0 and 1, covering 1 % to 40 %.
    """
    kind = kinds[int(torch.randint(len(kinds), (1,), generator=rng))]
    mask = KINDS[kind](image, rng)
    if not SMALLEST <= float(mask.mean()) <= LARGEST:  # such as where nothing stands out
        mask = disc(image, rng)
    return mask


def disc(image: Tensor, rng: Generator) -> Tensor:
    """Draw an upright ellipse within the image, ``(1,H,W)``, that covers 3 % to 20 % of it."""
    height, width = image.shape[-2:]
    area, shape, across, down = torch.rand(4, generator=rng).tolist()
    # In units of the image's sides an ellipse covers pi * a * b.
    product = (0.03 + 0.17 * area) / torch.pi
    ratio = 0.7 + 0.7 * shape
    a, b = (product * ratio) ** 0.5, (product / ratio) ** 0.5
    middle_x, middle_y = a + (1 - 2 * a) * across, b + (1 - 2 * b) * down
    x = (torch.arange(width) + 0.5) / width
    y = (torch.arange(height) + 0.5) / height
    from_middle = ((x[None] - middle_x) / a).square() + ((y[:, None] - middle_y) / b).square()
    inside: Tensor = from_middle <= 1
    return inside.to(image.dtype).unsqueeze(0)


def superpixels(image: Tensor, rng: Generator) -> Tensor:
    """Join neighboring superpixels (SLIC) around a random one to 3 % to 20 %, ``(1,H,W)``."""
    small = _reduced(image)
    segments = slic(
        small.permute(1, 2, 0).numpy(), n_segments=60, channel_axis=-1, start_label=0
    ).astype(np.int64)
    wanted = 0.03 + 0.17 * float(torch.rand((), generator=rng))
    first = int(torch.randint(int(segments.max()) + 1, (1,), generator=rng))
    middles = np.array(
        [np.argwhere(segments == each).mean(0) for each in range(segments.max() + 1)]
    )
    nearness = np.argsort(np.linalg.norm(middles - middles[first], axis=1), kind="stable")
    chosen = np.zeros(segments.shape, dtype=bool)
    for each in nearness:
        chosen |= segments == each
        if chosen.mean() >= wanted:
            break
    return _enlarged(torch.from_numpy(chosen), image)


def salient_object(image: Tensor, rng: Generator) -> Tensor:
    """Take one of the connected regions, ``(1,H,W)``, where saliency exceeds twice its mean."""
    small = _reduced(image)
    saliency = Saliency(Gbvs())(small[None])[0, 0]
    salient = (saliency > 2 * saliency.mean()).numpy().astype(np.uint8)
    count, regions = cv2.connectedComponents(salient)
    fit = [each for each in range(1, count) if (regions == each).mean() >= SMALLEST]
    if not fit:
        return torch.zeros(1, *image.shape[-2:])
    each = fit[int(torch.randint(len(fit), (1,), generator=rng))]
    return _enlarged(torch.from_numpy(regions == each), image)


KINDS: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "disc": disc,
    "superpixels": superpixels,
    "object": salient_object,
}
"""What a mask may be drawn as, by name."""


def _reduced(image: Tensor) -> Tensor:
    rgb = image.expand(3, -1, -1)[None]
    small = F.interpolate(rgb, fit_size(rgb, SIDE), mode="bilinear", antialias=True)
    return small[0].clamp(0, 1)


def _enlarged(mask: Tensor, image: Tensor) -> Tensor:
    return F.interpolate(mask.float()[None, None], image.shape[-2:], mode="nearest")[0]
