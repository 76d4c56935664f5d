"""Numbers per image or patch become reward maps whose means are the numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from photos import tiny
from pixelrl.actions import Edit, box, keep
from pixelrl.cli.main import main
from pixelrl.config.compose import compose
from pixelrl.credit import movement, patch_means, spread_patches, spread_scalar
from pixelrl.errors import ConfigError, MapError
from pixelrl.experiments.fit import fit
from pixelrl.maps import Scene
from pixelrl.oracle import rewards_per_edit
from pixelrl.runs.tables import mean_values, means
from pixelrl.task import Task
from pixelrl.testing import check_task
from strategies import filled, seeds
from toys import toy_scene

SIDES = st.integers(1, 13)
PATCHES = st.integers(1, 16)


def numbers(batch: int, height: int, width: int, patch: int, seed: int) -> Tensor:
    return filled((batch, 1, -(-height // patch), -(-width // patch)), seed, low=-3, high=3)


def moves(batch: int, height: int, width: int, seed: int) -> Tensor:
    """Fill movements, half of which are zero, as where agents keep their values."""
    return filled((batch, 1, height, width), seed, low=-0.1, high=0.1).clamp(min=0)


def blocks(height: int, width: int, patch: int) -> list[tuple[int, int, slice, slice]]:
    return [
        (row, column, slice(top, top + patch), slice(left, left + patch))
        for row, top in enumerate(range(0, height, patch))
        for column, left in enumerate(range(0, width, patch))
    ]


# The rules


@given(st.integers(1, 3), SIDES, SIDES, PATCHES, seeds, st.booleans())
def test_the_mean_of_every_patch_is_its_number(
    batch: int, height: int, width: int, patch: int, seed: int, everyone: bool
) -> None:
    reward = numbers(batch, height, width, patch, seed)
    moved = None if everyone else moves(batch, height, width, seed + 1)
    found = spread_patches(reward, (height, width), patch, moved)
    assert found.shape == (batch, 1, height, width)
    for row, column, down, across in blocks(height, width, patch):
        mean = found[:, 0, down, across].mean((1, 2))
        torch.testing.assert_close(mean, reward[:, 0, row, column], rtol=1e-4, atol=1e-5)


@given(st.integers(1, 3), SIDES, SIDES, seeds, st.booleans())
def test_the_mean_of_the_image_is_its_number(
    batch: int, height: int, width: int, seed: int, everyone: bool
) -> None:
    reward = filled((batch,), seed, low=-3, high=3)
    moved = None if everyone else moves(batch, height, width, seed + 1)
    found = spread_scalar(reward, (height, width), moved)
    assert found.shape == (batch, 1, height, width)
    torch.testing.assert_close(found.mean((1, 2, 3)), reward, rtol=1e-4, atol=1e-5)


@given(SIDES, SIDES, PATCHES, seeds)
def test_everyone_gets_the_number_of_the_patch_he_is_in(
    height: int, width: int, patch: int, seed: int
) -> None:
    reward = numbers(2, height, width, patch, seed)
    found = spread_patches(reward, (height, width), patch)
    for row, column, down, across in blocks(height, width, patch):
        there = found[:, 0, down, across]
        assert torch.equal(there, reward[:, 0, row, column, None, None].expand_as(there))


@given(SIDES, SIDES, PATCHES, seeds)
def test_movers_share_by_how_far_they_moved(height: int, width: int, patch: int, seed: int) -> None:
    """Independently, in NumPy: number * moved / mean of moved, or the number where none moved."""
    reward, moved = numbers(2, height, width, patch, seed), moves(2, height, width, seed + 1)
    found = spread_patches(reward, (height, width), patch, moved).double().numpy()
    numbers_, moved_ = reward.double().numpy(), moved.double().numpy()
    for row, column, down, across in blocks(height, width, patch):
        for image in range(2):
            there = moved_[image, 0, down, across]
            share = there / there.mean() if there.any() else np.ones_like(there)
            wanted = numbers_[image, 0, row, column] * share
            np.testing.assert_allclose(found[image, 0, down, across], wanted, rtol=1e-4, atol=1e-5)


def test_those_who_kept_their_value_get_nothing_unless_all_did() -> None:
    before = torch.zeros(2, 3, 2, 2)
    after = before.clone()
    after[0, :, 0, 0] = torch.tensor([0.3, 0.0, -0.3])
    moved = movement(before, after)
    torch.testing.assert_close(moved[0, 0], torch.tensor([[0.2, 0.0], [0.0, 0.0]]))
    found = spread_scalar(torch.tensor([-5.0, 7.0]), (2, 2), moved)
    torch.testing.assert_close(found[0, 0], torch.tensor([[-20.0, 0.0], [0.0, 0.0]]))
    assert torch.equal(found[1, 0], torch.full((2, 2), 7.0))


@given(SIDES, SIDES, PATCHES, seeds)
def test_images_of_a_batch_do_not_hear_of_one_another(
    height: int, width: int, patch: int, seed: int
) -> None:
    order = torch.tensor([2, 0, 1])
    reward, moved = numbers(3, height, width, patch, seed), moves(3, height, width, seed + 1)
    size = (height, width)
    for given_moves in (None, moved):
        shuffled = None if given_moves is None else given_moves[order]
        whole = spread_patches(reward, size, patch, given_moves)
        assert torch.equal(spread_patches(reward[order], size, patch, shuffled), whole[order])


@given(st.integers(1, 2), SIDES, SIDES, PATCHES, seeds)
def test_patch_means_are_means_of_patches_smaller_last_ones_too(
    channels: int, height: int, width: int, patch: int, seed: int
) -> None:
    values = filled((2, channels, height, width), seed)
    found = patch_means(values, patch)
    assert found.shape[2:] == (-(-height // patch), -(-width // patch))
    for row, column, down, across in blocks(height, width, patch):
        wanted = values[:, :, down, across].mean((2, 3))
        torch.testing.assert_close(found[:, :, row, column], wanted)


def test_shares_carry_no_gradient_and_the_number_keeps_its_own() -> None:
    reward = torch.tensor([1.0, -2.0], requires_grad=True)
    before = torch.rand(2, 1, 4, 5)
    after = torch.rand(2, 1, 4, 5, requires_grad=True)
    moved = movement(before, after)
    assert not moved.requires_grad
    leaf = moved.clone().requires_grad_()
    found = spread_scalar(reward, (4, 5), leaf)
    slopes = torch.autograd.grad(found.mean(), (reward, leaf), allow_unused=True)
    assert slopes[0] is not None
    torch.testing.assert_close(slopes[0], torch.full((2,), 0.5))
    assert slopes[1] is None
    assert not spread_scalar(reward.detach(), (4, 5), leaf).requires_grad


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: spread_scalar(torch.zeros(2, 1), (4, 4)),
            "reward: expected (B), got (2, 1).",
        ),
        (
            lambda: spread_scalar(torch.zeros(2).double(), (4, 4)),
            "reward: expected float32, got float64.",
        ),
        (
            lambda: spread_scalar(torch.zeros(2), (4, 4), torch.zeros(1, 1, 4, 4)),
            "moved: expected (B 1 H W) with B=2, H=4, W=4, got (1, 1, 4, 4).",
        ),
        (
            lambda: spread_patches(torch.zeros(2, 1, 2, 2), (4, 9), 4),
            "reward: expected (B 1 h w) with h=1, w=3, got (2, 1, 2, 2).",
        ),
        (
            lambda: spread_patches(torch.zeros(2, 1, 2, 2), (4, 4), 0),
            "patch: expected a number of pixels from 1 on, got 0.",
        ),
        (
            lambda: patch_means(torch.zeros(1, 1, 2, 2), -1),
            "patch: expected a number of pixels from 1 on, got -1.",
        ),
    ],
)
def test_wrong_shapes_are_named(call: Callable[[], Tensor], message: str) -> None:
    with pytest.raises(MapError) as caught:
        call()
    assert str(caught.value) == message


# A task that is rewarded so


@dataclass(frozen=True)
class Sharpness(Task):
    """Make a photograph score higher on sharpness, the mean magnitude of its gradient.

    Attributes:
        patch: side of the patches that are scored, in pixels; 0 for the image as a whole.
        credit: who gets the rewards.
    """

    length: int = 2
    patch: int = 0
    credit: Literal["everyone", "movers"] = "everyone"

    def edits(self) -> Mapping[str, Edit]:
        blur = box(3)
        return {
            "blur": blur,
            "keep": keep,
            "sharpen": lambda image: 1.5 * image - 0.5 * blur(image),
        }

    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        size = (after.shape[-2], after.shape[-1])
        moved = movement(before, after) if self.credit == "movers" else None
        rise = 255 * (gradients(after) - gradients(before))
        if self.patch:
            return spread_patches(patch_means(rise, self.patch), size, self.patch, moved)
        return spread_scalar(rise.mean((1, 2, 3)), size, moved)

    def scores(self, image: Tensor, scene: Scene) -> dict[str, Tensor]:
        return {"sharpness": 255 * gradients(image).mean((1, 2, 3))}


def gradients(image: Tensor) -> Tensor:
    """Measure the magnitude of the gradient, mean of both directions, ``(B,1,H,W)``."""
    across = image.diff(dim=3, append=image[..., -1:]).abs()
    down = image.diff(dim=2, append=image[..., -1:, :]).abs()
    return 0.5 * (across + down).mean(1, keepdim=True)


RULES = [(0, "everyone"), (0, "movers"), (5, "everyone"), (5, "movers")]


@pytest.mark.parametrize(("patch", "credit"), RULES)
def test_such_a_task_keeps_every_promise(patch: int, credit: str) -> None:
    check_task(Sharpness(patch=patch, credit=credit))


def test_what_is_earned_is_what_the_score_rose_by() -> None:
    task, scene = Sharpness(credit="movers"), toy_scene(2, 1, 9, 7)
    before, after = scene["image"], scene["image"] ** 2
    rose = [task.scores(image, scene)["sharpness"] for image in (before, after)]
    rewards = task.reward(before, after, scene).mean((1, 2, 3))
    torch.testing.assert_close(rewards, rose[1] - rose[0])


def test_its_edits_have_no_price_of_their_own() -> None:
    scene = toy_scene(1, 1, 8, 8)
    with pytest.raises(ConfigError, match="Sharpness does not promise local_reward"):
        rewards_per_edit(Sharpness(), scene["image"], scene)


@pytest.mark.parametrize(("patch", "credit"), [(0, "movers"), (5, "everyone")])
def test_a_short_fit_raises_the_score(patch: int, credit: str, tmp_path: Path) -> None:
    """By sampling alone, on small crops: the fewer share a number, the more it tells each."""
    options = tiny(
        tmp_path,
        f"task.patch={patch}",
        f"task.credit={credit}",
        "learning.estimator=sampled",
        "learning.episodes=50",
        "learning.rate=0.01",
        "learning.spread=0",
        "learning.value=0.02",
        "network.memory=false",
        "data.crop=8",
        "data.batch=16",
        "run.validate_every=50",
        "run.checkpoint_every=50",
    )
    fitted = fit(compose("test_credit:Sharpness", overrides=options))
    score = mean_values(means(fitted.scores))
    assert score["sharpness"] > 1.4 * score["input_sharpness"]


def test_the_command_line_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--task", "test_credit:Sharpness", "task.patch=10"]) == 0
    options = tiny(tmp_path, "task.patch=10", "task.credit=movers")
    assert main(["fit", "--task", "test_credit:Sharpness", "--config", "smoke", *options]) == 0
    assert "sharpness" in capsys.readouterr().out
