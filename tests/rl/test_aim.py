"""Agents that aim: greedy on their goal at first, whole or in tiles, every edit computed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pixelrl.actions import Edit, box, keep
from pixelrl.config.compose import compose
from pixelrl.errors import ConfigError
from pixelrl.maps import Scene
from pixelrl.oracle import greedy, measure_reward_spread
from pixelrl.records.file import Recorded, load_choices, save_choices
from pixelrl.records.write import trace_arrays
from pixelrl.rl.aim import GoalPolicy, check_goal_task
from pixelrl.rl.goal_environment import GoalEnvironment, unpack
from pixelrl.rl.playing import play_at_size
from pixelrl.rl.rollout import Transition, choose_greedy, rollout
from pixelrl.settings import Learning
from pixelrl.task import Task
from pixelrl.training.module import PixelA3C
from strategies import filled, seeds
from toys import Published, Toy, toy_scene


@dataclass(frozen=True)
class Masked(Toy):
    """Pay inside a mask alone, which is known when a picture is edited, and edit nowhere else."""

    learns_from: ClassVar[tuple[str, ...]] = ("image", "mask")
    works_on: ClassVar[tuple[str, ...]] = ("image", "mask")

    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        return scene["mask"] * super().reward(before, after, scene)

    def step(self, image: Tensor, choice: Tensor, scene: Scene) -> Tensor:
        return torch.where(scene["mask"] > 0.5, super().step(image, choice, scene), image)


@dataclass(frozen=True)
class Nowhere(Toy):
    """Pay for darkness, whatever the target."""

    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        return before - after


@dataclass(frozen=True)
class Distant(Toy):
    """Pay all pixels alike."""

    local_reward: ClassVar[bool] = False


@dataclass(frozen=True)
class Counting(Toy):
    """Count how often the edits are computed."""

    def edits(self) -> Mapping[str, Edit]:
        return {"keep": keep, "box": count(box(3))}


calls: list[int] = []


def count(edit: Edit) -> Edit:
    def counted(image: Tensor) -> Tensor:
        calls.append(1)
        return edit(image)

    return counted


def goal_policy(task: Task, seed: int = 0, *, corrects: bool = False) -> GoalPolicy:
    """Make a narrow policy with a goal of its own and, if wanted, a correction that is not zero."""
    torch.manual_seed(seed)
    policy = GoalPolicy(task, widths=(4, 6))
    torch.nn.init.normal_(policy.goal.tail.weight, std=0.05)
    if corrects:
        torch.nn.init.normal_(policy.correction[-1].weight, std=0.3)
    return policy.requires_grad_(requires_grad=False)


def play(policy: GoalPolicy, scene: Scene, tile: int = 0) -> list[Transition]:
    with torch.inference_mode():
        world, agents = play_at_size(
            policy.task, policy, scene["image"], tile=tile, with_value=True
        )
        return list(rollout(world, agents, scene, choose_greedy))


# The start


@given(seeds)
def test_learning_begins_at_the_greedy_agent_with_the_goal_as_target(seed: int) -> None:
    policy = goal_policy(Toy(), seed % 100)
    scene = toy_scene(2, 1, 14, 11, seed=seed)
    steps = play(policy, {"image": scene["image"]})
    goal = policy.goal(scene["image"], scene["image"]).image
    images, choices = greedy(policy.task, {**scene, "target": goal})
    assert torch.equal(torch.stack([step.choice for step in steps]), choices)
    assert torch.equal(steps[-1].after, images[-1])
    for number, step in enumerate(steps):
        memory = step.output.memory
        assert memory is not None
        torch.testing.assert_close(memory[:, :1], goal)
        assert torch.allclose(memory[:, 2], torch.tensor((number + 1) / 3))
        assert step.output.value is not None
        assert not step.output.value.any()


def test_a_correction_of_zero_is_not_computed_to_edit() -> None:
    task = Published()
    policy, scene = goal_policy(task), toy_scene(1, 1, 12, 12)
    looks: list[int] = []
    policy.correction[0].register_forward_hook(lambda *_: looks.append(1))

    def edits() -> tuple[Tensor, int]:
        looks.clear()
        with torch.inference_mode():
            world, agents = play_at_size(task, policy, scene["image"], tile=0, with_value=False)
            *_, last = rollout(world, agents, scene, choose_greedy)
        return last.after, len(looks)

    computed, times = edits()
    assert times == task.length  # it may learn
    policy.eval()
    found, times = edits()
    assert times == 0
    assert torch.equal(found, computed)
    torch.nn.init.constant_(policy.correction[-1].bias[0], 9.0)  # type: ignore[index, arg-type]
    policy.load_state_dict(policy.state_dict())
    other, times = edits()
    assert times == task.length  # what was loaded corrects
    assert not torch.equal(other, computed)
    torch.nn.init.zeros_(policy.correction[-1].bias)  # type: ignore[arg-type]
    assert edits()[1] == task.length
    assert policy.eval().corrects is False
    assert policy.train().corrects is True


def test_logits_are_told_in_units_of_what_rewards_differ_by() -> None:
    policy, scene = goal_policy(Toy()), toy_scene(1, 1, 9, 9)
    one = play(policy, scene)[0].output.logits
    policy.reward_spread.fill_(4.0)
    torch.testing.assert_close(play(policy, scene)[0].output.logits, one / 4)


def test_the_unit_follows_the_reward_and_ignores_pixels_that_no_edit_changes() -> None:
    scene = toy_scene(1, 1, 20, 20)
    found = measure_reward_spread(Toy(), scene)

    class Dear(Toy):
        def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
            return 1000 * super().reward(before, after, scene)

    torch.testing.assert_close(measure_reward_spread(Dear(), scene), 1000 * found)
    assert found > 0


# The environment


@pytest.mark.parametrize("channels", [1, 3])
def test_an_observation_comes_apart_as_it_was_put_together(channels: int) -> None:
    task = Masked(channels=channels)
    scene = toy_scene(2, channels, 8, 9)
    scene["mask"] = torch.rand(2, 1, 8, 9)
    image = torch.rand(2, channels, 8, 9)
    packed = unpack(task, GoalEnvironment(task).observe(image, scene))
    assert torch.equal(packed.seen, task.observe(image, scene))
    assert torch.equal(packed.image, image)
    assert torch.equal(packed.candidates, task.candidates(image, scene))
    assert set(packed.maps) == {"image", "mask"}
    assert all(torch.equal(packed.maps[name], scene[name]) for name in packed.maps)


def test_edits_are_computed_once_a_step() -> None:
    calls.clear()
    steps = play(goal_policy(Counting()), toy_scene(1, 1, 8, 8))
    assert len(calls) == len(steps) == 3


def test_a_task_that_steps_by_itself_does() -> None:
    policy = goal_policy(Masked())
    scene = toy_scene(1, 1, 12, 12)
    scene["mask"] = (torch.arange(12) < 6).float().expand(1, 1, 12, 12)
    after = play(policy, scene)[-1].after
    assert torch.equal(after[..., 6:], scene["image"][..., 6:])
    assert not torch.equal(after[..., :6], scene["image"][..., :6])


# Tiles


@settings(max_examples=10)
@given(st.integers(5, 50), st.integers(5, 50), st.integers(6, 40), seeds)
def test_tiled_play_equals_whole_play(height: int, width: int, tile: int, seed: int) -> None:
    policy = goal_policy(Published(length=2), seed % 100, corrects=True).double()
    scene = {"image": filled((1, 1, height, width), seed, dtype=torch.float64)}
    for one, other in zip(play(policy, scene), play(policy, scene, tile), strict=True):
        for name in ("logits", "value", "memory", "doubt"):
            torch.testing.assert_close(
                getattr(one.output, name),
                getattr(other.output, name),
                rtol=1e-9,
                atol=1e-9,
                msg=name,
            )
        assert torch.equal(one.choice, other.choice)
        torch.testing.assert_close(one.after, other.after, rtol=0, atol=1e-12)


def test_masks_are_cut_along() -> None:
    policy = goal_policy(Masked(), corrects=True)
    scene = toy_scene(1, 1, 50, 41)
    scene["mask"] = (torch.rand(1, 1, 50, 41) > 0.5).float()
    whole, tiled = play(policy, scene)[-1].after, play(policy, scene, 16)[-1].after
    torch.testing.assert_close(whole, tiled, rtol=0, atol=1e-5)


# Doubt


def test_the_doubt_is_traced_once_in_gray_levels_and_recorded(tmp_path: Path) -> None:
    policy, scene = goal_policy(Toy(length=2)), toy_scene(1, 1, 12, 10)
    module = PixelA3C(policy.task, policy, Learning())
    edited = module.edit(scene, with_trace=True)
    assert edited.trace is not None
    assert edited.trace.doubt is not None
    goal = policy.goal(scene["image"], scene["image"])
    torch.testing.assert_close(edited.trace.doubt, 255 * goal.doubt[:, 0].sqrt())
    held = trace_arrays(edited.trace)
    choices = edited.choices[:, 0].numpy().astype(np.uint8)
    path = tmp_path / "a.choices.npz"
    save_choices(path, Recorded(choices, policy.task.actions.names, {}, held))
    layer = load_choices(path, with_arrays=True).arrays["doubt"]
    assert layer.shape == (12, 10)
    doubt = edited.trace.doubt[0].numpy()
    assert np.allclose(layer, doubt, rtol=1e-3, atol=float(np.ptp(doubt)) / 500)


# Learning


def test_within_a_window_the_goal_learns_from_every_step() -> None:
    policy = goal_policy(Toy()).requires_grad_()
    scene = toy_scene(1, 1, 8, 8)
    for through, reached in ((1, [True, False, False]), (3, [True, True, True])):
        world = GoalEnvironment(policy.task)
        steps = list(rollout(world, policy, scene, choose_greedy, through=through))
        tail = policy.goal.tail.weight
        found = []
        for step in steps:
            (gradient,) = torch.autograd.grad(
                step.output.logits.square().sum(), tail, retain_graph=True, allow_unused=True
            )
            found.append(gradient is not None)
        assert found == reached


def test_what_choices_need_does_not_move_the_doubt() -> None:
    policy = goal_policy(Toy(), corrects=True).requires_grad_()
    scene = toy_scene(1, 1, 8, 8)
    output = policy(GoalEnvironment(policy.task).observe(scene["image"], scene))
    (output.logits.square().sum() + output.value.sum()).backward()
    moved = {name for name, weight in policy.goal.named_parameters() if weight.grad.any()}
    assert "tail.weight" in moved
    assert not any(name.startswith("doubt.") for name in moved)


# Errors


def gradient_of(weight: Tensor) -> Tensor:
    return torch.zeros(()) if weight.grad is None else weight.grad


def test_what_a_value_needs_does_not_move_the_goal() -> None:
    task, scene = Toy(length=1), toy_scene(1, 1, 8, 8)
    policy = goal_policy(task, corrects=True).requires_grad_()
    (step,) = rollout(GoalEnvironment(task), policy, scene)
    assert step.output.value is not None
    step.output.value.sum().backward()
    found = [part.grad for part in policy.correction[:-1].parameters()]
    assert all(grad is None or not grad.any() for grad in found)
    weight = policy.correction[-1].weight.grad
    assert weight is not None
    assert weight[-1].any()
    assert not weight[:-1].any()
    moved = {name for name, weight in policy.named_parameters() if gradient_of(weight).any()}
    assert moved
    assert all(name.startswith("correction.") for name in moved)


@pytest.mark.parametrize("kind", [Nowhere, Distant])
def test_a_task_without_a_target_to_aim_at_is_told_in_a_line(kind: type[Task]) -> None:
    with pytest.raises(ConfigError, match=r"network\.kind=goal needs a local reward") as one:
        check_goal_task(kind())
    assert kind.__name__ in str(one.value)
    assert "\n" not in str(one.value)


def test_settings_that_do_not_fit_are_told() -> None:
    with pytest.raises(ConfigError, match=r"needs a local reward"):
        compose("saliency_editing", overrides=["network.kind=goal"])
    with pytest.raises(ConfigError, match=r"goal_episodes=5 needs network\.kind=goal"):
        compose("denoising", overrides=["learning.goal_episodes=5"])
    with pytest.raises(ConfigError, match=r"learning\.episodes: expected more than zero"):
        compose("denoising", overrides=["learning.episodes=0"])
    with pytest.raises(ConfigError, match=r"network\.widths: .* got none"):
        compose("denoising", overrides=["network.kind=goal", "network.widths=[]"])
