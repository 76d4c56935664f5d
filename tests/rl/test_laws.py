"""What holds for every task, network and size: drawn edits, drawn weights, drawn pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pixelrl.actions import Edit, bilateral, box, gaussian, keep, median, shift
from pixelrl.intervention.rules import Rule, compile_rules
from pixelrl.rl.network import PolicyValueNet
from pixelrl.rl.rollout import choose_greedy, choose_under, replay, rollout
from pixelrl.rl.tiling import TiledEnvironment, tile_policy
from strategies import filled, seeds
from toys import Toy, toy_net

POOL: dict[str, Edit] = {
    "keep": keep,
    "down": shift(-0.07),
    "up": shift(0.2),
    "box 3": box(3),
    "box 5": box(5),
    "median 3": median(3),
    "median 5": median(5),
    "gaussian": gaussian(5, 0.8),
    "bilateral": bilateral(5, 0.3, 2.0),
}


@dataclass(frozen=True)
class Drawn(Toy):
    """Have whatever edits are drawn."""

    reach: ClassVar[int | None] = 2

    names: tuple[str, ...] = ("keep", "up")

    def edits(self) -> Mapping[str, Edit]:
        return {name: POOL[name] for name in self.names}


@dataclass(frozen=True)
class Case:
    """Hold a task, a network and pictures for it."""

    task: Drawn
    net: PolicyValueNet
    image: Tensor

    @property
    def scene(self) -> dict[str, Tensor]:
        return {"image": self.image}

    @property
    def policy(self) -> partial[object]:
        return partial(self.net, with_value=False)


@st.composite
def cases(draw: st.DrawFn, batch: int = 1) -> Case:
    names = draw(st.lists(st.sampled_from(sorted(POOL)), min_size=2, max_size=6, unique=True))
    length, channels = draw(st.integers(1, 3)), draw(st.sampled_from([1, 3]))
    task = Drawn(names=tuple(names), length=length, channels=channels)
    seed, width, memory = draw(seeds), draw(st.integers(1, 5)), draw(st.booleans())
    net = toy_net(task, width=width, memory=memory, seed=seed % 1000, scale=3).double()
    sides = draw(st.integers(5, 40)), draw(st.integers(5, 40))
    image = filled((batch, channels, *sides), seed, dtype=torch.float64)
    return Case(task, net, image)


@settings(max_examples=12)
@given(cases(), st.integers(1, 45))
def test_tiles_give_the_whole(case: Case, tile: int) -> None:
    with torch.inference_mode():
        whole = list(rollout(case.task, case.policy, case.scene, choose_greedy))
        tiled = tile_policy(case.policy, reach=case.net.reach, tile=tile)
        environment = TiledEnvironment(case.task, tile)
        parts = list(rollout(environment, tiled, case.scene, choose_greedy))
    for one, other in zip(whole, parts, strict=True):
        assert torch.equal(one.choice, other.choice)
        torch.testing.assert_close(one.after, other.after, rtol=0, atol=1e-12)


@settings(max_examples=12)
@given(cases(batch=3), st.permutations(range(3)))
def test_pictures_of_a_batch_do_not_hear_of_one_another(case: Case, order: list[int]) -> None:
    with torch.inference_mode():
        straight = list(rollout(case.task, case.policy, case.scene, choose_greedy))
        scene = {"image": case.image[order]}
        permuted = list(rollout(case.task, case.policy, scene, choose_greedy))
    for one, other in zip(straight, permuted, strict=True):
        assert torch.equal(one.choice[order], other.choice)
        torch.testing.assert_close(one.after[order], other.after, rtol=0, atol=1e-12)


@settings(max_examples=12)
@given(cases(batch=2), st.data())
def test_what_is_forbidden_is_never_done(case: Case, data: st.DataObject) -> None:
    names = case.task.names
    banned = data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=len(names) - 1))
    bend = compile_rules([Rule("forbid", tuple(sorted(banned)))], names, case.task.length)
    with torch.inference_mode():
        steps = list(rollout(case.task, case.policy, case.scene, choose_under(bend)))
    done = {names[number] for step in steps for number in step.choice.unique().tolist()}
    assert not done & banned


@settings(max_examples=12)
@given(cases(batch=2))
def test_what_was_chosen_replays_to_the_same_picture(case: Case) -> None:
    with torch.inference_mode():
        steps = list(rollout(case.task, case.policy, case.scene))
        again = replay(case.task, torch.stack([step.choice for step in steps]), case.scene)
        for step, image in zip(steps, again, strict=True):
            assert torch.equal(step.after, image)
