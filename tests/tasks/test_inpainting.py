"""Text lies on the clean image, white or black, and good edits take it off."""

import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor

from pixelrl import scores
from pixelrl.errors import ConfigError
from pixelrl.oracle import greedy
from pixelrl.testing import check_task
from pixelrl_tasks.inpainting import Inpainting
from strategies import seeds

BUNDLED = Inpainting(fonts="bundled")
"""Set in the one face that every machine has."""


def photograph(height: int = 70, width: int = 70) -> Tensor:
    cut = skimage.data.camera()[100 : 100 + height, 150 : 150 + width]
    return torch.from_numpy(cut / 255).float()[None]


@pytest.mark.parametrize("channels", [1, 3])
def test_it_keeps_the_contract(channels: int) -> None:
    check_task(Inpainting(channels=channels))
    check_task(Inpainting(channels=channels, fonts="bundled", rotation=90))


@given(seeds)
def test_text_is_one_color_that_covers_in_shares(seed: int) -> None:
    clean = photograph()
    scene = BUNDLED.problem({"image": clean}, Generator().manual_seed(seed))
    assert torch.equal(scene["target"], clean)
    difference = scene["image"] - clean
    assert bool((difference >= 0).all()) or bool((difference <= 0).all())
    assert 0 <= scene["image"].min() <= scene["image"].max() <= 1


def test_white_and_black_are_equally_likely_and_elsewhere_nothing_changes() -> None:
    gray = torch.full((1, 64, 64), 0.5)
    drawn = [
        BUNDLED.problem({"image": gray}, Generator().manual_seed(n))["image"] for n in range(200)
    ]
    shown = [image for image in drawn if not torch.equal(image, gray)]
    white = sum(bool((image > 0.5).any()) for image in shown)
    assert len(shown) > 150
    assert 0.4 < white / len(shown) < 0.6
    for image in shown:
        assert bool((image == 0.5).any())
        assert bool((image >= 0.5).all()) or bool((image <= 0.5).all())


def test_all_channels_of_a_color_image_bear_the_same_text() -> None:
    clean = torch.full((3, 70, 70), 0.5)
    task = Inpainting(channels=3, fonts="bundled")
    image = task.problem({"image": clean}, Generator().manual_seed(3))["image"]
    assert torch.equal(image[0], image[2])
    assert not torch.equal(image, clean)


@pytest.mark.parametrize("channels", [1, 3])
def test_half_of_the_texts_may_have_any_color(channels: int) -> None:
    clean = torch.full((channels, 64, 64), 0.5)
    task = Inpainting(channels=channels, fonts="bundled", inks="any")
    inks = []
    for seed in range(200):
        image = task.problem({"image": clean}, Generator().manual_seed(seed))["image"]
        far = (image - clean).abs().flatten(1)
        if far.any():  # where the text covers wholly
            inks.append(image.flatten(1)[:, far.sum(0).argmax()])
    plain = sum(bool((ink == 0).all() or (ink == 1).all()) for ink in inks)
    assert len(inks) > 150
    assert 0.4 < plain / len(inks) < 0.6
    assert {len(set(ink.tolist())) for ink in inks} == {1, channels}


@given(seeds, st.sampled_from(["installed", "bundled"]))
def test_the_same_seed_gives_the_same_text(seed: int, fonts: str) -> None:
    maps = {"image": photograph(32, 40)}
    first, second = (
        Inpainting(fonts=fonts).problem(maps, Generator().manual_seed(seed)) for _ in range(2)
    )
    assert torch.equal(first["image"], second["image"])


def test_other_seeds_give_other_texts() -> None:
    maps = {"image": photograph(200, 200)}
    images = [BUNDLED.problem(maps, Generator().manual_seed(n))["image"] for n in range(8)]
    assert all(
        not torch.equal(one, other) for n, one in enumerate(images) for other in images[n + 1 :]
    )


def test_the_reward_by_hand() -> None:
    target = torch.full((1, 1, 3, 3), 0.25)
    before = torch.tensor([[1.0, 0.25, 1.0], [0.0, 0.5, 0.0], [0.25, 0.25, 0.25]])[None, None]
    after = torch.full((1, 1, 3, 3), 0.5)
    squares = [[0.5, -0.0625, 0.5], [0.0, 0.0, 0.0], [-0.0625, -0.0625, -0.0625]]
    torch.testing.assert_close(
        Inpainting().reward(before, after, {"image": before, "target": target})[0, 0],
        255 * torch.tensor(squares),
    )


def test_the_median_takes_a_thin_stroke_off() -> None:
    image = torch.full((1, 1, 9, 9), 0.3)
    image[..., 4] = 1.0
    after = Inpainting().actions["median"](image)
    torch.testing.assert_close(after, torch.full((1, 1, 9, 9), 0.3))


@pytest.mark.parametrize("channels", [1, 3])
def test_greedy_edits_take_text_off(channels: int) -> None:
    task = Inpainting(channels=channels, fonts="bundled")
    clean = photograph(64, 64).expand(channels, -1, -1)
    scene = {
        name: value[None]
        for name, value in task.problem({"image": clean}, Generator().manual_seed(2)).items()
    }
    images, _ = greedy(task, scene)
    before = scores.psnr(scene["image"], scene["target"])
    assert float(before) < 25
    assert float(scores.psnr(images[-1], scene["target"]) - before) > 6


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("sizes", (3, 30)),
        ("sizes", (20, 10)),
        ("rotation", -1.0),
        ("channels", 4),
        ("length", 0),
        ("inks", "red"),
    ],
)
def test_a_setting_out_of_range_is_named_in_one_line(setting: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"^task.{setting}: expected .* got ") as caught:
        Inpainting(**{setting: value})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
