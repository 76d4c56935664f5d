"""Denoising is the papers': nine edits equal to OpenCV's, three kinds of noise, a local reward."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor

from pixelrl import Task, scores
from pixelrl.errors import ConfigError
from pixelrl.oracle import greedy
from pixelrl.testing import check_task
from pixelrl_tasks.denoising import Denoising
from pixelrl_tasks.inpainting import Inpainting
from strategies import seeds

OPENED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "-1": lambda x: x - np.float32(1 / 255),
    "keep": lambda x: x,
    "+1": lambda x: x + np.float32(1 / 255),
    "gaussian 0.5": lambda x: cv2.GaussianBlur(x, (5, 5), 0.5),
    "bilateral 0.1": lambda x: cv2.bilateralFilter(x, 5, 0.1, 5.0),
    "median": lambda x: cv2.medianBlur(x, 5),
    "gaussian 1.5": lambda x: cv2.GaussianBlur(x, (5, 5), 1.5),
    "bilateral 1.0": lambda x: cv2.bilateralFilter(x, 5, 1.0, 5.0),
    "box": lambda x: cv2.boxFilter(x, -1, (5, 5)),
}
KINDS = ("gaussian", "poisson", "salt_and_pepper")


def noisy(task: Task, clean: Tensor, seed: int = 0) -> Tensor:
    return task.problem({"image": clean}, Generator().manual_seed(seed))["image"]


@pytest.mark.parametrize("noise", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_it_keeps_the_contract(noise: str, channels: int) -> None:
    check_task(Denoising(channels=channels, noise=noise))


def test_blind_noise_differs_from_image_to_image_within_its_range() -> None:
    task, clean = Denoising(sigma=55, sigma_min=5), torch.full((1, 64, 64), 0.5)
    sigmas = [float(255 * (noisy(task, clean, seed) - clean).std()) for seed in range(60)]
    assert 4.5 < min(sigmas) < 15
    assert 45 < max(sigmas) < 58
    assert torch.equal(noisy(task, clean, 3), noisy(task, clean, 3))
    with pytest.raises(ConfigError, match=r"task\.sigma_min: .* to task\.sigma=25.0, got 30"):
        Denoising(sigma_min=30)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sees_edits", [False, True])
def test_agents_may_see_how_strong_the_noise_is(channels: int, sees_edits: bool) -> None:
    task = Denoising(
        channels=channels, sees_edits=sees_edits, sigma=55, sigma_min=0, noise_map=True
    )
    check_task(task)
    blind = replace(task, noise_map=False)
    clean = torch.rand((channels, 64, 64), generator=Generator().manual_seed(0))
    for seed in range(20):
        rng, same = Generator().manual_seed(seed), Generator().manual_seed(seed)
        scene = task.problem({"image": clean}, rng)
        assert torch.equal(scene["image"], blind.problem({"image": clean}, same)["image"])
        added = (scene["image"] - clean).std()
        torch.testing.assert_close(scene["noise_level"].mean(), added, rtol=0.05, atol=1e-3)
        batch = {name: value[None] for name, value in scene.items()}
        seen = task.observe(batch["image"], batch)
        assert torch.equal(seen[:, :-1], blind.observe(batch["image"], batch))
        assert torch.equal(seen[:, -1:], batch["noise_level"])
        # Of a user's picture nothing is known but what was said.
        said = task.observe(batch["image"], {"image": batch["image"]})
        assert torch.equal(said[:, -1], torch.full((1, 64, 64), 55 / 255))
    with pytest.raises(ConfigError, match=r"task\.noise_map: only gaussian .* task\.noise=poisson"):
        Denoising(noise="poisson", noise_map=True)


def test_its_edits_are_the_published_ones_in_their_order() -> None:
    for task in (Denoising(), Inpainting()):
        assert task.actions.names == tuple(OPENED)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", OPENED)
def test_edits_equal_opencv_border_included(name: str, channels: int) -> None:
    camera = torch.from_numpy(skimage.data.astronaut()[60:130, 180:260, :channels] / 255)
    image = noisy(Denoising(channels=channels), camera.permute(2, 0, 1).float())
    after = Denoising(channels=channels).actions[name](image[None])[0]
    theirs = OPENED[name](np.ascontiguousarray(image.permute(1, 2, 0).numpy()))
    wanted = torch.from_numpy(np.atleast_3d(theirs)).permute(2, 0, 1)
    torch.testing.assert_close(after, wanted, rtol=0, atol=5e-6)


def test_the_box_by_hand() -> None:
    image = torch.zeros(1, 1, 3, 3)
    image[..., 1, 1] = 1.0
    # Mirrored indices: 2 1 0 1 2 around the first pixel, 1 0 1 2 1 around the middle one.
    corner, side, middle = 2 * 2 / 25, 2 * 3 / 25, 3 * 3 / 25
    wanted = torch.tensor([[corner, side, corner], [side, middle, side], [corner, side, corner]])
    torch.testing.assert_close(Denoising().actions["box"](image)[0, 0], wanted)


def test_the_reward_by_hand() -> None:
    target = torch.full((1, 1, 3, 3), 0.5)
    before = torch.tensor([[0.5, 0.6, 0.7], [0.4, 0.3, 0.5], [0.5, 1.1, 0.0]])[None, None]
    after = torch.tensor([[0.5, 0.5, 0.6], [0.5, 0.4, 0.6], [0.3, 0.9, -0.1]])[None, None]
    squares = [[0.0, 0.01, 0.03], [0.01, 0.03, -0.01], [-0.04, 0.20, -0.11]]
    torch.testing.assert_close(
        Denoising().reward(before, after, {"image": before, "target": target})[0, 0],
        255 * torch.tensor(squares),
    )


@given(seeds, st.sampled_from(KINDS), st.sampled_from([1, 3]))
def test_the_same_seed_gives_the_same_noise_and_another_one_another(
    seed: int, noise: str, channels: int
) -> None:
    task = Denoising(channels=channels, noise=noise)
    clean = torch.full((channels, 24, 20), 0.4)
    assert torch.equal(noisy(task, clean, seed), noisy(task, clean, seed))
    assert not torch.equal(noisy(task, clean, seed), noisy(task, clean, seed + 1))


@pytest.mark.parametrize("noise", KINDS)
def test_noise_comes_from_the_given_generator_alone(noise: str) -> None:
    before = torch.get_rng_state()
    noisy(Denoising(noise=noise), torch.rand(1, 8, 8, generator=Generator().manual_seed(0)))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("sigma", [5.0, 25.0, 50.0])
def test_gaussian_noise_has_its_deviation_and_is_neither_clipped_nor_rounded(sigma: float) -> None:
    drawn = noisy(Denoising(sigma=sigma), torch.zeros(1, 256, 256)) * 255
    assert float(drawn.std()) == pytest.approx(sigma, rel=0.02)
    assert float(drawn.mean()) == pytest.approx(0, abs=sigma / 50)
    assert drawn.min() < 0
    assert (drawn != drawn.round()).float().mean() > 0.99


@pytest.mark.parametrize("peak", [10.0, 30.0, 120.0])
@pytest.mark.parametrize("level", [0.2, 0.8])
def test_the_variance_of_poisson_noise_is_the_light_over_the_peak(
    peak: float, level: float
) -> None:
    drawn = noisy(Denoising(noise="poisson", peak=peak), torch.full((1, 256, 256), level))
    assert float(drawn.mean()) == pytest.approx(level, rel=0.02)
    assert float(drawn.var()) == pytest.approx(level / peak, rel=0.03)
    torch.testing.assert_close(drawn * peak, (drawn * peak).round())


@pytest.mark.parametrize("density", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_salt_and_pepper_replace_their_share_half_each(density: float) -> None:
    drawn = noisy(
        Denoising(channels=3, noise="salt_and_pepper", density=density),
        torch.full((3, 256, 256), 0.4),
    )
    for value in (0.0, 1.0):
        assert float((drawn == value).float().mean()) == pytest.approx(density / 2, abs=0.006)
    assert set(drawn.unique().tolist()) <= {0.0, float(torch.tensor(0.4)), 1.0}
    assert torch.equal(drawn[0], drawn[2])  # a pixel, not a channel, is replaced


@given(seeds, st.sampled_from(KINDS))
def test_clipping_keeps_the_image_in_range_and_changes_nothing_else(seed: int, noise: str) -> None:
    clean = torch.rand(1, 16, 16, generator=Generator().manual_seed(seed))
    wild = noisy(Denoising(noise=noise, sigma=80), clean, seed)
    assert torch.equal(
        noisy(Denoising(noise=noise, sigma=80, clip=True), clean, seed), wild.clip(0, 1)
    )


@pytest.mark.parametrize("noise", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_greedy_edits_take_noise_out(noise: str, channels: int) -> None:
    task = Denoising(channels=channels, noise=noise)
    photograph = torch.from_numpy(skimage.data.camera()[100:164, 200:264] / 255).float()
    clean = photograph.expand(channels, -1, -1)
    scene = {
        name: value[None]
        for name, value in task.problem({"image": clean}, Generator().manual_seed(0)).items()
    }
    images, _ = greedy(task, scene)
    before = scores.psnr(scene["image"], scene["target"])
    assert float(scores.psnr(images[-1], scene["target"]) - before) > 4


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("sigma", -1.0),
        ("sigma", float("nan")),
        ("peak", 0.0),
        ("density", 1.1),
        ("density", -0.1),
        ("channels", 2),
        ("length", 0),
        ("noise", "speckle"),
    ],
)
def test_a_setting_out_of_range_is_named_in_one_line(setting: str, value: float | str) -> None:
    with pytest.raises(ConfigError, match=f"^task.{setting}: expected .* got ") as caught:
        Denoising(**{setting: value})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_further_shifts_move_one_channel_alone() -> None:
    task, image = Denoising(channels=3, shifts=(2, 8)), torch.rand(1, 3, 6, 6)
    assert task.actions.names[:9] == tuple(OPENED)
    assert task.actions.names[9:12] == ("red -2", "red +2", "green -2")
    moved = 255 * (task.candidates(image, {}) - image[:, None])[0, 9:].mean((2, 3))
    assert moved.shape == (12, 3)
    assert (moved.round().abs().sort(1).values[:, :2] == 0).all()
    assert sorted(moved.sum(1).round().tolist()) == [-8] * 3 + [-2] * 3 + [2] * 3 + [8] * 3
    assert Inpainting(shifts=(4,)).actions.names[9:] == ("-4", "+4")
    check_task(task)


def test_further_shifts_lead_nearer_in_color() -> None:
    rng = torch.Generator().manual_seed(0)
    clean = torch.rand(1, 3, 4, 4, generator=rng).repeat_interleave(8, 2).repeat_interleave(8, 3)
    found = []
    for task in (Denoising(channels=3), Denoising(channels=3, shifts=(2, 8))):
        scene = {"image": noisy(task, clean[0])[None], "target": clean}
        images, _ = greedy(task, scene)
        found.append(float(scores.psnr(images[-1], clean)))
    assert found[1] > found[0] + 3


@pytest.mark.parametrize("wrong", [0, -2, 256])
def test_further_shifts_are_gray_levels(wrong: float) -> None:
    with pytest.raises(ConfigError, match=rf"task\.shifts: expected gray levels.*, got {wrong}"):
        Denoising(shifts=(2, wrong))
