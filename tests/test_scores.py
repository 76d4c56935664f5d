"""Scores are those of written 8-bit files, image by image."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from skimage.color import rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from pixelrl.scores import as_written, lab_error, psnr, ssim
from strategies import images


def written(image: Tensor) -> np.ndarray:
    """Write one image ``(C,H,W)`` as the official ``test.py`` does."""
    clipped = np.minimum(np.maximum(image.permute(1, 2, 0).numpy(), 0), 1)
    return (clipped * 255 + 0.5).astype(np.uint8)


@given(images())
def test_as_written_is_an_8_bit_file(image: Tensor) -> None:
    levels = as_written(image) * 255
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-4)
    files = np.stack([written(one) for one in image])
    assert np.array_equal(levels.round().permute(0, 2, 3, 1).numpy(), files)
    assert torch.equal(as_written(as_written(image)), as_written(image))


@pytest.mark.parametrize("channels", [1, 3])
def test_psnr_is_that_of_scikit_image_on_8_bits(channels: int) -> None:
    target = torch.rand(3, channels, 16, 20)
    image = target + torch.tensor([0.02, 0.1, 0.5])[:, None, None, None] * torch.randn(target.shape)
    wanted = [
        peak_signal_noise_ratio(written(b), written(a), data_range=255)
        for a, b in zip(image, target, strict=True)
    ]
    np.testing.assert_allclose(psnr(image, target).numpy(), wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_that_of_scikit_image_on_8_bits(channels: int) -> None:
    target = torch.rand(2, channels, 40, 44)
    image = target + torch.tensor([0.05, 0.3])[:, None, None, None] * torch.randn(target.shape)
    wanted = [
        structural_similarity(
            written(a),
            written(b),
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=2,
        )
        for a, b in zip(image, target, strict=True)
    ]
    np.testing.assert_allclose(ssim(image, target).numpy(), wanted, rtol=0, atol=2e-5)


def test_lab_error_is_that_of_scikit_image() -> None:
    image, target = torch.rand(2, 2, 3, 9, 8)
    for index, error in enumerate(lab_error(image, target)):
        far = rgb2lab(written(image[index])) - rgb2lab(written(target[index]))
        assert error.item() == pytest.approx(np.linalg.norm(far, axis=-1).mean(), abs=0.01)


@given(images(channels=3, batch=4, sides=(11, 14)))
def test_a_batch_scores_as_its_images_do(image: Tensor) -> None:
    target = image.flip(-1)
    for score in (psnr, ssim, lab_error):
        together = score(image, target)
        alone = torch.cat([score(image[i : i + 1], target[i : i + 1]) for i in range(len(image))])
        assert together.shape == (len(image),)
        torch.testing.assert_close(together, alone, equal_nan=True)


def test_equal_images_score_perfectly() -> None:
    image = torch.rand(2, 3, 12, 12)
    assert psnr(image, image).tolist() == [math.inf, math.inf]
    torch.testing.assert_close(ssim(image, image), torch.ones(2))
    assert lab_error(image, image).tolist() == [0, 0]


def test_an_image_below_the_window_has_no_ssim() -> None:
    assert ssim(torch.rand(2, 1, 10, 20), torch.rand(2, 1, 10, 20)).isnan().all()
    assert ssim(torch.rand(2, 1, 11, 20), torch.rand(2, 1, 11, 20)).isfinite().all()
