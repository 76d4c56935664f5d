"""A picture finished block by block is the whole one, at any size of blocks."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelrl.actions import Edit, box, keep, median, shift
from pixelrl.rl import blocks
from pixelrl.rl.aim import GoalPolicy
from pixelrl.rl.boxes import Box
from pixelrl.rl.editing import edit_scene, finish_image
from pixelrl.rl.tiling import in_tiles
from strategies import filled, seeds
from toys import Toy, toy_net


@dataclass(frozen=True)
class Few(Toy):
    """Have few edits, whose outcomes differ by more than rounding."""

    def edits(self) -> Mapping[str, Edit]:
        return {"minus": shift(-0.1), "keep": keep, "box": box(3), "median": median(3)}


def aiming(task: Toy) -> GoalPolicy:
    torch.manual_seed(0)
    policy = GoalPolicy(task, widths=(4, 6))
    torch.nn.init.normal_(policy.goal.tail.weight, std=0.05)
    torch.nn.init.normal_(policy.correction[-1].weight, std=0.3)
    return policy.requires_grad_(requires_grad=False)


@pytest.mark.parametrize("kind", ["aims", "remembers", "forgets"])
@settings(max_examples=3)
@given(st.integers(30, 80), st.integers(30, 80), st.integers(24, 60), seeds)
def test_blocks_are_the_whole(kind: str, height: int, width: int, tile: int, seed: int) -> None:
    task = Few()
    net = aiming(task) if kind == "aims" else toy_net(task, width=3, memory=kind == "remembers")
    scene = {"image": filled((1, 1, height, width), seed)}
    told: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "STEP_TILE", 32)
        patch.setattr(blocks, "GOAL_TILE", 32)
        found = finish_image(task, net, scene, tile=tile, tell=told.append)
    whole = edit_scene(task, net, scene).image
    assert ((found - whole).abs() > 1e-4).float().mean() < 5e-3  # ties may fall otherwise
    assert sum(told) == height * width


def test_no_window_is_larger_than_tiles_and_what_lies_around(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "STEP_TILE", 32)
    task, seen = Few(), []
    net = toy_net(task, width=3)
    net.register_forward_hook(lambda _module, given, _answer: seen.append(given[0].shape[-2:]))
    finish_image(task, net, {"image": torch.rand(1, 1, 80, 90)}, tile=64)
    assert max(max(size) for size in seen) <= 32 + 2 * (net.reach + 1)


def test_a_region_is_what_is_there_of_the_whole() -> None:
    image, region = torch.rand(1, 1, 20, 30), Box(3, 5, 17, 30)
    (found,) = in_tiles(lambda maps: [2 * maps[0]], [image], reach=2, tile=6, region=region)
    assert torch.equal(found, 2 * image[region.window])
