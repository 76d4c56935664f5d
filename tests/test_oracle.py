"""Each edit has the reward it would have alone; no first step has more than the greedy one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from hypothesis import given
from torch import Tensor

from pixelrl import color
from pixelrl.actions import Edit, keep, shift
from pixelrl.errors import ConfigError
from pixelrl.maps import Scene
from pixelrl.oracle import greedy, price_candidates, rewards_per_edit
from pixelrl.rewards import squared_error_drop
from pixelrl.rl.rollout import replay
from pixelrl_tasks.color_enhancement import ColorEnhancement
from strategies import chosen, scenes, seeds
from toys import Published, Toy


@dataclass(frozen=True)
class Distant(Toy):
    """Promise nothing about rewards."""

    local_reward: ClassVar[bool] = False


@dataclass(frozen=True)
class Stairs(Toy):
    """Go up and down by one stride."""

    def edits(self) -> Mapping[str, Edit]:
        return {"down": shift(-self.stride), "keep": keep, "up": shift(self.stride)}


@given(scenes(channels=1), seeds)
def test_the_reward_of_the_choice_is_that_of_its_edit(scene: dict[str, Tensor], seed: int) -> None:
    task, image = Toy(), scene["image"]
    choice = chosen(image, 5, seed)
    per_edit = rewards_per_edit(task, image, scene)
    assert per_edit.shape == (image.shape[0], 5, *image.shape[-2:])
    rewards = task.reward(image, task.step(image, choice, scene), scene)
    assert torch.equal(per_edit.gather(1, choice[:, None]), rewards)


@given(scenes(sides=(5, 10)), seeds)
def test_no_first_step_earns_more_than_the_greedy_one(scene: dict[str, Tensor], seed: int) -> None:
    image = scene["image"]
    task = Published(channels=image.shape[1], length=3)
    images, choices = greedy(task, scene)
    assert images.shape == (3, *image.shape)
    best = task.reward(image, images[0], scene)
    other = task.step(image, chosen(image, 9, seed), scene)
    assert (best >= task.reward(image, other, scene)).all()
    assert (best >= 0).all()  # it may always keep
    assert torch.equal(list(replay(task, choices, scene))[-1], images[-1])


def test_greedy_by_hand() -> None:
    scene = {"image": torch.zeros(1, 1, 1, 3), "target": torch.tensor([[[[0.2, -0.1, 0.0]]]])}
    images, choices = greedy(Stairs(length=3), scene)
    assert choices[:, 0, 0].tolist() == [[2, 0, 1], [2, 1, 1], [1, 1, 1]]
    torch.testing.assert_close(images[-1], scene["target"])


def test_prices_carry_no_gradient() -> None:
    image = torch.rand(1, 1, 4, 4, requires_grad=True)
    assert not rewards_per_edit(Toy(), image, {"target": image}).requires_grad


def test_a_reward_that_is_not_local_has_no_prices() -> None:
    image = torch.rand(1, 1, 4, 4)
    for ask in (
        lambda task: rewards_per_edit(task, image, {}),
        lambda task: greedy(task, {"image": image}),
    ):
        with pytest.raises(ConfigError, match="Distant does not promise local_reward"):
            ask(Distant())


def test_rewards_per_edit_look_at_the_scene() -> None:
    def halves(before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        return scene["mask"] * squared_error_drop(before, after, scene["target"])

    class Masked(Stairs):
        reward = staticmethod(halves)

    image = torch.zeros(1, 1, 2, 2)
    mask = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    per_edit = rewards_per_edit(Masked(), image, {"target": image + 1, "mask": mask})
    assert ((per_edit != 0).any(1, keepdim=True) == mask.bool()).all()


def test_in_lab_image_and_target_are_converted_once_for_all_edits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task, rng = ColorEnhancement(), torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, 6, 5, generator=rng, dtype=torch.float64)
    target = torch.rand(2, 3, 6, 5, generator=rng, dtype=torch.float64, requires_grad=True)
    scene = {"image": image, "target": target}
    candidates = task.candidates(image, scene)
    each = torch.cat([task.reward(image, one, scene) for one in candidates.unbind(1)], 1)
    (wanted,) = torch.autograd.grad(each.square().sum(), target)
    convert, calls = color._convert, []
    monkeypatch.setattr(color, "_convert", lambda *words: calls.append(1) or convert(*words))
    found = price_candidates(task.reward, image, candidates, scene)
    (gradient,) = torch.autograd.grad(found.square().sum(), target)
    assert torch.equal(found, each)
    torch.testing.assert_close(gradient, wanted)
    assert len(calls) == len(task.actions) + 2
    task.reward(image, candidates[:, 0], scene)
    assert len(calls) == len(task.actions) + 2 + 4  # outside, nothing is kept
