"""The goal is learned, averaged, and gone on from, in one run that can be stopped anywhere."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from skimage.metrics import structural_similarity
from torch import nn

from photos import tiny
from pixelrl.config.compose import Experiment, compose
from pixelrl.data.module import ImageData
from pixelrl.errors import CheckpointError, ConfigError
from pixelrl.experiments.fit import fit
from pixelrl.experiments.pretrain import pretrain
from pixelrl.rl.aim import GoalPolicy
from pixelrl.rl.goal import Goal, doubt_loss
from pixelrl.rl.goal_environment import GoalEnvironment
from pixelrl.rl.rollout import rollout
from pixelrl.scores import ssim
from pixelrl.training.checkpoint import build, restore
from pixelrl.training.goal_phase import anchor_loss, average_weights, score_goal
from pixelrl.training.module import PixelA3C
from stopping import equal, fit_until, weights

SMALL = ("network.kind=goal", "network.widths=[8,12]", "learning.rate=1e-3")


def aiming(folder: Path, *more: str) -> Experiment:
    """Compose two phases of seconds."""
    phases = ("learning.goal_episodes=5", "learning.episodes=4", "run.validate_every=9")
    return compose("denoising", overrides=tiny(folder, *SMALL, *phases, *more))


def reward(module: PixelA3C, experiment: Experiment) -> float:
    batches = ImageData(experiment.task, experiment.data).val_dataloader()
    rewards = [module.edit(batch, with_reward=True).reward.mean() for batch in batches]
    return float(torch.stack(rewards).mean())


def last(folder: Path, name: str) -> Path:
    return folder / "runs" / name / "checkpoints" / "last.ckpt"


# Learning


@pytest.mark.parametrize("estimator", ["expected", "pathwise"])
def test_both_phases_move_their_weights_and_the_reward_rises(
    tmp_path: Path, estimator: str
) -> None:
    """Weights that are never stepped, or an average that is never followed, fail here."""
    experiment = aiming(
        tmp_path,
        *("task.sigma=50", "data.batch=8", f"learning.estimator={estimator}"),
        *("learning.goal_episodes=60", "learning.episodes=3", "run.checkpoint_every=60"),
        *("run.validate_every=63", "learning.temperature=0.1"),
    )
    start = build(experiment)
    goal = pretrain(replace(experiment, run=replace(experiment.run, name="goal")))
    after_goal = restore(goal).module
    gained = reward(after_goal, experiment)
    assert gained > reward(start, experiment) + 3, gained
    moved = after_goal.policy.state_dict()
    for name, weight in start.policy.state_dict().items():
        assert torch.equal(weight, moved[name]) == name.startswith("correction."), name

    whole = weights(fit(experiment).directory / "checkpoints" / "last.ckpt")
    for name, weight in after_goal.state_dict().items():
        if name.startswith("policy.") and name != "policy.reward_spread":
            assert not torch.equal(weight, whole[name]), name
        elif name.startswith("learner."):
            assert torch.equal(weight, whole[name]), name


def test_the_goal_in_use_is_the_average_of_what_is_learned() -> None:
    average, learned = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    values = torch.rand(30).tolist()
    with torch.no_grad():
        average.weight.fill_(0.5)
    expected = 0.5
    for batch, value in enumerate(values):
        with torch.no_grad():
            learned.weight.fill_(value)
        average_weights(average, learned, batch)
        keep = min(0.999, (1 + batch + 1) / (10 + batch + 1))
        expected = keep * expected + (1 - keep) * value
    assert average.weight.item() == pytest.approx(expected, abs=1e-6)


def test_the_rate_warms_up_and_falls_to_nothing(tmp_path: Path) -> None:
    experiment = aiming(tmp_path, "learning.goal_episodes=400", "learning.goal_rate=0.04")
    goal, then = build(experiment).phases()
    assert [group["lr"] for group in goal.optimizer.param_groups] == pytest.approx([2e-3, 4e-2])
    assert goal.falls(0) == pytest.approx(1 / 20)
    assert goal.falls(19) == pytest.approx(1 - 19 / 400)
    assert goal.falls(400) == 0
    assert then.falls(0) == 1
    assert then.falls(4) == 0


def test_muon_turns_the_hidden_kernels_alone(tmp_path: Path) -> None:
    module = build(aiming(tmp_path))
    assert module.learner is not None
    hidden = {id(kernel) for kernel in module.learner.hidden_kernels()}
    named = dict(module.learner.named_parameters())
    left = {name.partition(".")[0] for name in named if id(named[name]) not in hidden}
    assert {"head", "tail", "doubt"} <= left
    turned = {name.partition(".")[0] for name in named if id(named[name]) in hidden}
    assert turned == {"down", "up", "shrink", "grow"}


# Stopping and going on


@pytest.mark.parametrize("at", [3, 5, 7])
def test_a_run_resumed_in_either_phase_or_between_ends_the_same(tmp_path: Path, at: int) -> None:
    every = ("run.checkpoint_every=1", "run.validate_every=9")
    whole = fit(aiming(tmp_path, *every, "run.name=whole"))
    halves = aiming(tmp_path, *every, "run.name=halves")
    fit_until(halves, at)
    assert not equal(weights(last(tmp_path, "halves")), weights(last(tmp_path, "whole")))
    resumed = fit(halves, last(tmp_path, "halves"))
    assert equal(weights(last(tmp_path, "halves")), weights(last(tmp_path, "whole")))
    assert resumed.scores.rows == whole.scores.rows


@pytest.mark.parametrize(
    ("left_out", "kept"), [("learning.goal_episodes=0", 4), ("learning.episodes=0", 5)]
)
def test_either_phase_can_be_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], left_out: str, kept: int
) -> None:
    fitted = fit(aiming(tmp_path, left_out, f"run.validate_every={kept}"))
    assert f"episode {kept}/{kept}" in capsys.readouterr().out
    assert fitted.scores.rows


# Checkpoints


def test_a_checkpoint_alone_edits_the_same(tmp_path: Path) -> None:
    fitted = fit(aiming(tmp_path, "run.name=one"))
    one = restore(last(tmp_path, "one")).module
    two = restore(fitted.directory / "checkpoints" / "best.ckpt").module
    image = torch.rand(1, 1, 30, 41)
    assert torch.equal(one.edit({"image": image}).image, two.edit({"image": image}).image)
    assert isinstance(one.policy, GoalPolicy)
    assert float(one.policy.reward_spread) > 0


def test_pretrain_leaves_a_goal_to_start_from(tmp_path: Path) -> None:
    start = pretrain(aiming(tmp_path, "run.name=start", "run.validate_every=5"))
    module = build(aiming(tmp_path, f"network.init={start}", "learning.spread=0"))
    begun, left = module.policy.state_dict(), restore(start).module.policy.state_dict()
    assert equal(begun, left)
    assert module.learner is not None
    assert isinstance(module.policy, GoalPolicy)
    assert equal(module.learner.state_dict(), module.policy.goal.state_dict())


@pytest.mark.parametrize(("old", "new"), [(3, 1), (1, 3)])
def test_a_goal_begins_from_one_of_color_or_gray(tmp_path: Path, old: int, new: int) -> None:
    fitted = fit(aiming(tmp_path, "run.name=start", f"task.channels={old}"))
    start = fitted.directory / "checkpoints" / "last.ckpt"
    before = restore(start).module.policy
    after = build(aiming(tmp_path, f"network.init={start}", f"task.channels={new}")).policy
    assert isinstance(before, GoalPolicy)
    assert isinstance(after, GoalPolicy)
    gray = torch.rand(1, 1, 32, 40)
    one, other = (
        net.goal(gray.expand(-1, channels, -1, -1), gray.expand(-1, channels, -1, -1))
        for net, channels in ((before, old), (after, new))
    )
    luminances = one.image.mean(1), other.image.mean(1)
    torch.testing.assert_close(*luminances, atol=1e-5, rtol=0)
    torch.testing.assert_close(one.doubt, other.doubt)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_newly_shown_beside_the_image_changes_nothing_yet(
    tmp_path: Path, channels: int
) -> None:
    start = fit(aiming(tmp_path, "run.name=start")).directory / "checkpoints" / "last.ckpt"
    told = ["task.noise_map=true", f"task.channels={channels}"]
    before = restore(start).module.policy
    after = build(aiming(tmp_path, f"network.init={start}", *told)).policy
    assert isinstance(before, GoalPolicy)
    assert isinstance(after, GoalPolicy)
    gray = torch.rand(1, 1, 32, 40)
    image = gray.expand(-1, channels, -1, -1)
    seen = torch.cat([image, torch.full_like(gray, 0.1)], 1)
    one, other = before.goal(gray, gray), after.goal(seen, image)
    torch.testing.assert_close(one.image, other.image.mean(1, keepdim=True), atol=1e-5, rtol=0)
    other.image.square().mean().backward()
    gradient = after.goal.head.weight.grad
    assert gradient is not None
    assert gradient[:, 4 * channels :].any()  # and can be learned from
    end = fit(aiming(tmp_path, "run.name=told", *told)).directory / "checkpoints" / "last.ckpt"
    unaware = aiming(tmp_path, f"network.init={end}", f"task.channels={channels}")
    with pytest.raises(CheckpointError, match=r"head\.weight is .* here"):
        build(unaware)


@pytest.mark.parametrize("larger", ["network.widths=[8,12,4]", "network.blocks=2"])
def test_a_grown_goal_answers_what_the_small_one_does_and_learns(
    tmp_path: Path, larger: str
) -> None:
    fitted = fit(aiming(tmp_path, "run.name=start"))
    start = fitted.directory / "checkpoints" / "last.ckpt"
    before = restore(start).module.policy
    after = build(aiming(tmp_path, f"network.init={start}", larger)).policy
    assert isinstance(before, GoalPolicy)
    assert isinstance(after, GoalPolicy)
    assert len(list(after.parameters())) > len(list(before.parameters()))
    image = torch.rand(1, 1, 32, 40)
    one, other = before.goal(image, image), after.goal(image, image)
    torch.testing.assert_close(one.image, other.image)
    torch.testing.assert_close(one.doubt, other.doubt)
    other.image.square().mean().backward()
    small = before.state_dict()
    gradients = {
        name: weight.grad for name, weight in after.named_parameters() if name not in small
    }
    learned = [name for name, found in gradients.items() if found is not None and found.any()]
    assert learned
    assert all(".second." in name or ".grow." in name for name in learned)


@pytest.mark.parametrize("other", ["network.widths=[8]", "network.widths=[6,8]"])
def test_a_goal_of_other_levels_is_refused(tmp_path: Path, other: str) -> None:
    fitted = fit(aiming(tmp_path, "run.name=start"))
    start = fitted.directory / "checkpoints" / "last.ckpt"
    with pytest.raises(CheckpointError, match=r"its network has other parts|, here \("):
        build(aiming(tmp_path, f"network.init={start}", other))


def test_weights_of_the_other_kind_are_told_in_a_line(tmp_path: Path, checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="its network has no goal"):
        build(aiming(tmp_path, f"network.init={checkpoint}"))
    with pytest.raises(CheckpointError, match=r"set network\.kind=published"):
        build(aiming(tmp_path, "network.init=some.npz"))
    with pytest.raises(ConfigError, match="goal_episodes is 0"):
        pretrain(aiming(tmp_path, "learning.goal_episodes=0"))


def test_a_reward_without_gradient_has_no_goal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = aiming(tmp_path)
    kind = type(experiment.task)
    paid = kind.reward
    monkeypatch.setattr(kind, "reward", lambda *arguments: paid(*arguments).detach())
    with pytest.raises(ConfigError, match="its reward carries no gradient"):
        fit(experiment)


def test_a_goal_can_be_paid_for_structure(tmp_path: Path) -> None:
    """Beside the reward, in its unit, by an independent measure of what is similar."""
    experiment = aiming(tmp_path)
    (scene,) = list(ImageData(experiment.task, experiment.data).val_dataloader())[:1]
    goal = Goal(scene["image"], torch.ones_like(scene["image"]))
    plain, paid = (score_goal(experiment.task, goal, scene, ssim) for ssim in (0.0, 3.0))
    images = (scene[name][0, 0].numpy() for name in ("image", "target"))
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = structural_similarity(*images, data_range=1.0, full=True, **window)[1].mean()
    assert float(paid.ssim) == pytest.approx(3 * expected, rel=0.02)  # but for what edges repeat
    unit = torch.tensor(0.5)
    assert torch.isclose(plain.total(unit) - paid.total(unit), paid.ssim / 0.5)


def test_goals_that_are_paid_for_structure_get_more_alike(tmp_path: Path) -> None:
    scores = {}
    for weight in (0, 20):
        more = (f"learning.goal_ssim={weight}", f"run.name=w{weight}", "data.batch=8")
        experiment = aiming(tmp_path, "learning.goal_episodes=80", "task.sigma=50", *more)
        module = restore(pretrain(experiment)).module
        batches = ImageData(experiment.task, experiment.data).val_dataloader()
        found = [ssim(module.edit(batch).image, batch["target"]).mean() for batch in batches]
        scores[weight] = float(torch.stack(found).mean())
    assert scores[20] > scores[0] + 0.005, scores


def test_small_crops_have_no_structure_to_pay_for(tmp_path: Path) -> None:
    experiment = aiming(tmp_path, "learning.goal_ssim=1", "data.crop=8")
    with pytest.raises(ConfigError, match="crops of at least 11 pixels, got 8"):
        fit(experiment)


def test_the_goal_is_paid_under_reinforcement_too(tmp_path: Path) -> None:
    """At the step that set it alone, and in the unit of rewards."""
    experiment = aiming(tmp_path)
    module = build(experiment)
    module.policy.reward_spread.fill_(0.5)
    (scene,) = list(ImageData(experiment.task, experiment.data).val_dataloader())[:1]
    first, second = list(rollout(GoalEnvironment(experiment.task), module.policy, scene))[:2]
    paid = anchor_loss(experiment.task, first, scene, module.policy.reward_spread)
    goal = first.output.memory[:, :1]
    reward = experiment.task.reward(scene["image"], goal, scene).mean()
    doubt = doubt_loss(Goal(goal, first.output.doubt), scene["target"])
    assert torch.isclose(paid, doubt - reward / 0.5)
    assert anchor_loss(experiment.task, second, scene, module.policy.reward_spread) == 0
    paid.backward()
    assert module.policy.goal.tail.weight.grad.any()
