"""Where nobody watches, a log says once a minute how far learning is."""

from types import SimpleNamespace
from typing import Any, cast

import lightning.pytorch as pl
import pytest

from pixelrl.training.progress import LINE_EVERY, Progress

MODULE = cast("pl.LightningModule", None)


def test_without_a_terminal_there_is_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = 0.0
    progress = Progress(100, clock=lambda: seconds)
    loop = SimpleNamespace(total_batch_idx=39)  # resumed after forty
    made: Any = SimpleNamespace(is_global_zero=True, fit_loop=loop, callback_metrics={})
    trainer = cast("pl.Trainer", made)
    seconds = 500.0  # what came before learning does not count
    progress.on_train_start(trainer, MODULE)
    for index in range(40, 50):
        seconds += LINE_EVERY / 4
        loop.total_batch_idx = index
        progress.on_train_batch_end(trainer, MODULE, None, {}, index)
    progress.on_train_end(trainer, MODULE)
    assert capsys.readouterr().err.splitlines() == [
        "episode 44/100, about 14 min left",
        "episode 48/100, about 13 min left",
    ]


def test_other_processes_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = 0.0
    progress = Progress(100, clock=lambda: seconds)
    loop = SimpleNamespace(total_batch_idx=-1)
    made: Any = SimpleNamespace(is_global_zero=False, fit_loop=loop, callback_metrics={})
    progress.on_train_start(made, MODULE)
    seconds = 10 * LINE_EVERY
    progress.on_train_batch_end(made, MODULE, None, {}, 0)
    assert capsys.readouterr() == ("", "")
