"""Killed at any point and resumed, however often, a run leaves what it would have left.

Weights, best state, scores, logged rows and filmstrips are compared with an uninterrupted run's.
"""

import csv
import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch

from photos import tiny
from pixelrl.config.compose import compose
from pixelrl.experiments.fit import fit
from pixelrl.runs.metrics import read_metrics
from pixelrl.runs.resume import find_resumed
from pixelrl.training.callbacks import ShowEpisodes
from pixelrl.training.files import WholeCheckpoints
from pixelrl.training.module import PixelA3C

SETTINGS = ("learning.episodes=9", "run.validate_every=3", "run.checkpoint_every=3")


class Killed(BaseException):
    """End a process as a kill does: nobody catches it."""


def count_calls(count: int, call: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    """Make a function that dies in its n-th call, before or after doing its work."""
    calls = iter(range(1, 10_000))

    def dying(*args: Any, **kwargs: Any) -> Any:
        last = next(calls) == count
        if last and not after:
            raise Killed
        found = call(*args, **kwargs)
        if last:
            raise Killed
        return found

    return dying


POINTS = {
    "an update": (PixelA3C, "update"),
    "a validation": (PixelA3C, "validation_step"),
    "a checkpoint": (WholeCheckpoints, "save_checkpoint"),
    "a filmstrip": (ShowEpisodes, "on_validation_batch_end"),
    "a logged row": (pl.LightningModule, "log_dict"),
}


@contextmanager
def dies(point: str, count: int, *, after: bool) -> Iterator[None]:
    """Let the process die at a point."""
    with pytest.MonkeyPatch.context() as patch:
        owner, name = POINTS[point]
        patch.setattr(owner, name, count_calls(count, getattr(owner, name), after=after))
        yield


def left(directory: Path) -> dict[str, Any]:
    """Read all that a run leaves and that must not depend on kills."""
    checkpoints = {
        name: torch.load(directory / "checkpoints" / f"{name}.ckpt", weights_only=True)
        for name in ("last", "best")
    }
    with (directory / "scores.csv").open() as file:
        scores = list(csv.DictReader(file))
    return {
        **{name: digest(state["state_dict"]) for name, state in checkpoints.items()},
        "best reward": checkpoints["last"]["callbacks"]["KeepCheckpoints"]["reward"],
        "scores": scores,
        "mean": json.loads((directory / "protocol.json").read_text())["mean"],
        "history": read_metrics(directory),
        "filmstrips": {
            file.name: file.read_bytes() for file in sorted((directory / "filmstrips").iterdir())
        },
    }


def digest(weights: dict[str, torch.Tensor]) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in weights.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("whole")
    return left(fit(compose("denoising", overrides=tiny(folder, *SETTINGS))).directory)


def compare(found: dict[str, Any], whole: dict[str, Any]) -> None:
    for name, wanted in whole.items():
        assert found[name] == wanted, name


KILLS = int(os.environ.get("KILLS", "100"))
IN_A_ROW = 10


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(-(-KILLS // IN_A_ROW)))
def test_killed_anywhere_again_and_again_a_run_leaves_the_same(
    tmp_path: Path, whole: dict[str, Any], seed: int
) -> None:
    rng = random.Random(seed)
    experiment = compose("denoising", overrides=tiny(tmp_path, *SETTINGS, "run.name=killed"))
    killed = 0
    for _ in range(IN_A_ROW):
        point, count, after = rng.choice(sorted(POINTS)), rng.randint(1, 6), rng.random() < 0.5
        try:
            with dies(point, count, after=after):
                fit(experiment, find_resumed("auto", tmp_path / "runs", "killed"))
        except Killed:
            killed += 1
    assert killed  # the last ones may find the run finished
    resumed = fit(experiment, find_resumed("auto", tmp_path / "runs", "killed"))
    compare(left(resumed.directory), whole)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("point", "counts"),
    [
        ("an update", [1, 20]),
        ("a validation", [1, 4]),
        ("a checkpoint", [1, 2, 3, 5]),
        ("a filmstrip", [3]),
        ("a logged row", [5]),
    ],
)
def test_killed_and_resumed_a_run_leaves_the_same(
    tmp_path: Path, whole: dict[str, Any], point: str, counts: list[int], after: bool
) -> None:
    experiment = compose("denoising", overrides=tiny(tmp_path, *SETTINGS, "run.name=killed"))
    for count in counts:
        resume = find_resumed("auto", tmp_path / "runs", "killed")
        try:
            with dies(point, count, after=after):
                fit(experiment, resume)
        except Killed:
            continue
    resumed = fit(experiment, find_resumed("auto", tmp_path / "runs", "killed"))
    compare(left(resumed.directory), whole)
    names = {file.name for file in (resumed.directory / "checkpoints").iterdir()}
    assert names == {"last.ckpt", "previous.ckpt", "best.ckpt"}  # no orphans


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_learned_a_resumed_run_is_the_uninterrupted_one(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    drawn = [
        f"learning.window={rng.choice([1, 2, 5])}",
        f"learning.estimator={rng.choice(['sampled', 'expected'])}",
        f"learning.optimizer={rng.choice(['adam', 'muon'])}",
        f"network.memory={rng.choice(['true', 'false'])}",
        f"data.batch={rng.choice([1, 3])}",
        f"run.seed={rng.randrange(1000)}",
        *SETTINGS,
    ]
    task = rng.choice(["denoising", "inpainting"])
    whole = fit(compose(task, overrides=tiny(tmp_path, *drawn, "run.name=whole")))
    experiment = compose(task, overrides=tiny(tmp_path, *drawn, "run.name=killed"))
    for _ in range(3):
        point, count = rng.choice(sorted(POINTS)), rng.randint(1, 6)
        with suppress(Killed), dies(point, count, after=rng.random() < 0.5):
            fit(experiment, find_resumed("auto", tmp_path / "runs", "killed"))
    resumed = fit(experiment, find_resumed("auto", tmp_path / "runs", "killed"))
    compare(left(resumed.directory), left(whole.directory))
