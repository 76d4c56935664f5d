"""Two processes learn what one does with the whole batch."""

import csv
from pathlib import Path

import pytest
import torch

from photos import tiny
from processes import run_python_module

FIT = ["-m", "pixelrl", "fit", "--task", "denoising", "--config", "smoke"]


def fit(folder: Path, name: str, devices: int) -> Path:
    options = tiny(folder, f"run.name={name}", f"run.devices={devices}", "run.accelerator=cpu")
    options += ["learning.episodes=4", "run.validate_every=4", "task.length=6", "data.batch=4"]
    done = run_python_module([*FIT, *options])
    assert done.returncode == 0, done.stderr
    return folder / "runs" / name


def logged(run: Path, column: str) -> list[float]:
    with (run / "logs" / "metrics.csv").open() as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


def test_two_processes_equal_one(tmp_path: Path) -> None:
    one, two = fit(tmp_path, "one", 1), fit(tmp_path, "two", 2)
    for part in ("policy", "value", "entropy", "reward"):
        assert logged(two, f"train/{part}") == pytest.approx(logged(one, f"train/{part}"), rel=1e-4)
    weights = [
        torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for run in (one, two)
    ]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=1e-3, atol=2e-4)


@pytest.mark.slow
def test_a_batch_that_cannot_be_shared_is_told(tmp_path: Path) -> None:
    options = tiny(tmp_path, "run.devices=2", "run.accelerator=cpu", "data.batch=3")
    done = run_python_module([*FIT, *options])
    assert done.returncode == 2
    assert done.stderr.strip().endswith(
        "pixelrl: data.batch: expected a multiple of the 2 processes, got 3."
    )
