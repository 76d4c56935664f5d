"""Reward and scores of saliency editing: their laws, their budgets, and what cheats get."""

from collections.abc import Mapping

import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_cie76, rgb2lab
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor

from pixelrl.actions import saturation
from pixelrl.saliency.files import CallableSaliency
from pixelrl.saliency.model import Saliency
from pixelrl.scores import as_written
from pixelrl_tasks.saliency_editing.baselines import finish_by_hand, stretch
from pixelrl_tasks.saliency_editing.budgets import (
    Goal,
    hold_back,
    measure_spent,
    measure_stray,
    valid,
)
from pixelrl_tasks.saliency_editing.fidelity import (
    color_distance,
    mean_in,
    nearly_clipped,
    newly_clipped,
    structure,
)
from pixelrl_tasks.saliency_editing.reward import logit_share, saliency_reward
from pixelrl_tasks.saliency_editing.scores import saliency_scores
from pixelrl_tasks.saliency_models.gbvs import Gbvs
from pixelrl_tasks.saliency_models.itti import Itti
from strategies import filled, seeds

GBVS, ITTI = Saliency(Gbvs()), Saliency(Itti())
BRIGHT = Saliency(CallableSaliency(lambda image: image.mean(1)))


def photo(side: int = 64) -> tuple[Tensor, Tensor]:
    """Reduce a colorful photograph, and mark a disc on it."""
    image = torch.from_numpy(skimage.data.chelsea() / 255).permute(2, 0, 1)[None].float()
    small = F.interpolate(image[..., :300], (side, side), mode="bilinear", antialias=True)
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    disc = (y - 0.55 * side).square() + (x - 0.6 * side).square() < (0.2 * side) ** 2
    return small.clamp(0, 1), disc.float()[None, None]


def test_color_distance_is_that_of_scikit_image() -> None:
    one, two = filled((1, 3, 9, 7), 0), filled((1, 3, 9, 7), 1)
    wanted = deltaE_cie76(*(rgb2lab(each[0].permute(1, 2, 0).numpy()) for each in (one, two)))
    # Its and Kornia's white differ in the fourth digit.
    np.testing.assert_allclose(color_distance(one, two)[0, 0].numpy(), wanted, atol=0.05)


def test_clipping_counts_what_was_not_clipped_before() -> None:
    original = torch.tensor([0.5, 0.5, 1.0, 0.0]).expand(1, 3, 1, 4)
    image = torch.tensor([1.2, 0.5, 1.0, -0.1]).expand(1, 3, 1, 4)
    assert newly_clipped(image, original).flatten().tolist() == [1, 0, 0, 0]


def test_structure_survives_grades_and_no_blur_noise_or_fill() -> None:
    image, _ = photo()
    kept = {
        "same": image,
        "contrast": stretch(0.7)(image),
        "color": saturation(0.5)(image),
        "darker": image * 0.8,
    }
    for name, after in kept.items():
        assert float(structure(after, image).mean()) > 0.95, name
    noise = image + 0.2 * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    lost = {
        "noise": noise.clamp(0, 1),
        "fill": torch.full_like(image, 0.4),
        "flat noise": torch.rand(image.shape, generator=torch.Generator().manual_seed(0)),
        "blur": F.avg_pool2d(image, 9, 1, 4, count_include_pad=False),
        "negative": 1 - image,
    }
    for name, after in lost.items():
        assert float(structure(after, image).mean()) < 0.85, name
    assert float(structure(image, image).min()) == pytest.approx(1, abs=1e-3)


def test_the_mean_in_a_region_by_hand() -> None:
    value = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None]
    region = torch.tensor([[1.0, 0.0], [0.0, 0.5]])[None, None]
    assert float(mean_in(value, region)) == pytest.approx((1 + 2) / 1.5)
    assert float(mean_in(value, torch.zeros_like(region))) == 0


@given(seeds, st.floats(1e-3, 1e3))
def test_the_share_is_a_probability_and_both_sides_are_opposites(seed: int, scale: float) -> None:
    saliency, mask = filled((2, 1, 8, 8), seed), filled((2, 1, 8, 8), seed + 1)
    logit = logit_share(saliency * scale, mask)
    torch.testing.assert_close(logit, -logit_share(saliency, 1 - mask), rtol=1e-3, atol=1e-4)
    whole = (saliency * mask).sum((1, 2, 3)) / saliency.sum((1, 2, 3))
    torch.testing.assert_close(logit.sigmoid(), whole, rtol=1e-3, atol=1e-4)
    for all_or_none in (torch.zeros_like(mask), torch.ones_like(mask)):
        assert bool(logit_share(saliency, all_or_none).isfinite().all())


@settings(max_examples=10)
@given(seeds, st.sampled_from([1, -1]))
def test_rewards_of_an_episode_sum_to_its_end_whatever_the_way(seed: int, sign: int) -> None:
    original = filled((2, 3, 16, 20), seed)
    mask = (filled((2, 1, 16, 20), seed + 1) > 0.7).float()
    goal = Goal(sign=sign)

    def summed(before: Tensor, after: Tensor) -> Tensor:
        return saliency_reward(GBVS, before, after, original, mask, goal).mean((1, 2, 3))

    one, end = filled((2, 3, 16, 20), seed + 2), (original * 1.1).clamp(0, 1)
    straight = summed(original, end)
    detour = summed(original, one) + summed(one, end)
    torch.testing.assert_close(straight, detour, rtol=1e-3, atol=2e-3)
    torch.testing.assert_close(summed(one, one), torch.zeros(2), rtol=0, atol=1e-5)


def test_the_reward_by_hand() -> None:
    """Brightness is saliency: within the budgets the potential is the gain alone.

    The image is flat, and a new edge on it is new structure, which is left out here.
    """
    free = {"structure": -1.0}
    original = torch.full((1, 3, 16, 16), 0.5)
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., :4] = 1
    after = torch.where(mask > 0, original * 1.1, original)
    reward = saliency_reward(BRIGHT, original, after, original, mask, Goal(**free))
    assert float(reward.mean()) == pytest.approx(np.log(1.1), rel=1e-3)
    lower = saliency_reward(BRIGHT, original, after, original, mask, Goal(sign=-1, **free))
    assert float(lower.mean()) == pytest.approx(-np.log(1.1), rel=1e-3)
    bright = torch.where(mask > 0, original * 1.9, original)  # more than the cap, and too far
    far = float(measure_stray(bright, original, mask)[0].color)
    capped = saliency_reward(BRIGHT, original, bright, original, mask, Goal(cap=0.3, **free))
    assert float(capped.mean()) == pytest.approx(0.3 - (far - 0.8 * 15) / 10, abs=0.02)


def test_a_pixel_is_paid_for_its_own_doing() -> None:
    image, mask = photo()
    half = (torch.arange(64) < 32).float()
    colored = torch.lerp(image, saturation(1.2)(image), mask * half)
    reward = saliency_reward(GBVS, image, colored, image, mask, Goal())
    region = mask[0, 0] > 0
    did, not_did = region & (half > 0), region & (half == 0)
    assert float(reward[0, 0][did].mean()) > float(reward[0, 0][not_did].mean())


@pytest.mark.parametrize("sign", [1, -1])
def test_cheats_score_nothing_and_lose_while_the_grade_gains(sign: int) -> None:
    image, mask = photo(128)
    goal = Goal(sign=sign, margin=1.0)  # the grade makes use of nearly all that may be clipped
    for name, after in finish_by_hand(image, mask, sign).items():
        scores = saliency_scores(GBVS, ITTI, after, image, mask, goal)
        reward = float(saliency_reward(GBVS, image, after, image, mask, goal).mean())
        if name == "fixed grade":
            assert float(scores["valid"]) == 1
            assert float(scores["gain"]) > 0.1
            assert float(scores["critic_gain"]) > 0.1
            assert reward > 0.05
        else:  # of this colorful photograph gray is a cheat as well
            assert float(scores["gain"]) == 0, name
            assert float(scores["critic_gain"]) == 0, name
            assert reward < 0, name


def test_learning_stays_clear_of_the_budgets() -> None:
    """What is valid by a hair is worth less than what is valid by a margin."""
    image, mask = photo()
    faded = [torch.lerp(image, image * 0.8, mask * share) for share in (0.5, 1.0)]
    spent = [float(measure_stray(each, image, mask)[0].color) for each in faded]
    goal = Goal(inside=spent[1] + 0.1, cap=1e-6)  # both are valid, and nothing is to be gained
    rewards = [
        float(saliency_reward(GBVS, image, each, image, mask, goal).mean()) for each in faded
    ]
    assert rewards[0] == pytest.approx(0, abs=1e-3)
    assert rewards[1] == pytest.approx(-(spent[1] - 0.8 * goal.inside) / 10, abs=1e-3)


@given(seeds, st.floats(0.5, 2.0), st.floats(0.0, 0.3))
def test_nobody_steps_over_a_budget(seed: int, factor: float, noise: float) -> None:
    image, mask = photo(32)
    goal, now = Goal(), image
    for step in range(3):
        wild = (now * factor + noise * (filled(now.shape, seed + step) - 0.5)).clamp(0, 1)
        now = hold_back(now, wild, image, mask, goal)
        assert float(valid(*measure_stray(as_written(now), image, mask), goal)) == 1


@given(seeds)
def test_what_rounds_to_black_counts_as_black(seed: int) -> None:
    """Results are files of 8 bits: 1.3 gray levels are one there, which is clipped."""
    image, mask = photo(32)
    image = torch.lerp(image, as_written(filled(image.shape, seed, low=0.012, high=0.05)), mask)
    nearly = filled(image.shape, seed + 1, low=1.1 / 255, high=1.4 / 255)
    moved = torch.lerp(image, nearly, mask)
    held = hold_back(image, moved, image, mask, Goal(inside=100.0, structure=-1.0))
    assert float(newly_clipped(moved, image).mean()) == 0
    assert torch.equal(held * mask, image * mask)


def test_one_side_moves_while_the_other_stands_still() -> None:
    image, mask = photo()
    graded = finish_by_hand(image, mask, 1)["fixed grade"]
    wild = torch.lerp(1 - image, graded, mask)  # a grade in the region, a negative around it
    held = hold_back(image, wild, image, mask, Goal(inside=20.0, clipped=0.5))
    assert torch.equal(held * (1 - mask), image * (1 - mask))
    torch.testing.assert_close(held * mask, graded * mask)
    assert torch.equal(hold_back(image, image, image, mask, Goal()), image)


def test_agents_see_what_is_spent() -> None:
    image, mask = photo()
    assert not measure_spent(image, image, mask, Goal()).any()
    faded = torch.lerp(image, image * 0.9, mask)
    far = float(measure_stray(faded, image, mask)[0].color)
    seen = measure_spent(faded, image, mask, Goal(inside=2 * far))
    inside = mask[0, 0] > 0
    torch.testing.assert_close(seen[0, 0][inside], torch.full_like(seen[0, 0][inside], 0.5))
    assert not seen[0, 0][~inside].any()
    assert float(seen[0, 2][inside][0]) > 0  # a little structure, too
    assert float(measure_spent(1 - image, image, mask, Goal()).max()) == 2


def test_the_reward_has_a_gradient_everywhere_it_matters() -> None:
    image, mask = photo()
    bright = (image * 1.6).clamp(0, 1)
    for begun in (image, bright, torch.zeros_like(image), torch.ones_like(image)):
        now = begun.clone().requires_grad_()
        reward = saliency_reward(GBVS, image, now, image, mask, Goal()).mean()
        (gradient,) = torch.autograd.grad(reward, now)
        assert gradient.isfinite().all()
        assert float(gradient.abs().max()) > 0
    # Less light where it nearly clips is worth something, long before all is lost.
    edge = torch.full_like(image, 0.985).requires_grad_()
    reward = saliency_reward(GBVS, image, edge, image, mask, Goal(sign=1)).mean()
    (gradient,) = torch.autograd.grad(reward, edge)
    assert float(gradient.mean()) < 0


def test_pixels_near_the_end_of_their_range_count_in_part() -> None:
    original = torch.full((1, 3, 1, 5), 0.5)
    levels = torch.tensor([0.5, 0.96, 0.985, 1.0, 0.0])
    near = nearly_clipped(levels.expand(1, 3, 1, 5), original).flatten()
    torch.testing.assert_close(near, torch.tensor([0, 0, 0.5, 1, 1.0]), atol=1e-5, rtol=0)
    assert not nearly_clipped(levels.expand(1, 3, 1, 5), levels.expand(1, 3, 1, 5)).any()


def scored(image: Tensor, original: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
    return saliency_scores(GBVS, ITTI, image, original, mask, Goal())


def test_scores_of_no_edit() -> None:
    image, mask = photo()
    scores = scored(image, image, mask)
    for name in ("gain", "critic_gain", "dlogit", "critic_dlogit", "relative", "absolute"):
        assert float(scores[name]) == 0
    assert float(scores["valid"]) == 1
    assert float(scores["elsewhere"]) == 0
    for side in ("mask", "rest"):
        assert float(scores[f"{side}_color"]) == float(scores[f"{side}_color_p95"]) == 0
        assert float(scores[f"{side}_clipped"]) == 0
        assert float(scores[f"{side}_psnr"]) == 100
        assert float(scores[f"{side}_ssim"]) == pytest.approx(1, abs=1e-4)


def test_scores_of_a_region_see_that_region_alone() -> None:
    image, mask = photo()
    after = torch.lerp(image, image * 0.9, mask)
    scores = scored(after, image, mask)
    assert float(scores["rest_psnr"]) == 100
    inside = mask[0, 0].bool()
    levels = [(each * 255).round() / 255 for each in (after, image)]
    pixels = [each[0, :, inside].double().numpy() for each in levels]
    wanted = peak_signal_noise_ratio(pixels[1], pixels[0], data_range=1.0)
    assert float(scores["mask_psnr"]) == pytest.approx(wanted, abs=1e-3)
    assert float(scores["mask_color"]) > 1
    assert float(scores["rest_color"]) == 0


def test_the_control_tells_a_region_from_another() -> None:
    """Whoever lifts the whole image lifts both; whoever lifts the region lowers the other."""
    image, mask = photo()
    assert float(scored(stretch(1.1)(image).clamp(0, 1), image, mask)["elsewhere"]) < 0.05
    graded = finish_by_hand(image, mask, 1)["fixed grade"]
    scores = scored(graded, image, mask)
    assert float(scores["dlogit"]) > 0.2 > float(scores["elsewhere"])
    other = mask.roll((32, 32), (-2, -1)) * (1 - mask)
    wanted = logit_share(GBVS(as_written(graded)), other) - logit_share(
        GBVS(as_written(image)), other
    )
    torch.testing.assert_close(scores["elsewhere"], wanted)


def test_the_95th_percentile_sees_what_a_mean_hides() -> None:
    image, mask = photo()
    few = mask * (filled(mask.shape, 3) > 0.9)  # a tenth of the region
    after = torch.lerp(image, 1 - image, few)
    scores = scored(after, image, mask)
    distance = color_distance(as_written(after), as_written(image))
    wanted = np.percentile(distance[mask > 0].numpy(), 95)
    assert float(scores["mask_color_p95"]) == pytest.approx(wanted, rel=1e-4)
    assert float(scores["mask_color_p95"]) > 3 * float(scores["mask_color"])
    assert float(scores["rest_color_p95"]) == 0


def test_budgets_make_invalid_on_either_side() -> None:
    image, mask = photo()
    for region in (mask, 1 - mask):
        for much in (lambda x: 1 - x, lambda x: torch.full_like(x, 0.5), lambda x: x * 3):
            after = torch.lerp(image, much(image), region).clamp(0, 1)
            sides = measure_stray(after, image, mask)
            assert float(valid(sides[0], sides[1], Goal())) == 0
