"""Killed at any moment and resumed, a run ends where it would have, bit for bit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from photos import tiny
from pixelrl.config.compose import compose
from pixelrl.experiments.fit import fit
from pixelrl.training.module import PixelA3C
from stopping import Killed, equal, weights


def test_a_resumed_run_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit(compose("inpainting", overrides=tiny(tmp_path, "run.name=whole")))
    halves = compose("inpainting", overrides=tiny(tmp_path, "run.name=halves"))
    update, count = PixelA3C.update, [0]

    def killed(self: PixelA3C, loss: torch.Tensor) -> None:
        count[0] += 1
        if count[0] == 14:  # in the middle of the fifth episode of three windows
            raise Killed
        update(self, loss)

    monkeypatch.setattr(PixelA3C, "update", killed)
    with pytest.raises(Killed):
        fit(halves)
    monkeypatch.undo()
    last = tmp_path / "runs" / "halves" / "checkpoints" / "last.ckpt"
    assert not equal(weights(last), weights(whole.directory / "checkpoints" / "last.ckpt"))
    resumed = fit(halves, last)
    assert resumed.directory.samefile(tmp_path / "runs" / "halves")
    assert equal(weights(last), weights(whole.directory / "checkpoints" / "last.ckpt"))
    assert resumed.scores.rows == whole.scores.rows


DYING = """
import os, signal, sys
from pixelrl.cli.main import main
from pixelrl.training.module import PixelA3C

update, count = PixelA3C.update, 0

def die(self, loss):
    global count
    count += 1
    if count == 15:
        os.kill(os.getpid(), signal.SIGKILL)
    update(self, loss)

PixelA3C.update = die
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_process_is_resumed_by_last(tmp_path: Path) -> None:
    options = tiny(tmp_path, "learning.episodes=20", "run.validate_every=20", "run.threads=1")
    fit = ["fit", "--task", "denoising", "--config", "smoke", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command], env=environment, capture_output=True, text=True, check=False
        )

    apart = tmp_path / "apart"  # so that the newest run is the one that was killed
    done = run("-m", "pixelrl", *fit, f"run.root={apart}", "run.name=whole")
    assert done.returncode == 0, done.stderr
    done = run("-c", DYING, *fit, "run.name=killed")
    assert done.returncode == -signal.SIGKILL, done.stderr
    last = tmp_path / "runs" / "killed" / "checkpoints" / "last.ckpt"
    resume = ["fit", "--task", "denoising", "--resume", "last", f"run.root={tmp_path / 'runs'}"]
    done = run("-m", "pixelrl", *resume)
    assert done.returncode == 0, done.stderr
    assert f"resuming {last}" in done.stdout
    assert equal(weights(last), weights(apart / "whole" / "checkpoints" / "last.ckpt"))
