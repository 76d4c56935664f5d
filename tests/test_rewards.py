"""Rewards telescope, and are what the papers' formulas say."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2lab
from torch import Tensor

from pixelrl.rewards import absolute_error_drop, lab_distance_drop, squared_error_drop
from strategies import filled, images, seeds

DROPS = [squared_error_drop, absolute_error_drop, lab_distance_drop]


# Law 4


@pytest.mark.parametrize("drop", DROPS)
@given(data=st.data())
def test_drops_telescope(drop: object, data: st.DataObject) -> None:
    target = data.draw(images(channels=3))
    path = [filled(tuple(target.shape), data.draw(seeds)) for _ in range(4)]
    steps = sum(drop(a, b, target) for a, b in pairwise(path))
    whole = drop(path[0], path[-1], target)
    assert whole.shape == (target.shape[0], 1, *target.shape[-2:])
    torch.testing.assert_close(steps, whole, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("drop", DROPS)
@given(image=images(channels=3), seed=seeds)
def test_no_change_pays_nothing_and_the_target_pays_most(
    drop: object, image: Tensor, seed: int
) -> None:
    target = filled(tuple(image.shape), seed)
    assert torch.equal(drop(image, image, target), torch.zeros_like(image[:, :1]))
    assert (drop(image, target, target) >= 0).all()
    torch.testing.assert_close(drop(image, target, target), -drop(target, image, target))


def test_squared_error_drop_by_hand() -> None:
    before, after, target = (torch.full((1, 1, 1, 1), value) for value in (0.5, 0.25, 0.0))
    assert squared_error_drop(before, after, target).item() == 255 * (0.25 - 0.0625)
    assert squared_error_drop(before, after, target, scale=1.0).item() == 0.1875
    assert absolute_error_drop(before, after, target).item() == 255 * 0.25


def test_errors_are_means_over_channels() -> None:
    before, target = torch.zeros(1, 3, 1, 1), torch.zeros(1, 3, 1, 1)
    after = torch.tensor([1.0, 0.0, 0.0])[None, :, None, None]
    assert squared_error_drop(before, after, target).item() == pytest.approx(-85)
    assert absolute_error_drop(before, after, target).item() == pytest.approx(-85)


def test_lab_distance_is_that_of_scikit_image() -> None:
    before, after, target = torch.rand(3, 1, 3, 6, 5)
    lab = [
        torch.from_numpy(rgb2lab(x[0].permute(1, 2, 0).numpy())) for x in (before, after, target)
    ]
    wanted = (lab[2] - lab[0]).norm(dim=-1) - (lab[2] - lab[1]).norm(dim=-1)
    found = lab_distance_drop(before, after, target)[0, 0]
    torch.testing.assert_close(found, wanted.float(), rtol=0, atol=0.02)
