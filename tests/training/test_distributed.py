"""Two processes learn what one does with the whole batch."""

from pathlib import Path

import pytest
import torch

from photos import tiny
from pixelrl.cli.main import main
from pixelrl.runs.metrics import read_metrics
from processes import run_python_module
from ranks import run_ranks, weights_of

SHORT = ("learning.episodes=4", "run.validate_every=4", "task.length=6", "data.batch=4")
GOAL = ("network.kind=goal", "network.widths=[8,8]", "learning.goal_episodes=4")


def words(folder: Path, verb: str, name: str, devices: int, *more: str) -> list[str]:
    options = tiny(folder, *SHORT, f"run.name={name}", f"run.devices={devices}", *more)
    return [verb, "--task", "denoising", "--config", "smoke", *options]


def check_same(two: Path, one: Path) -> None:
    """Check that two runs logged the same while learning, and ended with the same weights.

    A rounding may change a pixel's choice and so the fourth digit.
    """
    found, wanted = read_metrics(two), read_metrics(one)
    losses = {name for name in wanted if name.startswith(("train/", "val/"))}
    assert {"train/policy", "train/doubt"} & losses
    assert found.keys() == wanted.keys()
    for name in losses:
        assert [episode for episode, _ in found[name]] == [episode for episode, _ in wanted[name]]
        values = [value for _, value in wanted[name]]
        assert [value for _, value in found[name]] == pytest.approx(values, rel=2e-3), name
    weights = weights_of(two)
    for name, value in weights_of(one).items():
        torch.testing.assert_close(weights[name], value, rtol=1e-3, atol=2e-4)


def test_two_processes_equal_one(tmp_path: Path) -> None:
    """Started by Lightning."""
    for name, devices in (("one", 1), ("two", 2)):
        done = run_python_module(["-m", "pixelrl", *words(tmp_path, "fit", name, devices)])
        assert done.returncode == 0, done.stderr
    check_same(tmp_path / "runs" / "two", tmp_path / "runs" / "one")


@pytest.mark.parametrize(
    ("verb", "kind"),
    [
        ("fit", ("learning.window=4",)),
        pytest.param("pretrain", GOAL, marks=pytest.mark.slow),
        ("fit", GOAL),
    ],
    ids=["published", "goal", "goal and correction"],
)
def test_two_processes_in_parts_equal_one_with_the_whole_batch(
    tmp_path: Path, verb: str, kind: tuple[str, ...]
) -> None:
    assert main(words(tmp_path, verb, "one", 1, *kind)) == 0
    ended = run_ranks(words(tmp_path, verb, "two", 2, *kind, "run.accumulate=2"), tmp_path)
    assert [each.status for each in ended] == [0, 0], ended
    check_same(tmp_path / "runs" / "two", tmp_path / "runs" / "one")


@pytest.mark.slow
def test_a_batch_that_cannot_be_shared_is_told(tmp_path: Path) -> None:
    options = words(tmp_path, "fit", "three", 2, "data.batch=3")
    done = run_python_module(["-m", "pixelrl", *options])
    assert done.returncode == 2
    assert done.stderr.strip().endswith(
        "pixelrl: data.batch: expected a multiple of the 2 processes, got 3."
    )
