"""An episode can be replayed, is rolled out only as far as asked for, and waits for no device."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from pixelrl.actions import contrast, saturation, scale, shift
from pixelrl.errors import MapError
from pixelrl.maps import Scene
from pixelrl.oracle import rewards_per_edit
from pixelrl.rl.losses import expected_losses, sampled_losses
from pixelrl.rl.returns import RewardMapConv, return_maps
from pixelrl.rl.rollout import Transition, choose_greedy, replay, rollout, sample, split_windows
from pixelrl.task import Task
from strategies import chosen, filled, scenes, seeds
from toys import Published, Toy, toy_net, toy_scene


def drawing(seed: int, device: str = "cpu") -> partial[Tensor]:
    return partial(sample, rng=Generator(device).manual_seed(seed))


# Law 6


@given(scenes(channels=1), seeds)
def test_replaying_the_choices_ends_in_the_image_bit_for_bit(
    scene: dict[str, Tensor], seed: int
) -> None:
    task = Toy()
    with torch.inference_mode():
        steps = list(rollout(task, toy_net(task, seed=seed), scene, drawing(seed)))
    choices = torch.stack([step.choice for step in steps])
    replayed = list(replay(task, choices, scene))
    assert len(replayed) == len(steps) == task.length
    for step, image in zip(steps, replayed, strict=True):
        assert torch.equal(step.after, image)


@given(scenes(channels=1), seeds)
def test_altered_choices_alter_only_what_follows(scene: dict[str, Tensor], seed: int) -> None:
    task = Toy()
    choices = chosen(scene["image"], 5, seed, length=3)
    altered = choices.clone()
    altered[2] = 1  # keep
    first, second = list(replay(task, choices, scene)), list(replay(task, altered, scene))
    assert torch.equal(first[1], second[1])
    assert torch.equal(second[2], second[1])


def test_choices_of_another_size_are_refused() -> None:
    scene = toy_scene(2, 1, 4, 5)
    for shape in [(3, 2, 5, 4), (3, 1, 4, 5), (2, 4, 5)]:
        with pytest.raises(MapError, match=r"expected \(T, 2, 4, 5\) for this image, got \("):
            next(replay(Toy(), torch.zeros(shape, dtype=torch.int64), scene))


# Steps


@given(scenes(channels=1), seeds)
def test_steps_hang_together(scene: dict[str, Tensor], seed: int) -> None:
    task = Toy()
    steps = list(rollout(task, toy_net(task), scene, drawing(seed)))
    assert steps[0].before is scene["image"]
    for one, following in pairwise(steps):
        assert following.before is one.after
    for step in steps:
        assert torch.equal(step.after, task.step(step.before, step.choice, scene))


def test_gradient_crosses_no_step_and_no_mode_leaks() -> None:
    task = Toy()
    asked: list[Tensor | None] = []
    net = toy_net(task)

    def policy(observation: Tensor, memory: Tensor | None) -> Any:
        asked.append(memory)
        assert not observation.requires_grad
        return net(observation, memory)

    for step in rollout(task, policy, toy_scene(1, 1, 6, 6)):
        assert torch.is_grad_enabled()
        assert step.output.logits.requires_grad
        assert not step.after.requires_grad
        assert not step.choice.requires_grad
    assert asked[0] is None
    assert not any(memory.requires_grad for memory in asked[1:])


def test_a_network_without_memory_plays_too() -> None:
    task = Toy()
    for step in rollout(task, toy_net(task, memory=False), toy_scene(1, 1, 6, 6), choose_greedy):
        assert step.output.memory is None


def test_under_autocast_only_the_network_leaves_float32(device: str) -> None:
    task = Toy()
    scene = toy_scene(1, 1, 12, 12, device=device)
    net = toy_net(task).to(device)
    with torch.autocast(device, torch.bfloat16):
        steps = list(rollout(task, net, scene, choose_greedy))
    choices = torch.stack([step.choice for step in steps])
    assert steps[-1].after.dtype == torch.float32
    assert torch.equal(steps[-1].after, list(replay(task, choices, scene))[-1])


# Windows


@given(st.integers(0, 9), st.integers(1, 4))
def test_windows_partition_the_steps(length: int, size: int) -> None:
    gathered = list(split_windows(iter(range(length)), size))
    assert [step for window in gathered for step in window] == list(range(length))
    assert all(len(window) == size for window in gathered[:-1])


def test_windows_are_played_only_when_asked_for() -> None:
    task, stepped = Toy(length=5), []
    net = toy_net(task)

    def policy(observation: Tensor, memory: Tensor | None) -> Any:
        stepped.append(1)
        return net(observation, memory)

    gathering = split_windows(rollout(task, policy, toy_scene(1, 1, 6, 6)), 2)
    assert not stepped
    for count in (2, 4, 5):
        next(gathering)
        assert len(stepped) == count


def test_an_update_between_windows_is_seen_by_the_next_decision() -> None:
    task = Toy(length=2)
    net = toy_net(task)
    steps = rollout(
        task, net, toy_scene(1, 1, 6, 6), lambda logits: torch.ones_like(logits.argmax(1))
    )
    first = next(steps)  # keeps every pixel, so that only memory and weights can change
    with torch.no_grad():
        net.value_head.bias += 1
    assert torch.allclose(next(steps).output.value, first.output.value + 1)


# Choosing


@given(st.integers(2, 5), seeds)
def test_samples_come_with_the_policys_frequencies(actions: int, seed: int) -> None:
    logits = filled((1, actions, 1, 1), seed, low=-2, high=2)
    count = 40_000
    choice = drawing(seed)(logits.expand(1, actions, 200, 200))
    shares = torch.bincount(choice.flatten(), minlength=actions) / count
    wanted = logits.softmax(1).flatten()
    assert ((shares - wanted).abs() < 5 * (wanted * (1 - wanted) / count).sqrt() + 1e-9).all()


def test_pixels_are_sampled_independently() -> None:
    choice = drawing(0)(torch.zeros(2, 2, 200, 200)).float() - 0.5
    for other in (choice.roll(1, 1), choice.roll(1, 2), choice.flip(0)):
        assert abs((choice * other).mean()) < 0.25 * 5 / 200


@given(st.integers(1, 3), st.integers(2, 4), seeds)
def test_shares_of_a_batch_draw_what_the_whole_batch_draws(
    batch: int, ranks: int, seed: int
) -> None:
    logits = filled((ranks * batch, 4, 5, 6), seed, low=-2, high=2)
    whole = drawing(seed)(logits)
    parts = [
        drawing(seed)(part, share=(rank, ranks)) for rank, part in enumerate(logits.chunk(ranks))
    ]
    assert torch.equal(torch.cat(parts), whole)


def test_a_sampler_never_chooses_beyond_the_last_edit() -> None:
    logits = torch.full((1, 3, 50, 50), -1e9)
    logits[:, 1] = 0
    assert (sample(logits) == 1).all()
    assert sample(torch.zeros(1, 7, 300, 300)).max() <= 6


@given(seeds)
def test_best_is_the_likeliest(seed: int) -> None:
    logits = filled((2, 4, 5, 6), seed)
    choice = choose_greedy(logits)
    assert choice.dtype == torch.int64
    assert torch.equal(logits.gather(1, choice[:, None])[:, 0], logits.amax(1))


def test_drawing_is_repeatable(device: str) -> None:
    logits = torch.randn(2, 4, 8, 8, device=device)
    assert torch.equal(drawing(1, device)(logits), drawing(1, device)(logits))
    assert not torch.equal(drawing(1, device)(logits), drawing(2, device)(logits))


# Nothing waits for the device

WAITING = (
    "aten._local_scalar_dense",
    "aten.item",
    "aten.is_nonzero",
    "aten.nonzero",
    "aten.masked_select",
    "aten.equal",
    "aten.unique",
    "aten._unique2",
    "aten.bincount",
    "aten.lift_fresh",  # a tensor made of the host's numbers, which must be copied
)


class NoWaiting(TorchDispatchMode):
    """Raise where a program would wait for its device, or copy between host and device."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        flat = torch.utils._pytree.tree_leaves((args, kwargs))
        devices = {value.device.type for value in flat if isinstance(value, Tensor)}
        if self.device in devices:
            if str(func).startswith(WAITING):
                raise AssertionError(f"{func} waits for the device")
            index_by_mask = "index" in str(func) and any(
                isinstance(value, Tensor) and value.dtype == torch.bool for value in flat[1:]
            )
            if index_by_mask:
                raise AssertionError(f"{func} by a mask waits for the device")
        if "_to_copy" in str(func) or "copy_" in str(func):
            target = torch.device(kwargs.get("device") or self.device).type
            if devices - {target}:
                raise AssertionError(f"{func} copies from {devices} to {target}")
        return func(*args, **kwargs)


def learn(task: Task, net: nn.Module, spread: nn.Module, scene: Scene) -> None:
    """Do all that a training step does between batch and optimizer."""
    seen = 0
    for steps in split_windows(rollout(task, net, scene), 2):
        seen += len(steps)
        rewards = torch.stack([task.reward(step.before, step.after, scene) for step in steps])
        last = seen == task.length
        bootstrap = None if last else net.value(task.observe(steps[-1].after, scene)).detach()
        returns = return_maps(rewards, 0.95, spread, bootstrap)
        per_edit = torch.stack([rewards_per_edit(task, step.before, scene) for step in steps])
        for parts in (
            sampled_losses(steps, returns),
            expected_losses(steps, returns, rewards, per_edit),
        ):
            sum(parts).backward(retain_graph=True)


def test_edits_of_color_bring_no_numbers_from_the_host() -> None:
    image = torch.rand(1, 3, 6, 6)
    with NoWaiting("cpu"):
        for edit in (shift(0.1, 0, -0.1), scale(1, 2, 3), contrast(1.1), saturation(0.9)):
            edit(image)


def test_nothing_waits_for_the_device() -> None:
    task = Toy()
    scene = toy_scene(2, 1, 8, 8)
    net, spread = toy_net(task), RewardMapConv(9)
    with NoWaiting("cpu"):
        learn(task, net, spread, scene)
    assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.mark.parametrize("task", [Toy(), Published(), Toy(channels=3)])
def test_nothing_waits_where_there_are_no_numbers_at_all(task: Task) -> None:
    scene = {
        name: torch.empty(2, task.channels, 8, 8, device="meta") for name in ("image", "target")
    }
    net, spread = toy_net(task).to("meta"), RewardMapConv(33).to("meta")
    with NoWaiting("meta"):
        learn(task, net, spread, scene)
        *_, last = rollout(task, net, scene, choose_greedy)
    assert last.after.shape == scene["image"].shape
    assert last.after.device.type == "meta"


@pytest.mark.parametrize(
    "waits",
    [
        lambda x: x.sum().item(),
        lambda x: bool(x.any()),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: torch.equal(x, x),
        lambda x: float(x[0]),
        lambda x: x.unique(),
        lambda x: x + x.new_tensor([1.0, 2.0, 3.0]),
    ],
)
def test_the_guard_itself_sees_waiting(waits: Any) -> None:
    with NoWaiting("cpu"), pytest.raises(AssertionError, match="waits"):
        waits(torch.ones(3))
    with NoWaiting("meta"), pytest.raises(AssertionError, match="copies"):
        torch.ones(3).to("meta")


def test_a_world_is_asked_for_three_things_only() -> None:
    class Small:
        length = 2

        def observe(self, image: Tensor, scene: Scene) -> Tensor:
            return image

        def step(self, image: Tensor, choice: Tensor, scene: Scene) -> Tensor:
            return image + choice[:, None]

    steps: Iterator[Transition] = rollout(Small(), toy_net(Toy()), toy_scene(1, 1, 5, 5))
    assert len(list(steps)) == 2
