"""A task is a value: fields are its settings, everything else follows."""

import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, replace

import pytest
import torch
from hypothesis import given
from torch import Generator, Tensor

from pixelrl.actions import Edit, keep, pick, shift
from pixelrl.task import CONTRACT, Task
from strategies import chosen, scenes, seeds
from toys import Toy


@dataclass(frozen=True)
class Bare(Task):
    """Say only what must be said."""

    def edits(self) -> Mapping[str, Edit]:
        return {"keep": keep, "more": lambda image: image + 1}

    def reward(self, before: Tensor, after: Tensor, scene: dict[str, Tensor]) -> Tensor:
        return (after - before).mean(1, keepdim=True)


def test_what_is_not_said_has_a_default() -> None:
    task, scene = Bare(), {"image": torch.zeros(1, 1, 2, 2)}
    assert (task.contract, task.local_reward, task.reach) == (CONTRACT, False, None)
    assert (task.learns_from, task.works_on) == (("image",), ("image",))
    assert (task.channels, task.length, task.observation_channels) == (1, 5, 1)
    assert task.problem(scene, Generator()) is scene
    assert task.observe(scene["image"], scene) is scene["image"]
    assert task.scores(scene["image"], scene) == {}
    assert Bare(channels=3).observation_channels == 3


def test_edits_and_reward_must_be_written() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Task()


@given(scenes(channels=1), seeds)
def test_a_step_is_the_action_sets(scene: dict[str, Tensor], seed: int) -> None:
    task, image = Toy(), scene["image"]
    choice = chosen(image, len(task.actions), seed)
    assert torch.equal(
        task.step(image, choice, scene), pick(task.actions.candidates(image), choice)
    )
    assert torch.equal(task.candidates(image, scene), task.actions.candidates(image))


def test_scores_need_a_target() -> None:
    image = torch.rand(2, 1, 12, 12)
    scores = Toy().scores(image, {"image": image, "target": image})
    assert set(scores) == {"psnr", "ssim"}
    assert all(score.shape == (2,) for score in scores.values())


def test_a_task_is_a_value() -> None:
    assert Toy(length=4) == Toy(length=4) != Toy()
    assert hash(Toy()) == hash(Toy())
    assert replace(Toy(), stride=0.5).stride == 0.5
    with pytest.raises(FrozenInstanceError):
        Toy().length = 2


def test_edits_are_asked_for_once() -> None:
    task = Toy()
    assert task.actions is task.actions
    assert replace(task, stride=0.5).actions is not task.actions


def test_a_task_pickles_as_its_fields_alone() -> None:
    task = Bare(length=7)
    assert len(task.actions) == 2  # the set holds a lambda, which cannot be pickled
    copy = pickle.loads(pickle.dumps(task))
    assert copy == task
    assert copy.length == 7
    assert torch.equal(copy.actions["more"](torch.zeros(1)), shift(1)(torch.zeros(1)))
