"""Edits are OpenCV's where they bear its names; a set of them lets each pixel take its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from kornia.color import rgb_to_hsv
from kornia.filters import bilateral_blur, median_blur
from torch import Tensor

from pixelrl.actions import (
    ActionSet,
    Edit,
    FusedEdit,
    bilateral,
    box,
    brightness,
    contrast,
    gaussian,
    keep,
    median,
    pick,
    saturation,
    scale,
    shift,
)
from pixelrl.errors import MapError
from pixelrl.maps import exact
from strategies import chosen, images, seeds
from toys import Published, Toy, golden

ACTIONS = Published().actions
Opened = Callable[[np.ndarray], np.ndarray]

FILTERS: dict[str, tuple[Edit, Opened]] = {
    "gauss05": (gaussian(5, 0.5), lambda x: cv2.GaussianBlur(x, (5, 5), 0.5)),
    "gauss15": (gaussian(5, 1.5), lambda x: cv2.GaussianBlur(x, (5, 5), 1.5)),
    "gauss7": (gaussian(7, 1.0), lambda x: cv2.GaussianBlur(x, (7, 7), 1.0)),
    "bil01": (bilateral(5, 0.1, 5.0), lambda x: cv2.bilateralFilter(x, 5, 0.1, 5.0)),
    "bil10": (bilateral(5, 1.0, 5.0), lambda x: cv2.bilateralFilter(x, 5, 1.0, 5.0)),
    "bil7": (bilateral(7, 0.3, 2.0), lambda x: cv2.bilateralFilter(x, 7, 0.3, 2.0)),
    "median": (median(5), lambda x: cv2.medianBlur(x, 5)),
    "median3": (median(3), lambda x: cv2.medianBlur(x, 3)),
    "box": (box(5), lambda x: cv2.boxFilter(x, -1, (5, 5))),
    "box3": (box(3), lambda x: cv2.boxFilter(x, -1, (3, 3))),
}


def opened(filtered: Opened, image: Tensor) -> Tensor:
    """Apply an OpenCV filter to every image of a batch."""
    return torch.stack(
        [
            torch.from_numpy(
                np.atleast_3d(filtered(np.ascontiguousarray(one.permute(1, 2, 0).numpy())))
            ).permute(2, 0, 1)
            for one in image
        ]
    )


# Law 1


@given(images(sides=(5, 12)), seeds)
def test_every_pixel_is_its_chosen_candidate(image: Tensor, seed: int) -> None:
    choice = chosen(image, len(ACTIONS), seed)
    after = pick(ACTIONS.candidates(image), choice)
    every = torch.stack([edit(image) for edit in ACTIONS.values()])
    for number, candidate in enumerate(every):
        there = (choice == number)[:, None].expand_as(image)
        assert torch.equal(after[there], candidate[there])
    assert torch.equal(ACTIONS.candidates(image), every.transpose(0, 1))  # together or alone


@given(images(sides=(5, 12)), st.sampled_from(range(9)))
def test_a_unanimous_choice_is_the_edit(image: Tensor, number: int) -> None:
    choice = torch.full((image.shape[0], *image.shape[-2:]), number)
    assert torch.equal(
        pick(ACTIONS.candidates(image), choice), list(ACTIONS.values())[number](image)
    )


# Law 7


@given(images(batch=4, sides=(5, 12)), seeds)
def test_edits_commute_with_permuting_the_batch(image: Tensor, seed: int) -> None:
    order = torch.randperm(image.shape[0], generator=torch.Generator().manual_seed(seed))
    for name, edit in ACTIONS.items():
        torch.testing.assert_close(
            edit(image)[order], edit(image[order]), rtol=0, atol=1e-6, msg=name
        )


@given(images(sides=(12, 20)), st.integers(0, 3), st.integers(0, 3))
def test_local_edits_commute_with_cropping_away_from_the_border(
    image: Tensor, top: int, left: int
) -> None:
    reach = Published.reach
    for name, edit in ACTIONS.items():
        whole = edit(image)[..., top:, left:][..., reach:-reach, reach:-reach]
        crop = edit(image[..., top:, left:])[..., reach:-reach, reach:-reach]
        torch.testing.assert_close(whole, crop, rtol=0, atol=1e-6, msg=name)


@given(images(channels=1, sides=(5, 12)))
def test_edits_of_gray_do_on_each_channel_what_they_do_on_one(image: Tensor) -> None:
    three = image.expand(-1, 3, -1, -1)
    for name in ("gaussian 1.5", "median", "box", "plus", "minus", "keep"):
        torch.testing.assert_close(
            ACTIONS[name](three), ACTIONS[name](image).expand_as(three), rtol=0, atol=1e-6
        )


def test_edits_write_nothing_in_place_and_keep_device_and_type(device: str) -> None:
    image = torch.rand(2, 3, 9, 8, device=device)
    before = image.clone()
    for name, edit in {**ACTIONS, "saturation": saturation(0.5), "scale": scale(1, 2, 3)}.items():
        after = edit(image)
        assert torch.equal(image, before), name
        assert (after.dtype, after.shape, after.device) == (image.dtype, image.shape, image.device)


# Law 5


def test_under_autocast_the_world_stays_float32(device: str) -> None:
    image = torch.rand(1, 1, 12, 12, device=device)
    plain = ACTIONS.candidates(image)
    with torch.autocast(device, torch.bfloat16), exact(torch.device(device)):
        assert torch.equal(ACTIONS.candidates(image), plain)


# Golden


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("channels", [1, 3])
def test_filters_equal_opencv_border_included(name: str, channels: int) -> None:
    edit, filtered = FILTERS[name]
    rng = torch.Generator().manual_seed(1)
    smooth = gaussian(5, 1.5)(torch.rand(2, channels, 33, 40, generator=rng))
    noisy = smooth + 0.1 * torch.randn(smooth.shape, generator=rng)
    torch.testing.assert_close(edit(noisy), opened(filtered, noisy), rtol=0, atol=5e-6)


@given(images(batch=1, sides=(4, 9)), st.sampled_from([n for n in FILTERS if "7" not in n]))
def test_filters_equal_opencv_on_images_hardly_larger_than_the_window(
    image: Tensor, name: str
) -> None:
    edit, filtered = FILTERS[name]
    # OpenCV looks its weights up in a table made for the image's own range of values.
    torch.testing.assert_close(edit(image), opened(filtered, image), rtol=0, atol=5e-6)


@pytest.mark.parametrize("name", ["gauss05", "gauss15", "bil01", "bil10", "median", "box"])
def test_filters_equal_the_golden_ones(golden_files: Path, name: str) -> None:
    wanted = golden(golden_files / "filters.npz")
    image = torch.from_numpy(wanted["input"])[None, None]
    after = FILTERS[name][0](image)[0, 0]
    torch.testing.assert_close(after, torch.from_numpy(wanted[name]), rtol=0, atol=5e-6)


def test_kornias_square_bilateral_is_another_filter() -> None:
    image = torch.rand(1, 1, 24, 24)
    square = bilateral_blur(image, (5, 5), 0.1, (5.0, 5.0), "reflect")
    assert (square - bilateral(5, 0.1, 5.0)(image)).abs().max() > 0.02


def test_a_median_padded_with_zeros_differs_at_the_border_alone() -> None:
    image = torch.rand(1, 1, 24, 24) + 0.5
    difference = (median_blur(image, (5, 5), "constant") - median(5)(image)).abs()
    assert difference[..., 2:-2, 2:-2].max() == 0
    assert difference.max() > 0.1


# Color


@given(images(channels=3), st.floats(0, 2))
def test_saturation_keeps_gray_and_luma(image: Tensor, factor: float) -> None:
    gray = image[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(saturation(factor)(gray), gray, rtol=0, atol=1e-5)
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    torch.testing.assert_close(
        (saturation(factor)(image) * luma).sum(1), (image * luma).sum(1), rtol=0, atol=1e-5
    )
    torch.testing.assert_close(saturation(1.0)(image), image, rtol=0, atol=1e-6)


def test_saturation_scales_what_hsv_calls_saturation() -> None:
    image = torch.tensor([0.6, 0.4, 0.5])[None, :, None, None]
    after = saturation(0.5)(image)
    assert rgb_to_hsv(after)[0, 1] < rgb_to_hsv(image)[0, 1]


@given(images(channels=3), st.floats(0.5, 2))
def test_contrast_turns_around_middle_gray(image: Tensor, factor: float) -> None:
    after = contrast(factor)(image)
    torch.testing.assert_close(after - 0.5, factor * (image - 0.5), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(contrast(1 / factor)(after), image, rtol=0, atol=1e-5)


@given(images(channels=3))
def test_shift_and_scale_take_one_number_or_one_per_channel(image: Tensor) -> None:
    assert torch.equal(shift(0.1)(image), image + 0.1)
    assert torch.equal(shift(0.1)(image), brightness(0.1)(image))
    numbers = (0.5, 1.0, 2.0)
    column = torch.tensor(numbers)[:, None, None]
    assert torch.equal(shift(*numbers)(image), image + column)
    assert torch.equal(scale(*numbers)(image), image * column)
    assert torch.equal(scale(2)(image), image * 2)


def test_numbers_must_match_the_channels() -> None:
    with pytest.raises(MapError, match="expected 3 channels, one per number, got 1"):
        shift(0.1, 0, -0.1)(torch.zeros(1, 1, 2, 2))
    for builder in (shift, scale):
        with pytest.raises(ValueError, match="got none"):
            builder()


# Sets


def test_a_set_is_an_ordered_mapping() -> None:
    actions = ActionSet({"b": keep, "a": shift(1)})
    assert actions.names == ("b", "a")
    assert list(actions) == ["b", "a"]
    assert len(actions) == 2
    assert actions["b"] is keep


@dataclass(frozen=True)
class Doubled(FusedEdit):
    """Multiply twice what a family shares, and note how often it is asked."""

    asked: list[int]
    factor: float
    family: int = 0

    @classmethod
    def together(cls, edits: Sequence["Doubled"], image: Tensor) -> list[Tensor]:
        edits[0].asked.append(len(edits))
        double = image * 2
        return [double * edit.factor for edit in edits]


def test_a_family_is_computed_in_one_pass_wherever_its_edits_stand() -> None:
    asked: list[int] = []
    one, two, other = Doubled(asked, 1), Doubled(asked, 2), Doubled(asked, 3, family=1)
    edits = {"one": one, "keep": keep, "other": other, "two": two, "more": lambda image: image + 1}
    found = ActionSet(edits).candidates(torch.ones(1, 1, 1, 1))
    assert found.flatten().tolist() == [2, 1, 6, 4, 2]
    assert asked == [2, 1]
    assert two(torch.ones(1)) == 4


def test_one_edit_is_no_choice() -> None:
    with pytest.raises(MapError, match=r"expected at least two to choose from, got \['keep'\]"):
        ActionSet({"keep": keep})


def test_an_edit_by_hand() -> None:
    actions = Toy(stride=0.25).actions
    image = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.9, 0.0], [0.0, 0.0, 0.0]])[None, None]
    choice = torch.tensor([[[0, 1, 2], [3, 3, 4], [1, 1, 1]]])
    wanted = torch.tensor([[-0.25, 0.0, 0.25], [0.2, 0.1, 0.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(pick(actions.candidates(image), choice)[0, 0], wanted)


def test_pick_takes_all_channels_of_the_chosen() -> None:
    candidates = torch.arange(24.0).reshape(1, 2, 3, 2, 2)
    choice = torch.tensor([[[0, 1], [1, 0]]])
    picked = pick(candidates, choice)
    assert picked[0, :, 0, 0].tolist() == [0, 4, 8]
    assert picked[0, :, 0, 1].tolist() == [13, 17, 21]


# Errors


@pytest.mark.parametrize("size", [0, 1, 2, 4, -3])
def test_a_window_must_be_odd(size: int) -> None:
    for builder in (lambda n: gaussian(n, 1), box, median, lambda n: bilateral(n, 1, 1)):
        with pytest.raises(ValueError, match=f"expected an odd number of pixels from 3 on.*{size}"):
            builder(size)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan")])
def test_a_bell_curve_must_have_a_width(sigma: float) -> None:
    for builder in (gaussian, lambda n, s: bilateral(n, s, 1), lambda n, s: bilateral(n, 1, s)):
        with pytest.raises(ValueError, match=r"sigma.*: expected a number above 0, got"):
            builder(5, sigma)


def test_an_image_smaller_than_the_window_is_refused_by_size() -> None:
    for edit in (gaussian(5, 1), box(5), median(5), bilateral(5, 1, 1)):
        with pytest.raises(MapError, match=r"9x2 pixels are too few for a 5x5 filter.*at least 3"):
            edit(torch.zeros(1, 1, 2, 9))
        assert edit(torch.zeros(1, 1, 3, 3)).shape == (1, 1, 3, 3)
