"""Settings of a run that change how fast or in how much memory it learns, and not what."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from photos import tiny
from pixelrl.config.compose import compose
from pixelrl.data.reading import KEPT
from pixelrl.errors import ConfigError
from pixelrl.experiments.fit import fit
from pixelrl.experiments.pretrain import pretrain
from pixelrl.experiments.trainer import check_start, make_data, make_trainer
from pixelrl.settings import Run
from pixelrl.training.checkpoint import build
from pixelrl.training.compiling import check_compiler, compile_parts
from pixelrl.training.keeping import Due, KeepCheckpoints
from pixelrl.training.precision import choose_precision

SHORT = ("learning.episodes=2", "run.validate_every=2", "data.batch=4", "run.name=one")
GOAL = ("network.kind=goal", "network.widths=[8,8]", "learning.goal_episodes=2")


def learn(folder: Path, *more: str) -> dict[str, torch.Tensor]:
    """Learn from two batches of each phase, and nothing beside; returns the weights."""
    experiment = compose("denoising", overrides=tiny(folder, *SHORT, *more))
    check_start(experiment)
    module = build(experiment)
    module.compiled = compile_parts(experiment.run, module)
    folder.mkdir(exist_ok=True)
    make_trainer(experiment, folder, []).fit(module, datamodule=make_data(experiment))
    return module.state_dict()


def read(run: Path) -> dict[str, Any]:
    stored: dict[str, Any] = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return stored


def check_near(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=2e-4)


# Parts of a batch


@pytest.mark.parametrize("kind", [("task.length=6", "learning.window=4"), GOAL])
def test_two_parts_of_a_batch_are_the_batch(tmp_path: Path, kind: tuple[str, ...]) -> None:
    whole = learn(tmp_path / "whole", *kind)
    check_near(learn(tmp_path / "parts", *kind, "run.accumulate=2"), whole)


def test_a_supervised_start_is_learned_in_parts_too(tmp_path: Path) -> None:
    found = []
    for parts in (1, 2):
        settings = tiny(tmp_path / str(parts), *SHORT, f"run.accumulate={parts}")
        best = pretrain(compose("denoising", overrides=settings))
        found.append(read(best.parents[1])["state_dict"])
    check_near(found[1], found[0])


def test_a_batch_that_has_no_such_parts_is_told(tmp_path: Path) -> None:
    wanted = compose("denoising", overrides=tiny(tmp_path, *SHORT, "run.accumulate=3"))
    with pytest.raises(ConfigError, match=r"run\.accumulate=3, got 4"):
        check_start(wanted)


# Precision


@pytest.mark.parametrize("kind", [(), GOAL])
def test_weights_in_bfloat16_leave_maps_and_averages_as_they_are(
    tmp_path: Path, kind: tuple[str, ...]
) -> None:
    found = learn(tmp_path, *kind, "run.precision=bf16-true")
    learned = ("learner.", "policy.correction.") if kind else ("policy.",)
    for name, value in found.items():
        wanted = torch.bfloat16 if name.startswith(learned) else torch.float32
        assert value.dtype == wanted, name
    assert all(bool(value.isfinite().all()) for value in found.values())


def test_a_cpu_is_not_asked_to_learn_in_float16(tmp_path: Path) -> None:
    wanted = tiny(tmp_path, *SHORT, "run.precision=16-mixed")
    with pytest.raises(ConfigError, match="16-mixed: a CPU does not learn in float16"):
        check_start(compose("denoising", overrides=wanted))


def test_who_only_edits_needs_no_device_of_the_learning() -> None:
    told = [
        choose_precision(Run(accelerator=kind, precision=name), learns=False)
        for kind, name in (("cpu", "16-mixed"), ("cuda", "16-mixed"), ("cpu", "bf16-true"))
    ]
    assert told == ["32-true", "16-mixed", "bf16-mixed"]


# Compilation


@pytest.mark.parametrize("kind", [pytest.param((), marks=pytest.mark.slow), GOAL])
def test_what_is_compiled_learns_the_same(
    tmp_path: Path, kind: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced as for any compiler, but run as it stands, which takes no minutes."""
    wanted = learn(tmp_path / "plain", *kind)
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    check_near(learn(tmp_path / "compiled", *kind, "run.compile=step"), wanted)
    torch.compiler.reset()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["policy", "edits"])
def test_what_is_compiled_by_the_default_compiler_learns_the_same(
    tmp_path: Path, part: str
) -> None:
    try:
        check_compiler(part)
    except ConfigError as error:
        pytest.skip(str(error))
    wanted = learn(tmp_path / "plain")
    check_near(learn(tmp_path / "compiled", f"run.compile={part}"), wanted)
    torch.compiler.reset()


def test_a_machine_without_a_compiler_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("No working C++ compiler found\nand much more")

    monkeypatch.setattr(torch, "compile", refuse)
    with pytest.raises(ConfigError, match=r"\(No working C\+\+ compiler found\); install"):
        fit(compose("denoising", overrides=tiny(tmp_path, "run.compile=policy")))
    assert not (tmp_path / "runs").exists()  # told before anything is begun


# Checkpoints by the clock


def test_a_state_is_due_after_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    monkeypatch.setattr(
        "pixelrl.training.keeping.save_last",
        lambda trainer, _: kept.append(trainer.fit_loop.total_batch_idx + 1),
    )
    clock = iter(range(10_000))
    monkeypatch.setattr("pixelrl.training.keeping.monotonic", lambda: 60.0 * next(clock))
    settings = ("learning.episodes=6", "run.validate_every=6", "run.checkpoint_every=1000")
    fit(compose("denoising", overrides=tiny(tmp_path, *settings, "run.checkpoint_minutes=2")))
    assert kept == [2, 4, 6]  # each look at the clock finds it a minute later


def test_without_minutes_no_state_is_due_by_the_clock() -> None:
    assert not Due(100).late()
    assert KeepCheckpoints(Path(), Due(100), 100, 100).due.minutes == 0


def test_memory_for_files_is_bounded(tmp_path: Path) -> None:
    for cache, fits in ((0, False), (1, True)):
        wanted = compose(
            "denoising", overrides=tiny(tmp_path / str(cache), f"data.cache_mb={cache}")
        )
        make_data(wanted).check()
        assert (KEPT.used > 0) == fits
        assert KEPT.used <= cache * 10**6
