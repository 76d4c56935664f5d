"""What is reported about a finished image: one number per image, ``(B,)``.

Images are clamped and rounded to 8 bits first, because that is what gets written and what published
numbers measure. torchmetrics does the computing; the mean of a set is the mean *of its images*.
Units and directions of these are in `pixelrl.declaration`; a `Score` declares those of another.
"""

import torch
from skimage.color import deltaE_ciede2000
from torch import Tensor
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from pixelrl.color import Space, lab_distance, rgb_to_lab
from pixelrl.declaration import Score

__all__ = ["Score", "as_written", "ciede2000", "lab_error", "psnr", "similarity", "ssim"]


def as_written(image: Tensor) -> Tensor:
    """Clamp to [0, 1] and round to the 256 levels of an 8-bit file.

    Args:
        image: any shape, nominally [0, 1].

    Returns:
        The same shape, multiples of 1/255 in [0, 1].

    Example:
        >>> as_written(torch.tensor([-0.2, 0.3, 1.4])) * 255
        tensor([  0.,  77., 255.])
    """
    return torch.floor(image.clamp(0, 1) * 255 + 0.5) / 255


def psnr(image: Tensor, target: Tensor) -> Tensor:
    """Measure the peak signal-to-noise ratio, in dB; higher is better.

    Args:
        image: ``(B,C,H,W)``.
        target: ``(B,C,H,W)``.

    Returns:
        ``(B,)``; infinite for equal images.

    Example:
        >>> psnr(torch.full((2, 1, 16, 16), 0.1), torch.zeros(2, 1, 16, 16))
        tensor([19.8313, 19.8313])
    """
    return peak_signal_noise_ratio(
        as_written(image), as_written(target), data_range=1.0, reduction="none", dim=(1, 2, 3)
    )


WINDOW = 11
"""Side of the window of structural similarity, in pixels."""


def ssim(image: Tensor, target: Tensor) -> Tensor:
    """Measure structural similarity (Gaussian window, sigma 1.5), at most 1; higher is better.

    Args:
        image: ``(B,C,H,W)``, both sides at least 11 pixels.
        target: ``(B,C,H,W)``.

    Returns:
        ``(B,)``; NaN for images smaller than the window.

    Example:
        >>> ramp = torch.linspace(0, 1, 16).expand(1, 1, 16, 16)
        >>> ssim(ramp, ramp), ssim(1 - ramp, ramp) < 0
        (tensor([1.]), tensor([True]))
    """
    if min(image.shape[-2:]) < WINDOW:
        return image.new_full((image.shape[0],), torch.nan)
    # Only where the window is whole, as its authors and scikit-image have it.
    whole = similarity(as_written(image), as_written(target))[..., 5:-5, 5:-5]
    return whole.mean((1, 2, 3))


def similarity(image: Tensor, target: Tensor) -> Tensor:
    """Compute the map of structural similarity, ``(B,C,H,W)``, of images as they are.

    Example:
        >>> ramp = torch.linspace(0, 1, 16).expand(1, 1, 16, 16)
        >>> similarity(ramp, ramp).shape, round(float(similarity(ramp, ramp).min()), 4)
        (torch.Size([1, 1, 16, 16]), 1.0)
    """
    _, local = structural_similarity_index_measure(
        image, target, data_range=1.0, reduction="none", return_full_image=True
    )
    return torch.as_tensor(local)


def lab_error(image: Tensor, target: Tensor, space: Space = "srgb") -> Tensor:
    """Measure the mean CIELab distance (CIE76, in Lab units); lower is better.

    Args:
        image: ``(B,3,H,W)`` RGB.
        target: ``(B,3,H,W)`` RGB.
        space: how the numbers of both are meant.

    Returns:
        ``(B,)``.

    Example:
        >>> lab_error(torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)).round()
        tensor([100.])
    """
    return lab_distance(as_written(image), as_written(target), space).mean((1, 2, 3))


def ciede2000(image: Tensor, target: Tensor, space: Space = "srgb") -> Tensor:
    """Measure the mean CIEDE2000 difference, computed by scikit-image; lower is better.

    Args:
        image: ``(B,3,H,W)`` RGB.
        target: ``(B,3,H,W)`` RGB.
        space: how the numbers of both are meant.

    Returns:
        ``(B,)``.

    Example:
        >>> ciede2000(torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)).round()
        tensor([100.])
    """
    ours, wanted = (
        rgb_to_lab(as_written(each), space).movedim(1, -1).double().cpu().numpy()
        for each in (image, target)
    )
    difference = deltaE_ciede2000(wanted, ours)  # type: ignore[no-untyped-call]
    return torch.from_numpy(difference).mean((1, 2)).to(image)
