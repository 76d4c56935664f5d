"""A supervised start learns, is handed over by name, and is no policy."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from photos import tiny
from pixelrl.cli.main import main
from pixelrl.config.compose import Experiment, compose
from pixelrl.data.module import Whole
from pixelrl.errors import CheckpointError, ConfigError
from pixelrl.experiments.pretrain import pretrain
from pixelrl.task import Task
from pixelrl.training.checkpoint import build, restore
from pixelrl.training.pretraining import HANDED, Regression


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> tuple[Experiment, Path]:
    folder = tmp_path_factory.mktemp("pretrained")
    options = tiny(
        folder,
        *("run.name=pre", "network.width=12", "task.sigma=50", "learning.episodes=80"),
        *("learning.optimizer=muon", "run.validate_every=40", "run.checkpoint_every=40"),
    )
    experiment = compose("denoising", overrides=options)
    return experiment, pretrain(experiment)


def test_its_prediction_earns_more_than_the_image(start: tuple[Experiment, Path]) -> None:
    experiment, path = start
    module = Regression(experiment.task, build(experiment).policy, experiment.learning)
    image = Whole(experiment.task, experiment.data, "val", 0)[0]
    scene = {name: value[None] for name, value in image.items()}
    with torch.no_grad():
        assert torch.equal(module(scene), scene["image"])  # it begins with no residual
        module.load_state_dict(torch.load(path, weights_only=True)["state_dict"])
        predicted = module(scene)
        assert module.reward(predicted, scene).item() > 3.5  # of 9.8 at sigma 50
    before, after = (
        experiment.task.scores(each, scene)["psnr"] for each in (scene["image"], predicted)
    )
    assert after > before + 1.5


def test_its_layers_are_handed_over_and_the_rest_starts_afresh(
    start: tuple[Experiment, Path],
) -> None:
    experiment, path = start
    fresh = build(experiment).policy.state_dict()
    begun = build(
        replace(experiment, network=replace(experiment.network, init=str(path)))
    ).policy.state_dict()
    learned = torch.load(path, weights_only=True)["state_dict"]
    for name, weight in begun.items():
        if name.startswith(HANDED):
            source = name.replace("policy_body", "body").replace("value_body", "body")
            assert torch.equal(weight, learned[source]), name
            assert not torch.equal(weight, fresh[name]), name
        else:
            assert torch.equal(weight, fresh[name]), name


def test_it_is_no_policy(
    start: tuple[Experiment, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, path = start
    with pytest.raises(CheckpointError, match=r"no policy yet; pass it to fit as\s+network\.init"):
        restore(path)
    assert main(["evaluate", "--checkpoint", str(path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_another_width_is_told_in_a_line(start: tuple[Experiment, Path]) -> None:
    experiment, path = start
    network = replace(experiment.network, init=str(path), width=8)
    with pytest.raises(CheckpointError, match=r"another shape .* set network\.width"):
        build(replace(experiment, network=network))


def test_from_the_command_line_to_a_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = tiny(tmp_path, "run.name=pre")
    assert main(["pretrain", "--task", "inpainting", "--config", "smoke", *options]) == 0
    told = capsys.readouterr().out
    best = tmp_path / "runs" / "pre" / "checkpoints" / "best.ckpt"
    assert f"fit --task inpainting network.init={best}" in told
    begin = [*tiny(tmp_path, "run.name=fit"), f"network.init={best}"]
    assert main(["fit", "--task", "inpainting", "--config", "smoke", *begin]) == 0


def test_a_reward_without_gradient_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = compose("denoising", overrides=tiny(tmp_path))
    kind: type[Task] = type(experiment.task)
    reward = kind.reward
    monkeypatch.setattr(kind, "reward", lambda *arguments: reward(*arguments).detach())
    with pytest.raises(ConfigError, match="its reward carries no gradient"):
        pretrain(experiment)
