"""CIELab equals OpenCV's and scikit-image's, and is meant as the image's numbers are."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from skimage.color import deltaE_ciede2000, rgb2lab, xyz2lab
from torch import Tensor

from pixelrl.color import lab_distance, rgb_to_lab
from pixelrl.rewards import lab_distance_drop
from pixelrl.scores import ciede2000, lab_error
from strategies import seeds

PRIMARIES = np.array([[0.7347, 0.2653], [0.1596, 0.8404], [0.0366, 0.0001]])
WHITE = np.array([0.3457, 0.3585])
"""ROMM's chromaticities, from its standard, to make the matrix anew."""


def image(seed: int, size: int = 6) -> Tensor:
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(seed))


def to_xyz() -> np.ndarray:
    """Make the matrix from RGB to XYZ as every textbook does: white has to come out as white."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in PRIMARIES]).T
    x, y = WHITE
    return columns * np.linalg.solve(columns, [x / y, 1, (1 - x - y) / y])


@given(seeds)
def test_srgb_is_opencvs_and_scikit_images(seed: int) -> None:
    rgb = image(seed)
    theirs = [cv2.cvtColor(each.movedim(0, -1).numpy(), cv2.COLOR_RGB2LAB) for each in rgb]
    ours = rgb_to_lab(rgb).movedim(1, -1).numpy()
    assert np.abs(ours - np.stack(theirs)).max() < 0.6  # OpenCV interpolates a coarse table
    exact = rgb2lab(rgb.double().movedim(1, -1).numpy())
    np.testing.assert_allclose(ours, exact, atol=0.02)


@given(seeds)
def test_prophoto_is_that_of_its_primaries(seed: int) -> None:
    rgb = image(seed).double()
    numbers = rgb.movedim(1, -1).numpy()
    linear = np.where(numbers < 1 / 32, numbers / 16, numbers**1.8)
    theirs = xyz2lab(linear @ to_xyz().T, illuminant="D50")
    np.testing.assert_allclose(rgb_to_lab(rgb, "prophoto").movedim(1, -1).numpy(), theirs, atol=0.1)


@pytest.mark.parametrize("space", ["srgb", "prophoto"])
def test_gray_has_no_color_and_white_is_a_hundred(space: str) -> None:
    grays = torch.linspace(0, 1, 9).expand(1, 3, 1, 9)
    found = rgb_to_lab(grays, space)
    assert found[:, 1:].abs().max() < 0.05
    assert found[0, 0, 0, -1] == pytest.approx(100, abs=0.01)
    assert (found[0, 0, 0].diff() > 0).all()


@pytest.mark.parametrize("space", ["srgb", "prophoto"])
def test_beyond_the_range_it_goes_on(space: str) -> None:
    beyond = torch.linspace(-0.2, 1.3, 31).expand(1, 3, 1, 31)
    assert (rgb_to_lab(beyond, space)[0, 0, 0].diff() > 0).all()


def test_equal_images_have_no_distance_and_a_gradient() -> None:
    one = torch.full((1, 3, 4, 4), 0.4).requires_grad_()
    distance = lab_distance(one, one.detach())
    distance.sum().backward()
    assert not distance.any()
    assert not one.grad.any()


@given(seeds)
def test_the_drop_is_of_the_distance(seed: int) -> None:
    before, after, target = image(seed), image(seed + 1), image(seed + 2)
    drop = lab_distance_drop(before, after, target, "prophoto")
    assert torch.equal(
        drop, lab_distance(before, target, "prophoto") - lab_distance(after, target, "prophoto")
    )


def test_errors_are_means_over_pixels_of_what_is_written() -> None:
    one, other = image(0), image(1)
    written = [torch.floor(each * 255 + 0.5) / 255 for each in (one, other)]
    torch.testing.assert_close(lab_error(one, other), lab_distance(*written).mean((1, 2, 3)))
    assert ciede2000(one, one).eq(0).all()
    assert (ciede2000(one, other) < lab_error(one, other)).all()  # it forgives in saturated colors


def test_ciede2000_is_scikit_images() -> None:
    one, other = image(3), image(4)
    ours, wanted = (
        (each * 255).round().movedim(1, -1).double().numpy() / 255 for each in (one, other)
    )
    theirs = deltaE_ciede2000(rgb2lab(wanted), rgb2lab(ours)).mean((1, 2))
    np.testing.assert_allclose(ciede2000(one, other).numpy(), theirs, atol=0.02)
