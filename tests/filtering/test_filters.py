"""Filters by pairs, networks and shared sums are what their windows say."""

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from pixelrl.actions import ActionSet, Edit, bilateral, box, gaussian, median
from pixelrl.filtering.median import median_by_network, median_by_opencv
from strategies import filled, images, seeds
from toys import Published

SMALL = {
    "gaussian": gaussian(3, 0.8),
    "box": box(5),
    "median": median(3),
    "bilateral": bilateral(5, 0.3, 2.0),
}


def windows(image: Tensor, size: int, border: str) -> Tensor:
    """List the values of every pixel's window, ``(B,C,H,W,size*size)``."""
    padded = F.pad(image, (size // 2,) * 4, mode=border)
    return padded.unfold(2, size, 1).unfold(3, size, 1).flatten(-2)


# By definition


@pytest.mark.parametrize("size", [3, 5, 7])
@given(images(sides=(5, 14), dtype=torch.float64))
def test_a_gaussian_is_a_weighted_mean_of_the_window(size: int, image: Tensor) -> None:
    steps = torch.arange(size, dtype=torch.float64) - size // 2
    line = torch.exp(-steps.square() / (2 * 1.3**2))
    kernel = torch.outer(line, line).flatten() / line.sum() ** 2
    wanted = (windows(image, size, "reflect") * kernel).sum(-1)
    torch.testing.assert_close(gaussian(size, 1.3)(image), wanted, rtol=0, atol=1e-14)
    mean = windows(image, size, "reflect").mean(-1)
    torch.testing.assert_close(box(size)(image), mean, rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", [3, 5, 7])
@given(images(sides=(5, 14), dtype=torch.float64))
def test_a_bilateral_mean_is_one_of_the_disc(size: int, image: Tensor) -> None:
    radius, color, space = size // 2, 0.2, 1.7
    total, weights = torch.zeros_like(image), torch.zeros_like(image[:, :1])
    near = windows(image, size, "reflect").unbind(-1)
    for (dy, dx), pixel in zip(product(range(-radius, radius + 1), repeat=2), near, strict=True):
        if math.hypot(dy, dx) <= radius:
            distance = (pixel - image).abs().sum(1, keepdim=True)
            weight = torch.exp(-(distance**2) / (2 * color**2))
            weight = weight * math.exp(-(dy**2 + dx**2) / (2 * space**2))
            total, weights = total + weight * pixel, weights + weight
    found = bilateral(size, color, space)(image)
    torch.testing.assert_close(found, total / weights, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [3, 5, 7, 9])
@given(st.integers(1, 3), st.integers(5, 14), st.integers(5, 14), seeds)
def test_a_median_is_the_middle_of_the_window(
    size: int, dtype: torch.dtype, channels: int, height: int, width: int, seed: int
) -> None:
    image = filled((2, channels, height, width), seed, dtype=dtype)
    image = torch.where(image < 0.3, 0.3, image)  # ties
    wanted = windows(image, size, "replicate").median(-1).values
    padded = F.pad(image, (size // 2,) * 4, mode="replicate")
    assert torch.equal(median(size)(image), wanted)
    assert torch.equal(median_by_network(padded, size), wanted)
    if size <= 5 and dtype == torch.float32:
        assert torch.equal(median_by_opencv(padded, size), wanted)


def test_a_median_network_asks_for_no_more_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def count(compute: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
        def counted(one: Tensor, other: Tensor) -> Tensor:
            asked.append(one.numel())
            return compute(one, other)

        return counted

    for name in ("minimum", "maximum"):
        monkeypatch.setattr(torch, name, count(getattr(torch, name)))
    median_by_network(torch.rand(1, 1, 404, 404), 5)
    assert 59 < sum(asked) / 400**2 < 60  # a little more than 59, for the border


# On whatever image


@pytest.mark.parametrize("name", SMALL)
def test_how_an_image_lies_in_memory_does_not_matter(name: str) -> None:
    image = torch.rand(3, 2, 9, 8)
    wanted = SMALL[name](image)
    cut = F.pad(image, (1, 2, 3, 4))[..., 3:-4, 1:-2]
    turned = image.transpose(2, 3).contiguous().transpose(2, 3)
    for other in (image.to(memory_format=torch.channels_last), cut, turned):
        assert torch.equal(SMALL[name](other), wanted)
    one = image[:1].expand(3, -1, -1, -1)
    assert torch.equal(SMALL[name](one), wanted[:1].expand(3, -1, -1, -1))


@given(images(sides=(5, 14)), st.integers(1, 200))
def test_bilateral_means_are_the_same_in_stretches_of_any_length(image: Tensor, most: int) -> None:
    edit = bilateral(5, 0.1, 5.0)
    wanted = edit(image)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pixelrl.filtering.bilateral.STRETCH", most)
        assert torch.equal(edit(image), wanted)


@pytest.mark.parametrize("name", SMALL)
def test_float64_is_more_exact_and_nothing_else(name: str) -> None:
    image = torch.rand(2, 3, 12, 11)
    after = SMALL[name](image.double())
    assert after.dtype == torch.float64
    torch.testing.assert_close(SMALL[name](image).double(), after, rtol=0, atol=5e-7)


def test_a_flat_image_stays_as_it_is() -> None:
    image = torch.full((1, 3, 9, 9), 0.3)
    for edit in (median(5), bilateral(5, 0.1, 5.0)):
        assert torch.equal(edit(image), image)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator here")
def test_candidates_do_not_wait_for_the_device() -> None:
    image = torch.rand(2, 3, 33, 32, device="cuda")
    wanted = Published().actions.candidates(image.cpu())
    torch.cuda.set_sync_debug_mode("error")
    try:
        found = Published().actions.candidates(image)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(found.cpu(), wanted, rtol=0, atol=1e-6)


# Gradient


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", SMALL)
def test_filters_are_differentiable_twice(name: str, channels: int) -> None:
    image = filled((2, channels, 5, 4), 3, dtype=torch.float64).requires_grad_()
    assert gradcheck(SMALL[name], image)
    assert gradgradcheck(SMALL[name], image)


@given(images(batch=2, sides=(5, 8)))
def test_with_gradient_or_without_values_are_the_same(image: Tensor) -> None:
    actions = Published().actions
    plain = actions.candidates(image)
    assert torch.equal(actions.candidates(image.clone().requires_grad_()), plain)
    with torch.inference_mode():
        assert torch.equal(actions.candidates(image), plain)


def test_a_familys_gradient_is_the_sum_of_its_edits() -> None:
    edits: dict[str, Edit] = {"a": bilateral(5, 0.1, 5.0), "b": bilateral(5, 0.5, 2.0)}
    image = torch.rand(1, 3, 8, 9, dtype=torch.float64, requires_grad=True)
    pay = torch.rand(1, 2, 3, 8, 9, dtype=torch.float64)
    (found,) = torch.autograd.grad((pay * ActionSet(edits).candidates(image)).sum(), image)
    alone = sum(
        (share * edit(image)).sum() for share, edit in zip(pay[0], edits.values(), strict=True)
    )
    (wanted,) = torch.autograd.grad(alone, image)
    torch.testing.assert_close(found, wanted)


def test_a_medians_gradient_goes_to_the_pixel_that_it_is() -> None:
    image = torch.rand(2, 1, 9, 8, requires_grad=True)
    pay = torch.rand(2, 1, 9, 8)
    (found,) = torch.autograd.grad((pay * median(5)(image)).sum(), image)
    middle = windows(image, 5, "replicate").median(-1).values
    (wanted,) = torch.autograd.grad((pay * middle).sum(), image)
    # Repeated border pixels tie with themselves alone.
    torch.testing.assert_close(found, wanted)


def test_pixels_that_tie_for_the_median_share_its_gradient() -> None:
    image = torch.tensor([[1.0, 2, 3], [4, 5, 5], [7, 5, 9]])[None, None].requires_grad_()
    (found,) = torch.autograd.grad(median(3)(image)[0, 0, 1, 1], image)
    assert found[0, 0].tolist() == [
        [0, 0, 0],
        [0, pytest.approx(1 / 3), pytest.approx(1 / 3)],
        [0, pytest.approx(1 / 3), 0],
    ]
