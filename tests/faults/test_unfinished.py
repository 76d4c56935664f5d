"""Whatever ends learning early, it is no success."""

from pathlib import Path
from typing import Any

import pytest

from photos import tiny
from pixelrl.config.compose import compose
from pixelrl.errors import CheckpointError
from pixelrl.experiments.fit import fit
from pixelrl.experiments.pretrain import pretrain
from pixelrl.runs.resume import find_resumed
from pixelrl.sweeps.file import read_sweep
from pixelrl.sweeps.process import find_error
from pixelrl.training.base import BaseModule

SHIPPED = Path(__file__).parents[2] / "configs" / "sweeps" / "denoising.yaml"


def stop_after(count: int, patch: pytest.MonkeyPatch) -> None:
    """Let something, such as a limit of Lightning's, end learning after so many updates."""
    update, done = BaseModule.update, [0]

    def updated(self: BaseModule, *args: Any) -> Any:
        done[0] += 1
        self.trainer.should_stop = done[0] >= count
        return update(self, *args)

    patch.setattr(BaseModule, "update", updated)


def test_a_start_that_was_not_learned_to_its_end_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(2, monkeypatch)
    experiment = compose("denoising", overrides=tiny(tmp_path, "run.name=start"))
    with pytest.raises(CheckpointError, match=r"learned from 2 of 6 episodes; .*start"):
        pretrain(experiment)


def test_fewer_episodes_than_asked_for_are_no_success(tmp_path: Path) -> None:
    experiment = compose("denoising", overrides=tiny(tmp_path, "run.name=one"))
    run = tmp_path / "runs" / "one"
    resume = None
    for count in (1, 2):  # begun, and gone on with, and both times ended early
        with pytest.MonkeyPatch.context() as patch:
            stop_after(count, patch)
            with pytest.raises(CheckpointError, match=rf"of 6 episodes; .*--resume {run}"):
                fit(experiment, resume)
        assert not (run / "scores.csv").exists()
        resume = find_resumed("auto", tmp_path / "runs", "one")
    sweep = read_sweep(SHIPPED)
    assert find_error(sweep, run, 2, "learned from 3 of 6") == "learned from 3 of 6"
    assert "without final scores" in find_error(sweep, run, 0, "")
    fit(experiment, resume)
    whole = fit(compose("denoising", overrides=tiny(tmp_path, "run.name=whole")))
    assert (run / "scores.csv").read_bytes() == (whole.directory / "scores.csv").read_bytes()
    assert find_error(sweep, run, 0, "") == ""
