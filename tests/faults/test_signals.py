"""Told to stop, a run saves its state, says how to go on, and ends with the signal's status."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from photos import tiny

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def fit(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pixelrl", "fit", *words],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        signal.SIGUSR1,
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_a_signal_saves_the_state_and_is_told(tmp_path: Path, number: int) -> None:
    settings = tiny(tmp_path, "learning.episodes=100000", "run.name=long", "run.threads=1")
    process = fit("--task", "denoising", "--config", "smoke", *settings)
    assert process.stdout is not None
    for line in process.stdout:  # a validation's line tells that learning is under way
        if line.startswith("episode"):
            break
    process.send_signal(number)
    _, told = process.communicate()
    assert process.returncode == 128 + number
    last = told.strip().splitlines()[-1]
    assert "Traceback" not in told
    run = tmp_path / "runs" / "long"
    found = re.fullmatch(
        rf"pixelrl: stopped by signal {int(number)} after episode (\d+); go on: "
        rf"python -m pixelrl fit --resume {run}",
        last,
    )
    assert found, last
    stored = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert stored["pixelrl"]["episode"] == int(found[1]) >= 3
    assert not (run / "scores.csv").exists()
