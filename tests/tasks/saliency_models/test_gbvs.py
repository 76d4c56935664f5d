"""GBVS in closed form rests where the walk rests; both models find what stands out."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor

from pixelrl.saliency.model import SaliencyModel, as_density
from pixelrl.testing import check_saliency
from pixelrl_tasks.saliency_models.gbvs import Gbvs, activation, concentrate, fit_size, orientations
from pixelrl_tasks.saliency_models.itti import Itti, promote
from strategies import filled, seeds

MODELS: list[SaliencyModel] = [Gbvs(), Itti()]


def walk(weights: Tensor, steps: int = 5000) -> Tensor:
    """Iterate a Markov chain, as the published GBVS does, until it rests."""
    chain = weights / weights.sum(1, keepdim=True)
    chain = (chain + torch.eye(len(chain), dtype=chain.dtype)) / 2  # the same law, no oscillation
    law = torch.full((len(chain),), 1 / len(chain), dtype=chain.dtype)
    for _ in range(steps):
        law = law @ chain
    return law


def nearness(height: int, width: int, sigma: float) -> Tensor:
    """Compute F between all places, cut off as the blur is."""
    places = torch.cartesian_prod(torch.arange(height), torch.arange(width)).double()
    apart = places[:, None] - places[None]
    reach = math.ceil(3 * sigma)
    near = torch.exp(-apart.square().sum(-1) / (2 * sigma**2))
    return torch.where((apart.abs() <= reach).all(-1), near, 0.0)


@pytest.mark.parametrize("seed", range(3))
def test_activation_is_the_law_of_the_walk_over_differences(seed: int) -> None:
    feature = filled((1, 1, 6, 8), seed, dtype=torch.float64)
    flat = feature.flatten()
    weights = (flat[:, None] - flat[None]).square() * nearness(6, 8, 1.2)
    ours = activation(feature, 1.2).flatten().square()  # whose root is taken
    torch.testing.assert_close(ours / ours.sum(), walk(weights), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_concentration_is_the_law_of_the_second_walk(seed: int) -> None:
    found = filled((1, 1, 6, 8), seed, low=0.1, dtype=torch.float64)
    weights = found.flatten()[None] * nearness(6, 8, 0.7)
    torch.testing.assert_close(
        concentrate(found, 0.7).flatten(), walk(weights), rtol=1e-6, atol=1e-9
    )


@given(seeds, st.floats(-3, 3), st.floats(0.1, 10))
def test_a_shift_or_scale_of_a_feature_changes_nothing(
    seed: int, shift: float, scale: float
) -> None:
    feature = filled((1, 2, 8, 9), seed, dtype=torch.float64)
    torch.testing.assert_close(
        activation(feature, 1.5), activation(feature * scale + shift, 1.5), rtol=1e-3, atol=1e-5
    )


def test_orientations_answer_their_own_direction_and_no_flat_image() -> None:
    x = torch.arange(32).float()
    upright = (torch.cos(2 * math.pi / 4.5 * x) / 2 + 0.5).expand(1, 1, 32, 32)
    for number, stripes in ((0, upright), (2, upright.transpose(-2, -1))):
        answers = orientations(stripes)[0, :, 8:-8, 8:-8].mean((1, 2))
        assert int(answers.argmax()) == number
        assert float(answers[number]) > 3 * float(answers[(number + 2) % 4])
    assert float(orientations(torch.full((1, 1, 16, 16), 0.7)).max()) < 1e-6


@pytest.mark.parametrize("model", MODELS)
def test_models_keep_every_promise(model: SaliencyModel) -> None:
    check_saliency(model)
    check_saliency(model, size=10)
    rgb = torch.rand(1, 3, 300, 20, generator=Generator().manual_seed(0))
    assert model(rgb).shape == (1, 300, 20)


def grid(rest: tuple[float, ...], odd: tuple[float, ...], place: int) -> tuple[Tensor, Tensor]:
    """Draw 25 squares on gray, one of them unlike the others, and where it is."""
    image, target = torch.full((1, 3, 160, 160), 0.5), torch.zeros(160, 160)
    for number in range(25):
        top, left = number // 5 * 32 + 10, number % 5 * 32 + 10
        color = torch.tensor(odd if number == place else rest)[:, None, None]
        image[0, :, top : top + 12, left : left + 12] = color
        target[top : top + 12, left : left + 12] = float(number == place)
    return image, target


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("place", [6, 12, 18])
@pytest.mark.parametrize(
    ("rest", "odd"),
    [((0.4, 0.4, 0.4), (0.9, 0.9, 0.9)), ((0.6, 0.45, 0.45), (0.9, 0.2, 0.2))],
    ids=["lightness", "saturation"],
)
def test_what_pops_out_is_salient_and_no_longer_when_recolored(
    model: SaliencyModel, place: int, rest: tuple[float, ...], odd: tuple[float, ...]
) -> None:
    image, target = grid(rest, odd, place)
    share = (as_density(model(image))[0] * target).sum()
    alike, _ = grid(rest, rest, place)
    share_alike = (as_density(model(alike))[0] * target).sum()
    assert float(share) > 2 * float(share_alike)
    assert float(share) > 2 * float(target.mean())
    assert bool(target.flatten()[model(image)[0].argmax()] == 1)


def test_a_flat_image_has_no_more_than_the_border_of_the_graph() -> None:
    flat = Gbvs()(torch.full((1, 3, 96, 96), 0.3))[0]
    assert 0.5 < float((flat / flat.mean()).min()) < float((flat / flat.mean()).max()) < 1.2
    itti = Itti()(torch.full((1, 3, 96, 96), 0.3))[0]
    torch.testing.assert_close(as_density(itti), torch.full((96, 96), 1 / 96**2), rtol=0.01, atol=0)


def test_promotion_keeps_one_peak_and_drops_many() -> None:
    maps = torch.zeros(1, 2, 24, 24)
    maps[0, 0, 12, 12] = 3.0
    maps[0, 1, 4::8, 4::8] = 3.0
    maps[0, 1, 12, 12] = 3.3
    one, many = promote(maps).amax((-2, -1))[0].tolist()
    assert one == pytest.approx(1)
    assert many < 0.02
    assert float(promote(torch.full((1, 1, 8, 8), 1e-6)).max()) < 0.01


def test_sides_keep_the_shape_of_the_image() -> None:
    assert fit_size(torch.zeros(1, 3, 200, 100), 64) == (64, 32)
    assert fit_size(torch.zeros(1, 3, 20, 1000), 64) == (8, 64)
    for wrong in ({"side": 16}, {"grid": 4}):
        with pytest.raises(ValueError, match="expected 8 <= grid <= side"):
            Gbvs(**wrong)
    with pytest.raises(ValueError, match="32 pixels or more"):
        Itti(side=8)
