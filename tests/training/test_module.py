"""Learning moves weights, and makes the reward rise."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from photos import tiny
from pixelrl.config.compose import compose
from pixelrl.data.module import ImageData
from pixelrl.experiments.fit import fit
from pixelrl.rl.rollout import choose_greedy, rollout
from pixelrl.training.checkpoint import build, restore
from pixelrl.training.module import PixelA3C
from skips import NO_GPU


def scene(channels: int = 1, size: int = 24) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(0)
    clean = torch.rand(2, channels, size, size, generator=rng)
    return {"image": clean + 0.1 * torch.randn(clean.shape, generator=rng), "target": clean}


@pytest.mark.parametrize(
    ("estimator", "optimizer", "rate"),
    [
        ("sampled", "adam", 3e-3),
        pytest.param("expected", "adam", 3e-3, marks=pytest.mark.slow),
        pytest.param("pathwise", "muon", 1e-3, marks=pytest.mark.slow),
        ("priced", "muon", 1e-3),
    ],
)
def test_weights_move_and_the_reward_rises(
    tmp_path: Path, estimator: str, optimizer: str, rate: float
) -> None:
    """A port that never steps its optimizer, or steps it the wrong way, fails here."""
    options = tiny(
        tmp_path,
        *(f"learning.estimator={estimator}", f"learning.optimizer={optimizer}"),
        *("learning.episodes=60", f"learning.rate={rate}", "network.width=12", "data.batch=8"),
        *("run.validate_every=60", "run.checkpoint_every=60", "task.sigma=50"),
    )
    experiment = compose("denoising", overrides=options)
    before = build(experiment)
    fitted = fit(experiment)
    for name, weight in before.state_dict().items():
        assert not torch.equal(weight, fitted.module.state_dict()[name]), name

    def reward(module: PixelA3C) -> float:
        batches = ImageData(experiment.task, experiment.data).val_dataloader()
        rewards = [module.edit(batch, with_reward=True).reward.mean() for batch in batches]
        return float(torch.stack(rewards).mean())

    gained, start = reward(fitted.module), reward(before)
    assert gained > start + 0.5, (start, gained)
    assert gained > 3.5  # sigma 50 is 9.8 of squared error; two blurs take a third of it


def test_the_same_seed_learns_the_same_whatever_the_workers(tmp_path: Path) -> None:
    ends = []
    for name, workers in (("a", 0), ("b", 2)):
        options = tiny(tmp_path, f"run.name={name}", f"data.workers={workers}")
        ends.append(fit(compose("denoising", overrides=options)).module.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    other = fit(compose("denoising", overrides=tiny(tmp_path, "run.seed=1"))).module
    assert not torch.equal(
        ends[0]["policy.trunk.0.weight"], other.state_dict()["policy.trunk.0.weight"]
    )


def test_restoring_a_checkpoint_decides_the_same(checkpoint: Path) -> None:
    one, two = restore(checkpoint), restore(checkpoint)
    assert one.experiment == two.experiment
    maps = scene()
    first, second = one.module.edit(maps), two.module.edit(maps)
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.choices, second.choices)


def test_a_checkpoint_is_a_start_for_another_run(tmp_path: Path, checkpoint: Path) -> None:
    experiment = restore(checkpoint).experiment
    again = replace(experiment, network=replace(experiment.network, init=str(checkpoint)))
    weights = build(again).state_dict()
    assert torch.equal(
        weights["policy.trunk.0.weight"], restore(checkpoint).module.policy.trunk[0].weight
    )


def test_fine_tuning_that_gains_nothing_keeps_its_start(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = tiny(tmp_path, f"network.init={checkpoint}", "run.name=two", "learning.rate=1e-9")
    kept = fit(compose("denoising", overrides=options)).module.state_dict()
    told = capsys.readouterr().out
    assert "episode 0/6" in told, told
    start = restore(checkpoint).module.state_dict()
    assert all(torch.equal(kept[name], start[name]) for name in start)
    last = restore(tmp_path / "runs" / "two" / "checkpoints" / "last.ckpt").module.state_dict()
    assert any(not torch.equal(last[name], start[name]) for name in start)


def test_a_checkpoint_holds_plain_values_only(checkpoint: Path) -> None:
    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(plain(key) and plain(item) for key, item in value.items())
        if isinstance(value, list | tuple):
            return all(plain(item) for item in value)
        return value is None or type(value) in {str, int, float, bool, torch.Tensor}

    stored = torch.load(checkpoint, weights_only=True)
    assert plain(stored["pixelrl"])
    assert stored["pixelrl"]["experiment"]["name"] == "denoising"


def test_under_bfloat16_only_the_network_is(tmp_path: Path) -> None:
    options = tiny(tmp_path, "run.precision=bf16-mixed", "learning.episodes=2")
    fitted = fit(compose("denoising", overrides=options))
    module, maps = fitted.module, scene()
    with torch.autocast("cpu", torch.bfloat16):
        steps = list(rollout(module.task, module.policy, maps, choose_greedy))
        assert module.policy.trunk(maps["image"]).dtype == torch.bfloat16
    for step in steps:
        assert {step.before.dtype, step.after.dtype, step.output.logits.dtype} == {torch.float32}
    plain = module.task.step(steps[0].before, steps[0].choice, maps)
    assert torch.equal(plain, steps[0].after)


def test_editing_reads_no_target(checkpoint: Path) -> None:
    module = restore(checkpoint).module
    maps = scene()
    alone = module.edit({"image": maps["image"]})
    assert torch.equal(alone.image, module.edit(maps).image)
    assert alone.reward.isnan().all()


def test_large_images_are_edited_in_tiles_with_the_same_result(checkpoint: Path) -> None:
    module = restore(checkpoint).module
    image = torch.rand(1, 1, 70, 90, generator=torch.Generator().manual_seed(3))
    whole = module.edit({"image": image})
    module.tile = 32
    tiled = module.edit({"image": image})
    assert (tiled.choices != whole.choices).float().mean() < 1e-3  # near ties may round apart
    same = tiled.choices.eq(whole.choices).all(0)
    assert torch.allclose(tiled.image[:, 0][same], whole.image[:, 0][same], atol=1e-6)


@pytest.mark.gpu
@NO_GPU
def test_fit_on_an_accelerator(tmp_path: Path) -> None:
    options = tiny(tmp_path, "run.accelerator=gpu", "run.precision=bf16-mixed")
    fitted = fit(compose("denoising", overrides=options))
    assert fitted.scores.rows
