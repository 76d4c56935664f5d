"""Exported agents do what the agents do, of any size; what cannot be exported is told in a line."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pixelrl.actions import Edit, box, keep, shift
from pixelrl.cli.main import main
from pixelrl.errors import ConfigError, PluginError
from pixelrl.export.card import KEY, smallest_side
from pixelrl.export.graphs import Beginning, Episode, Step, state_channels
from pixelrl.export.programs import check_exportable, find_culprit, make_program, quiet
from pixelrl.export.write import check_equal
from pixelrl.filtering.bilateral import bilateral_filters
from pixelrl.filtering.exported import convolve_bilateral, convolve_median, convolve_separable
from pixelrl.filtering.median import median_filter
from pixelrl.filtering.separable import separable_filters
from pixelrl.rl.aim import GoalPolicy
from pixelrl.rl.goal import LYING, Views
from pixelrl.rl.network import PolicyValueNet
from pixelrl.rl.playing import Network
from pixelrl.task import Task
from pixelrl_tasks.saliency_editing import SaliencyEditing
from skips import need
from toys import Toy, toy_net


@pytest.mark.parametrize("size", [3, 5, 7])
def test_filters_of_graphs_are_the_filters(size: int) -> None:
    image = torch.rand(2, 3, 13, 9)
    sigmas = [(0.1, 5.0), (1.0, 2.0)]
    half = tuple(0.5**n for n in range(size // 2 + 1))
    assert torch.equal(convolve_median(image, size), median_filter(image, size))
    pairs = [
        (convolve_bilateral(image, size, sigmas), bilateral_filters(image, size, sigmas)),
        (
            convolve_separable(image, [half, half[::-1]]),
            separable_filters(image, [half, half[::-1]]),
        ),
    ]
    for found, wanted in pairs:
        assert torch.allclose(torch.stack(found), torch.stack(wanted), atol=1e-5)


def aiming(task: Task, views: Views = LYING) -> GoalPolicy:
    net = GoalPolicy(task, widths=(8, 8), views=views)
    with torch.no_grad():  # every branch has something to say
        for weight in net.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.03)
    return net.requires_grad_(requires_grad=False)


@pytest.mark.parametrize("kind", ["goal", "published", "without memory"])
def test_beginning_and_steps_are_the_episode(kind: str) -> None:
    task = Toy()
    net = aiming(task) if kind == "goal" else toy_net(task, scale=30, memory=kind == "published")
    image = torch.rand(2, 1, 21, 18)
    with torch.no_grad():
        wanted, choices = Episode(task, net)(image)
        state = Beginning(task, net)(image)
        for number in range(task.length):
            image, choice, state = Step(task, net)(image, state)
            assert torch.equal(choice, choices[number])
    assert torch.equal(image, wanted)
    assert state.shape[1] == state_channels(task, net)
    assert len(choices.unique()) > 2


@dataclass(frozen=True)
class Plain(Toy):
    """Has few edits, since every one is traced."""

    def edits(self) -> dict[str, Edit]:
        return {"keep": keep, "plus": shift(0.1), "box": box(3)}


@pytest.mark.parametrize("views", [LYING, Views(mirror=True, spins=2)])
def test_programs_are_of_any_size(views: Views, tmp_path: Path) -> None:
    task = Plain(length=1)
    net = aiming(task, views).eval()
    program = make_program(Episode(task, net), [1], smallest_side(net))
    with quiet():
        torch.export.save(program, tmp_path / "agent.pt2")
        loaded = torch.export.load(tmp_path / "agent.pt2").module()
    check_equal(Episode(task, net), loaded, 1, smallest_side(net), tmp_path)


def test_the_verb_writes_onnx_that_tells_what_it_is(exported: Path) -> None:
    onnxruntime, np = need("onnxruntime"), need("numpy")
    whole, begin, step = (
        onnxruntime.InferenceSession(exported.with_name(f"agent{kind}.onnx"))
        for kind in ("", ".begin", ".step")
    )
    card = json.loads(whole.get_modelmeta().custom_metadata_map[KEY])
    assert (card["task"], card["channels"], card["steps"]) == ("denoising", 1, 3)
    assert card["edits"][:2] == ["-1", "keep"]
    assert json.loads(step.get_modelmeta().custom_metadata_map[KEY]) == card
    image = np.random.default_rng(0).random((2, 1, 23, 40), np.float32)
    edited, choices = whole.run(None, {"image": image})
    assert (choices.dtype, choices.shape) == (np.uint8, (3, 2, 23, 40))
    (state,) = begin.run(None, {"image": image})
    for number in range(3):
        image, choice, state = step.run(None, {"image": image, "state": state})
        assert (choice == choices[number]).mean() > 0.99
    assert np.abs(image - edited).mean() < 1e-4


@dataclass(frozen=True)
class Odd(Toy):
    """Has an edit that decides by what it sees, in Python."""

    def edits(self) -> dict[str, Edit]:
        def moody(image: Tensor) -> Tensor:
            return image + 0.1 if float(image.mean()) > 0.5 else image

        return {"keep": keep, "moody": moody, "box": box(3)}


def test_what_cannot_be_exported_is_named() -> None:
    task = Odd()
    net: Network = PolicyValueNet(1, 3, width=4)
    told = find_culprit(task, net, least=8)
    assert told is not None
    assert told.startswith("edit 'moody'")
    assert "\n" not in told
    with pytest.raises(ConfigError, match="works on mask beside the picture"):
        check_exportable(SaliencyEditing())


def test_what_does_something_else_is_refused(tmp_path: Path) -> None:
    task = Toy()
    net, other = toy_net(task, scale=30), toy_net(task, scale=30, seed=1)
    with pytest.raises(PluginError, match="does not do what the agents do"):
        check_equal(Episode(task, net), Episode(task, other), 1, 8, tmp_path / "a.pt2")


def test_mistakes_are_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "nobody", "--out", str(tmp_path / "a.onnx")]) == 2
    assert "no weights 'nobody'" in capsys.readouterr().err
    assert main(["export", "denoising", "--out", str(tmp_path / "a.png")]) == 2
    assert "expected a name that ends in .onnx or .pt2" in capsys.readouterr().err
