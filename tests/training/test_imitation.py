"""Agents that have a teacher first choose as it would, then go on by reinforcement, in one run."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor

from photos import tiny
from pixelrl import Scene
from pixelrl.config.compose import Experiment, compose
from pixelrl.discovery import Trust
from pixelrl.errors import ConfigError, MapError
from pixelrl.experiments.fit import fit
from pixelrl.experiments.pretrain import regression_alone
from pixelrl.rl.network import PolicyOutput
from pixelrl.rl.rollout import rollout, sample
from pixelrl.testing import check_task
from pixelrl.training.checkpoint import build, restore
from pixelrl.training.imitation import DOUBTED, ask_teacher, imitation_loss
from pixelrl.training.module import PixelA3C
from pixelrl_tasks.denoising import Denoising
from pixelrl_tasks.saliency_editing import SaliencyEditing
from stopping import equal, fit_until, weights

DOWN, UP = 0, 2
EVERYTHING = Trust(everything=True)


@dataclass(frozen=True)
class Taught(Denoising):
    """Denoising by somebody who makes dark pixels brighter and bright ones darker."""

    def demonstrate(self, image: Tensor, scene: Scene) -> Tensor:
        return torch.where(image[:, 0] < 0.5, UP, DOWN)


def taught(folder: Path, *more: str) -> Experiment:
    """Compose two phases of seconds."""
    phases = ("learning.imitation_episodes=5", "learning.episodes=4", "run.validate_every=9")
    settings = tiny(folder, "task.length=2", *phases, *more)
    return compose(f"{__name__}:Taught", overrides=settings, trust=EVERYTHING)


def agreement(module: PixelA3C) -> float:
    """Tell how often agents choose as their teacher on a picture that they have not seen."""
    noise = torch.randn(1, 1, 40, 40, generator=Generator().manual_seed(9))
    image = torch.linspace(0, 1, 40).expand(1, 1, 40, 40) + 0.1 * noise
    choice = module.edit({"image": image}).choices[:, 0]
    return float((choice == Taught().demonstrate(image, {})).float().mean())


def last(experiment: Experiment) -> Path:
    return Path(experiment.run.root) / experiment.run.name / "checkpoints" / "last.ckpt"


def test_agents_learn_to_choose_as_their_teacher_does(tmp_path: Path) -> None:
    """Nothing but imitation, so that weights which are never stepped fail here."""
    given = ("learning.imitation_episodes=150", "learning.episodes=0", "run.validate_every=150")
    experiment = taught(tmp_path, *given, "data.batch=4")
    assert agreement(build(experiment).eval()) < 0.6
    module = restore(
        fit(experiment).directory / "checkpoints" / "last.ckpt", trust=EVERYTHING
    ).module
    assert agreement(module.eval()) > 0.75


def test_the_loss_is_the_cross_entropy_with_what_the_teacher_says_there() -> None:
    task = Taught(length=3)
    logits = torch.zeros(2, 9, 8, 8, requires_grad=True)
    scene = {"image": torch.rand(2, 1, 8, 8, generator=Generator().manual_seed(0))}

    def policy(observation: Tensor, memory: Tensor | None) -> PolicyOutput:
        return PolicyOutput(logits, None, None)

    steps = list(rollout(task, policy, scene, partial(sample, rng=Generator().manual_seed(1))))
    loss, agreed = imitation_loss(task, steps, scene)
    assert loss.item() == pytest.approx(torch.tensor(9.0).log().item())
    loss.backward()
    # By hand: probabilities less what is wanted of them, smoothed, over pixels.
    wanted = torch.full((2, 9, 8, 8), DOUBTED / 9)
    for step in steps:
        told = ask_teacher(task, step.before, scene)[:, None]
        wanted.scatter_add_(1, told, torch.full((2, 1, 8, 8), (1 - DOUBTED) / 3))
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad * 128, 1 / 9 - wanted, atol=1e-6, rtol=0)
    dark = (scene["image"] < 0.5).float().mean()
    assert 0 <= float(agreed) <= 1 - float(dark) + 0.1  # the likeliest is the first: "-1"


@pytest.mark.parametrize("at", [3, 5, 7])
def test_a_run_resumed_in_either_phase_or_between_ends_the_same(tmp_path: Path, at: int) -> None:
    every = ("run.checkpoint_every=1",)
    whole, halves = (taught(tmp_path, *every, f"run.name={name}") for name in ("whole", "halves"))
    fit(whole)
    fit_until(halves, at)
    assert not equal(weights(last(halves)), weights(last(whole)))
    fit(halves, last(halves))
    assert equal(weights(last(halves)), weights(last(whole)))


def test_it_needs_a_teacher_and_the_published_network() -> None:
    given = ["learning.imitation_episodes=5"]
    with pytest.raises(ConfigError, match=r"imitation_episodes=5: Denoising has no teacher"):
        compose("denoising", overrides=given)
    aims = [*given, "network.kind=goal"]
    with pytest.raises(ConfigError, match=r"imitation_episodes=5 needs network\.kind=published"):
        compose("inpainting", overrides=aims)
    with pytest.raises(NotImplementedError, match="Denoising has no teacher"):
        Denoising().demonstrate(torch.zeros(1, 1, 4, 4), {})
    bad = type("Bad", (Taught,), {"demonstrate": lambda _, image, scene: image})
    with pytest.raises(MapError, match=r"demonstrate: expected choices \(1,4,4\) of int64"):
        ask_teacher(bad(), torch.zeros(1, 1, 4, 4), {})


def test_a_supervised_start_has_no_batches_of_imitation() -> None:
    given = compose("saliency_editing", overrides=["learning.imitation_episodes=7"])
    assert given.learning.first_batches == 7
    assert regression_alone(given).learning.batches == given.learning.episodes


@pytest.mark.parametrize(("direction", "inside"), [("raise", "more"), ("lower", "less")])
def test_the_teacher_of_saliency_draws_the_eye(direction: str, inside: str) -> None:
    task = SaliencyEditing(side=32, direction=direction)
    check_task(task)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:4, 2:4] = 1
    choice = task.demonstrate(torch.rand(1, 3, 8, 8), {"mask": mask})
    names = {task.actions.names[int(index)] for index in choice[mask[:, 0] > 0]}
    assert names == {f"{inside} contrast"}
    assert len(choice.unique()) == 2
