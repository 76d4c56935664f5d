"""Save pictures as JPEGs and read them again: agents learn from files as people have them."""

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor
from torch.nn import functional as F

BLOCK = 8
"""Side of JPEG's blocks, in pixels."""


def compress(image: Tensor, quality: int, offset: tuple[int, int] = (0, 0)) -> Tensor:
    """Compress as JPEG (Pillow's libjpeg, its default subsampling of color) and decompress.

    Args:
        image: ``(C,H,W)`` in [0, 1], C 1 or 3, on the CPU; rounded to 8 bits.
        quality: from 1 to 100, on the scale of the Independent JPEG Group.
        offset: how many pixels, from 0 to 7, the first block begins above and left of the image,
            as in a picture that was cropped later.

    Returns:
        ``(C,H,W)`` in [0, 1].

    Example:
        >>> image = torch.rand(1, 16, 16, generator=Generator().manual_seed(0))
        >>> off = [float((compress(image, q) - image).square().mean()) for q in (10, 95)]
        >>> off[0] > 10 * off[1] > 0
        True
    """
    above, left = offset
    padded = F.pad(image[None], (left, 0, above, 0), mode="replicate")[0]
    levels = (255 * padded).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(levels.squeeze(-1) if len(image) == 1 else levels).save(
        file, "JPEG", quality=quality
    )
    with Image.open(file) as opened:
        read = np.array(opened, np.float32) / 255
    found = torch.from_numpy(read).reshape(levels.shape).permute(2, 0, 1)
    return found[:, above:, left:].contiguous().to(image.dtype)


def compress_between(
    image: Tensor, qualities: tuple[int, int], share: float, corner: Sequence[float] = (0, 0)
) -> Tensor:
    """Compress with what was drawn, as numbers from 0 to below 1.

    Args:
        image: ``(C,H,W)`` in [0, 1].
        qualities: the lowest and the highest quality.
        share: how far the quality lies from the lowest to the highest.
        corner: how far the first block begins above and left of the image, in blocks.

    Returns:
        ``(C,H,W)``.
    """
    lowest, highest = qualities
    above, left = (int(BLOCK * part) for part in corner)
    return compress(image, lowest + int(share * (highest - lowest + 1)), (above, left))


def compress_some(image: Tensor, qualities: tuple[int, int], rng: Generator) -> Tensor:
    """Compress two thirds of all images, half of these as if cropped from a larger picture.

    Args:
        image: ``(C,H,W)`` in [0, 1].
        qualities: the lowest and the highest quality, drawn uniformly.
        rng: the only source of randomness.

    Returns:
        ``(C,H,W)``: the image itself, or what JPEG leaves of it.
    """
    compressed, cropped, between, *offset = torch.rand(5, generator=rng).tolist()
    if compressed > 2 / 3:
        return image
    return compress_between(image, qualities, between, offset if cropped < 0.5 else (0, 0))
