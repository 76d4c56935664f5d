"""The door to saliency models: found by name, asked once per image, checked."""

from itertools import pairwise
from typing import ClassVar

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from pixelrl.actions import saturation, shift
from pixelrl.actions.saliency import where_salient
from pixelrl.errors import ConfigError, ContractError, MapError, PluginError
from pixelrl.saliency.model import Kind, Saliency, SaliencyModel, as_density, as_unit
from pixelrl.testing import check_saliency
from pixelrl_tasks.saliency_models.gbvs import Gbvs
from strategies import filled, seeds


class Counting:
    """Find brightness salient, and count the questions."""

    name: ClassVar[str] = "bright"
    kind: ClassVar[Kind] = "contrast"

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, image: Tensor) -> Tensor:
        self.asked += 1
        return image.mean(1)


def picture(seed: int = 0, *shape: int) -> Tensor:
    return filled(shape or (2, 3, 12, 16), seed)


def test_an_episode_of_t_steps_costs_t_plus_one_evaluations() -> None:
    model = Counting()
    saliency = Saliency(model)
    images = [picture(seed) for seed in range(7)]
    for before, after in pairwise(images):
        for asked in (images[0], after, before, images[0], before):  # in whatever order
            assert torch.equal(saliency(asked)[:, 0], asked.mean(1))
    assert model.asked == 7


def test_an_image_that_was_written_into_is_asked_about_again() -> None:
    saliency = Saliency(Counting())
    image = picture()
    saliency(image)
    image.mul_(0.5)
    assert torch.equal(saliency(image)[:, 0], image.mean(1))
    with torch.inference_mode():  # whose tensors have no version
        assert saliency(image * 1).shape == (2, 1, 12, 16)


def test_gray_becomes_rgb_and_values_are_clamped() -> None:
    gray = filled((1, 1, 8, 8), 0, low=-1, high=2)
    torch.testing.assert_close(Saliency(Counting())(gray), gray.clamp(0, 1))


def test_no_autocast_reaches_the_model() -> None:
    class Seeing(Counting):
        def __call__(self, image: Tensor) -> Tensor:
            assert not torch.is_autocast_enabled("cpu")
            return super().__call__(image)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert Saliency(Seeing())(picture()).dtype == torch.float32


def test_gradient_passes_where_it_is_wanted_and_nowhere_else() -> None:
    saliency, image = Saliency(Gbvs()), picture().requires_grad_()
    with torch.no_grad():
        assert not saliency(image).requires_grad
    answer = saliency(image)  # what was remembered without gradient does not do
    (gradient,) = torch.autograd.grad(answer[0, 0, 0, 0], image)
    assert float(gradient.abs().max()) > 0
    assert not saliency(picture()).requires_grad


def test_a_model_without_gradient_says_so_instead_of_teaching_nothing() -> None:
    class Blind(Counting):
        def __call__(self, image: Tensor) -> Tensor:
            return super().__call__(image).detach()

    saliency = Saliency(Blind())
    assert saliency(picture()).shape[1] == 1
    with pytest.raises(ConfigError, match=r"carries no gradient.*estimator=sampled"):
        saliency(picture().requires_grad_())


def test_answers_that_break_the_contract_are_refused() -> None:
    def with_answer(answer: Tensor) -> Saliency:
        return Saliency(type("Odd", (Counting,), {"__call__": lambda _, x: answer})())

    for answer in (torch.zeros(2, 1, 12, 16), torch.zeros(2, 12, 16).double()):
        with pytest.raises(MapError, match="saliency of 'bright'"):
            with_answer(answer)(picture())
    for value in (torch.nan, torch.inf, -1.0):
        with pytest.raises(MapError, match="finite numbers from 0 on"):
            with_answer(torch.full((2, 12, 16), value))(picture())
    with pytest.raises(MapError, match="1 or 3 channels"):
        Saliency(Counting())(picture(0, 1, 2, 8, 8))


def test_models_are_found_by_name() -> None:
    assert Saliency.named("gbvs").name == "gbvs"
    assert Saliency.named("itti", {"side": 64}).kind == "contrast"
    assert isinstance(Saliency.named("gbvs").model, SaliencyModel)
    both = Saliency.named("gbvs+itti")
    assert both.name == "gbvs+itti"
    image = picture(0, 1, 3, 40, 40)
    parts = [as_density(Saliency.named(name)(image)) for name in ("gbvs", "itti")]
    torch.testing.assert_close(both(image), (parts[0] + parts[1]) / 2)


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("gbsv", {}, "Did you mean 'gbvs'?"),
        ("gbvs", {"sides": 3}, "sides"),
        ("gbvs", {"side": 4}, "grid"),
        ("gbvs+itti", {"side": 64}, "take no options"),
        (f"{__name__}:picture", {}, "expected a saliency model"),
        ("math:pi", {}, "expected what makes a saliency model"),
    ],
)
def test_names_that_stand_for_no_model(name: str, options: dict[str, object], told: str) -> None:
    with pytest.raises(PluginError) as caught:
        Saliency.named(name, options)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@given(seeds, st.floats(1e-6, 1e6))
def test_a_density_sums_to_one_whatever_the_scale(seed: int, scale: float) -> None:
    saliency = picture(seed, 2, 1, 9, 7)
    density = as_density(saliency * scale)
    torch.testing.assert_close(density.sum((-2, -1)), torch.ones(2, 1))
    torch.testing.assert_close(density, as_density(saliency))
    assert bool((density > 0).all())
    assert float(as_unit(saliency * scale).max()) == pytest.approx(1)


def test_a_map_of_zeros_is_uniform_as_a_density_and_zero_as_a_unit() -> None:
    torch.testing.assert_close(as_density(torch.zeros(1, 4, 4)), torch.full((1, 4, 4), 1 / 16))
    assert torch.equal(as_unit(torch.zeros(1, 4, 4)), torch.zeros(1, 4, 4))


def test_an_edit_where_salient_is_whole_at_the_peak_and_nothing_at_zero() -> None:
    image = picture(0, 1, 3, 4, 4)
    image[..., 0, 0], image[..., 3, 3] = 0.0, 1.0
    model = Counting()
    saliency, edit = Saliency(model), saturation(0.0)
    here, there = (where_salient(saliency, edit, inverted=i)(image) for i in (False, True))
    torch.testing.assert_close(here[..., 3, 3], edit(image)[..., 3, 3])
    assert torch.equal(here[..., 0, 0], image[..., 0, 0])
    assert torch.equal(there[..., 3, 3], image[..., 3, 3])
    torch.testing.assert_close(here + there, image + edit(image))
    assert model.asked == 1
    up = where_salient(saliency, shift(0.1))(image) - image
    torch.testing.assert_close(up, 0.1 * as_unit(saliency(image)).expand(-1, 3, -1, -1))


def told(**methods: object) -> str:
    with pytest.raises(ContractError) as caught:
        check_saliency(type("Bad", (Counting,), methods)(), size=24)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_checker_passes_good_models_and_names_every_broken_promise() -> None:
    check_saliency(Counting())
    assert "has no name" in told(name=None)
    assert "of kind 'pretty'" in told(kind="pretty")
    assert "return a tensor" in told(__call__=lambda _, x: x.numpy())
    assert "a number per pixel" in told(__call__=lambda _, x: x.mean(1, keepdim=True))
    assert "return float32" in told(__call__=lambda _, x: x.mean(1).double())
    assert "NaN or infinity" in told(__call__=lambda _, x: x.mean(1) / 0)
    assert "below zero" in told(__call__=lambda _, x: x.mean(1) - 0.5)
    assert "writes into the images" in told(__call__=lambda _, x: x.mul_(0.5).mean(1))
    assert "two equal calls" in told(__call__=lambda _, x: x.mean(1) + torch.rand(1))
    assert "alone and in a batch" in told(__call__=lambda _, x: x.mean(1) / x.mean())
    flat = "images of one color makes NaN"
    assert flat in told(__call__=lambda _, x: x.mean(1) / x.amax((1, 2, 3))[:, None, None])
    assert "upright" in told(__call__=lambda _, x: x.mean(1).reshape(-1, 24, 36))


def test_a_module_follows_the_image(device: str) -> None:
    class Net(nn.Module):
        name, kind = "net", "fixation"

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 1, 1)

        def forward(self, image: Tensor) -> Tensor:
            answer: Tensor = self.conv(image).abs().squeeze(1)
            return answer

    assert Saliency(Net())(picture().to(device)).device.type == device
