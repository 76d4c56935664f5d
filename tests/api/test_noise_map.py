"""Agents that are told how strong the noise is do as they are told."""

import pytest
import torch
from torch import Generator, Tensor

import pixelrl
from pixelrl.images import read_image
from pixelrl.images.folders import list_bundled
from pixelrl.scores import psnr


def noisy(channels: int, sigma: float) -> tuple[Tensor, Tensor]:
    clean = read_image(list_bundled("test")[0], channels)[None, :, 60:156, 170:266]
    noise = torch.randn(clean.shape, generator=Generator().manual_seed(0))
    return clean, clean + sigma / 255 * noise


@pytest.mark.parametrize(
    ("name", "blind", "channels"),
    [("denoising-nonblind", "denoising", 3), ("denoising-nonblind-gray", "denoising-gray", 1)],
)
@pytest.mark.parametrize("sigma", [15.0, 50.0])
def test_the_right_strength_is_best(name: str, blind: str, channels: int, sigma: float) -> None:
    clean, image = noisy(channels, sigma)
    told = {
        said: float(psnr(pixelrl.load(name, overrides=[f"task.sigma={said}"])(image).image, clean))
        for said in (5.0, 15.0, 25.0, 50.0)
    }
    assert max(told, key=lambda said: told[said]) == sigma, told
    unaware = pixelrl.load(blind)(image).image
    assert told[sigma] > float(psnr(unaware, clean)) - 0.05
