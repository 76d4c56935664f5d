"""A tiled step is the step: any size, any tile."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pixelrl.errors import ConfigError
from pixelrl.rl.rollout import choose_greedy, replay, rollout
from pixelrl.rl.tiling import TiledEnvironment, in_tiles, tile_policy
from strategies import chosen, filled, seeds
from toys import Published, Toy, toy_net

SIDES = st.integers(5, 45)
TILES = st.integers(1, 50)


@dataclass(frozen=True)
class Unlimited(Toy):
    """Do not say how far edits look."""

    reach: ClassVar[int | None] = None


# Law: tiled equals whole


@pytest.mark.parametrize("remembers", [True, False])
@settings(max_examples=8)
@given(SIDES, SIDES, st.integers(6, 50), st.integers(1, 3), seeds)
def test_tiled_play_equals_whole_play(
    remembers: bool,
    height: int,
    width: int,
    tile: int,
    length: int,
    seed: int,
) -> None:
    task = Published(length=length)
    net = toy_net(task, width=3, memory=remembers, seed=seed % 100).double()
    policy = partial(net, with_value=False)
    scene = {"image": filled((2, 1, height, width), seed, dtype=torch.float64)}
    with torch.inference_mode():
        whole = list(rollout(task, policy, scene, choose_greedy))
        tiled = tile_policy(policy, reach=net.reach, tile=tile)
        tiles = list(rollout(TiledEnvironment(task, tile), tiled, scene, choose_greedy))
    for one, other in zip(whole, tiles, strict=True):
        torch.testing.assert_close(one.output.logits, other.output.logits, rtol=1e-12, atol=1e-12)
        assert torch.equal(one.choice, other.choice)
        torch.testing.assert_close(one.after, other.after, rtol=0, atol=1e-12)
        assert (one.output.memory is None) == (other.output.memory is None) == (not remembers)


@pytest.mark.parametrize("channels", [1, 3])
@settings(max_examples=12)
@given(SIDES, SIDES, TILES, seeds)
def test_tiled_steps_are_the_steps_bit_for_bit_in_float32(
    channels: int, height: int, width: int, tile: int, seed: int
) -> None:
    task = Published(length=2)
    scene = {"image": filled((1, channels, height, width), seed)}
    choices = chosen(scene["image"], 9, seed, length=2)
    for one, other in zip(
        replay(task, choices, scene),
        replay(TiledEnvironment(task, tile), choices, scene),
        strict=True,
    ):
        assert torch.equal(one, other)


@given(SIDES, SIDES, TILES, seeds)
def test_the_value_is_tiled_too(height: int, width: int, tile: int, seed: int) -> None:
    net = toy_net(Toy(), width=2, memory=False).double()
    image = filled((1, 1, height, max(height, width)), seed, dtype=torch.float64)
    tiled = tile_policy(net, reach=net.reach, tile=max(tile, 8))(image, None)
    torch.testing.assert_close(tiled.value, net(image).value, rtol=1e-12, atol=1e-12)


def test_a_halo_too_narrow_would_be_seen() -> None:
    net = toy_net(Toy(), width=3).double()
    image = filled((1, 1, 60, 60), 0, dtype=torch.float64)
    memory = filled((1, 3, 60, 60), 1, dtype=torch.float64)
    whole = net(image, memory).logits
    right = tile_policy(net, reach=net.reach, tile=20)(image, memory).logits
    wrong = tile_policy(net, reach=net.reach - 8, tile=20)(image, memory).logits
    assert (right - whole).abs().max() < 1e-12
    assert (wrong - whole).abs().max() > 1e-9


# in_tiles


@given(SIDES, SIDES, TILES, st.integers(0, 3), seeds)
def test_every_pixel_is_computed_once_from_its_own_window(
    height: int, width: int, tile: int, reach: int, seed: int
) -> None:
    maps = filled((1, 2, height, width), seed)
    whole, nothing = in_tiles(
        lambda given: (given[0] * 2, given[1]), (maps, None), reach=reach, tile=tile
    )
    assert torch.equal(whole, maps * 2)
    assert nothing is None


def test_no_window_is_larger_than_tile_and_halo() -> None:
    seen = []

    def local(maps: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        seen.append(maps[0].shape[-2:])
        return maps

    in_tiles(local, (torch.zeros(1, 1, 50, 70),), reach=3, tile=16)
    assert len(seen) == 4 * 5
    assert max(max(shape) for shape in seen) == 16 + 2 * 3


def test_answers_may_differ_in_channels_and_type_from_the_maps() -> None:
    image = torch.rand(2, 1, 9, 9)
    (found,) = in_tiles(
        lambda maps: ((maps[0] > 0.5).expand(-1, 3, -1, -1),), (image,), reach=0, tile=4
    )
    assert found.dtype == torch.bool
    assert torch.equal(found, (image > 0.5).expand(-1, 3, -1, -1))


def test_scenes_are_cut_along() -> None:
    class Masked(Toy):
        def step(self, image: Tensor, choice: Tensor, scene: dict[str, Tensor]) -> Tensor:
            after = super().step(image, choice, scene)
            return torch.where(scene["mask"] > 0.5, after, image)

    scene = {"image": torch.rand(1, 1, 20, 23), "mask": torch.rand(1, 1, 20, 23)}
    choice = chosen(scene["image"], 5, 0)
    whole = Masked().step(scene["image"], choice, scene)
    assert torch.equal(TiledEnvironment(Masked(), 7).step(scene["image"], choice, scene), whole)


# Errors


def test_a_task_of_unknown_reach_or_a_tile_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="Unlimited does not state its reach"):
        TiledEnvironment(Unlimited(), 16)
    with pytest.raises(ConfigError, match="expected a number of pixels from 1 on, got 0"):
        TiledEnvironment(Toy(), 0)
