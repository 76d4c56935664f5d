import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical

from pixelrl.errors import DataError
from pixelrl.images.files import as_bytes
from pixelrl.records.file import ARRAYS, Recorded, load_choices, save_choices
from pixelrl.records.packing import MEASURES
from pixelrl.records.write import MOST, as_halves, trace_arrays
from pixelrl.rl.rollout import rollout
from pixelrl.scores import as_written
from pixelrl.settings import Learning
from pixelrl.training.module import PixelA3C
from toys import Toy, toy_net, toy_scene


def toy_module(tile: int = 0) -> PixelA3C:
    task = Toy()
    return PixelA3C(task, toy_net(task, scale=8.0), Learning(), tile=tile).eval()


def test_a_trace_is_what_the_policy_thought_at_every_step() -> None:
    module, scene = toy_module(), toy_scene(2, 1, 20, 24)
    edited = module.edit(scene, with_reward=True, with_trace=True)
    trace = edited.trace
    assert trace is not None
    assert trace.reward is not None
    assert torch.equal(trace.frames[0], scene["image"])
    assert torch.equal(trace.frames[-1], edited.image)
    choose = iter(edited.choices)
    with torch.no_grad():
        steps = list(rollout(module.task, module.policy, scene, lambda _: next(choose)))
    for number, step in enumerate(steps):
        entropy = Categorical(logits=step.output.logits.movedim(1, -1)).entropy()
        torch.testing.assert_close(trace.entropy[number], entropy)
        torch.testing.assert_close(trace.value[number], module.policy.value(step.before)[:, 0])
        rewards = module.task.reward(step.before, step.after, scene)
        torch.testing.assert_close(trace.reward[number], rewards[:, 0])
    torch.testing.assert_close(trace.reward.mean((2, 3)).sum(0), edited.reward)


def test_a_trace_changes_nothing_and_is_left_out_unless_wanted() -> None:
    module, scene = toy_module(), toy_scene(1, 1, 16, 16)
    plain, kept = module.edit(scene), module.edit({"image": scene["image"]}, with_trace=True)
    assert plain.trace is None
    assert torch.equal(plain.choices, kept.choices)
    assert kept.trace is not None
    assert kept.trace.reward is None
    assert set(trace_arrays(kept.trace)) == {"entropy", "value", "frames"}


def test_tiles_see_the_same_trace() -> None:
    scene = toy_scene(1, 1, 40, 50)
    whole = toy_module().edit(scene, with_reward=True, with_trace=True).trace
    tiled = toy_module(tile=16).edit(scene, with_reward=True, with_trace=True).trace
    assert whole is not None
    assert tiled is not None
    for name in whole._fields:
        torch.testing.assert_close(getattr(tiled, name), getattr(whole, name), msg=name)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=20))
def test_halves_are_near_and_never_infinite(values: list[float]) -> None:
    halves = as_halves(torch.tensor(values)).astype(np.float64)
    assert np.isfinite(halves).all()
    inside = np.abs(values) < MOST
    wanted = np.array(values)[inside]
    assert np.allclose(halves[inside], wanted, rtol=2**-11, atol=2**-24)


def test_bytes_are_those_of_the_written_image() -> None:
    image = torch.rand(2, 3, 5, 6) * 1.4 - 0.2
    levels = as_bytes(image)
    assert levels.shape == (2, 5, 6, 3)
    wanted = (as_written(image) * 255).round().movedim(1, -1).numpy()
    assert np.array_equal(levels, wanted)
    assert as_bytes(torch.full((1, 1, 1), torch.nan)).item() == 0


def test_a_record_comes_back_with_its_arrays(tmp_path: Path) -> None:
    module, scene = toy_module(), toy_scene(1, 1, 9, 7)
    edited = module.edit(scene, with_reward=True, with_trace=True)
    assert edited.trace is not None
    held = trace_arrays(edited.trace, scene["target"])
    path = tmp_path / "deep" / "a.choices.npz"
    choices = edited.choices[:, 0].numpy().astype(np.uint8)
    save_choices(path, Recorded(choices, module.task.actions.names, {"name": "toy"}, held))
    recorded = load_choices(path, with_arrays=True)
    assert np.array_equal(recorded.choices, choices)
    assert recorded.experiment == {"name": "toy"}
    assert set(recorded.arrays) == {"entropy", "value", "reward", "frames", "target"}
    for name, array in held.items():
        assert recorded.arrays[name].dtype == array.dtype, name
        if name in MEASURES:  # in 256 levels of its range; all others as they were
            off = np.abs(recorded.arrays[name].astype(float) - array.astype(float)).max()
            assert off <= np.ptp(array.astype(float)) / 510 + 1e-3
        else:
            assert np.array_equal(recorded.arrays[name], array), name
    assert not load_choices(path).arrays
    with np.load(path) as file:  # the file tells what its arrays are
        told = json.loads(str(file["about"]))["layers"]
    assert told == {name: ARRAYS[name] for name in held}


def test_choices_without_arrays_still_load(tmp_path: Path) -> None:
    path = tmp_path / "old.choices.npz"  # as pixelrl 0.1.0 wrote them
    about = json.dumps({"edits": ["a", "b"], "experiment": {}})
    choices = np.zeros((2, 3, 4), np.uint8)
    with path.open("wb") as file:
        np.savez_compressed(file, choices=choices, about=np.array(about))
    recorded = load_choices(path, with_arrays=True)
    assert np.array_equal(recorded.choices, choices)
    assert recorded.edits == ("a", "b")
    assert not recorded.arrays


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("entropy", np.zeros((2, 3, 5), np.float16)),
        ("reward", np.zeros((2, 3, 4), np.float64)),
        ("frames", np.zeros((2, 3, 4, 1), np.uint8)),
        ("target", np.zeros((3, 4), np.uint8)),
    ],
)
def test_arrays_of_another_size_or_kind_are_refused(
    tmp_path: Path, name: str, array: np.ndarray
) -> None:
    path = tmp_path / "a.choices.npz"
    save_choices(path, Recorded(np.zeros((2, 3, 4), np.uint8), ["a", "b"], {}, {name: array}))
    with pytest.raises(DataError, match=rf"{name}.*run predict or evaluate again"):
        load_choices(path, with_arrays=True)
