"""Whatever ends learning early, it is no success."""

from pathlib import Path
from typing import Any

import pytest

from photos import tiny
from pixelrl.config.compose import compose
from pixelrl.errors import CheckpointError
from pixelrl.experiments.pretrain import pretrain
from pixelrl.training.base import BaseModule


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
