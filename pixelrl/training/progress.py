"""How a run tells where it is: a line per validation, between them a bar or, in a log, lines."""

import sys
import time
from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from tqdm import tqdm

from pixelrl.maps import Scene

INPUT = "input_"
"""What the scores of images before any edit are called by."""
SHOWN_EVERY = 10
"""Episodes between looks at the reward, each of which waits for the device."""
LINE_EVERY = 60.0
"""Seconds between lines where there is no terminal to draw a bar on."""


class Progress(Callback):
    """Print a line per validation; on a terminal one bar over all episodes, else a line a minute.

    Args:
        episodes: of the whole run.
        clock: tells the time, in seconds.
    """

    def __init__(self, episodes: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.episodes, self.clock = episodes, clock
        self.began = self.told = clock()
        self.start = 0
        self.bar: Any = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the bar, where the run is if it is resumed."""
        self.start = trainer.fit_loop.total_batch_idx + 1
        self.began = self.told = self.clock()
        self.bar = tqdm(
            total=self.episodes,
            initial=self.start,
            unit=" episodes",
            dynamic_ncols=True,
            disable=None if trainer.is_global_zero else True,  # None: unless on a terminal
        )

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Scene,
        batch_idx: int,
    ) -> None:
        """Move the bar on, or tell now and then that it would have moved."""
        self.bar.update()
        if trainer.is_global_zero and self.bar.disable and self.clock() - self.told >= LINE_EVERY:
            self.told = self.clock()
            print(self._line(trainer), file=sys.stderr, flush=True)
        reward = trainer.callback_metrics.get("train/reward")
        if not self.bar.disable and reward is not None and batch_idx % SHOWN_EVERY == 0:
            self.bar.set_postfix_str(f"reward {float(reward):.3f}")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the validation's line, above the bar."""
        if trainer.is_global_zero:
            self.told = self.clock()
            spent = self.told - self.began
            tqdm.write(f"{validation_line(trainer, self.episodes)}  ({spent:.0f} s)")

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the bar where it is."""
        self.bar.close()

    def on_exception(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        exception: BaseException,
    ) -> None:
        """Leave the line free for what is to be told."""
        if self.bar is not None:
            self.bar.close()

    def _line(self, trainer: pl.Trainer) -> str:
        """Say how far it is, and how long the rest will take at this pace, validations included."""
        episode = trainer.fit_loop.total_batch_idx + 1
        pace = (self.told - self.began) / max(episode - self.start, 1)
        left = pace * (self.episodes - episode)
        told = f"{left:.0f} s" if left < 100 else f"{left / 60:.0f} min"
        return f"episode {episode}/{self.episodes}, about {told} left"


def validation_line(trainer: pl.Trainer, episodes: int) -> str:
    """Phrase the last validation in one line."""
    episode = trainer.fit_loop.total_batch_idx + 1
    scores = {
        name.removeprefix("val/"): float(value)
        for name, value in sorted(trainer.callback_metrics.items())
        if name.startswith("val/")
    }
    before = {
        name.removeprefix(INPUT): scores.pop(name)
        for name in list(scores)
        if name.startswith(INPUT)
    }
    told = "  ".join(
        f"{name} {value:.4g}" + (f" (input {before[name]:.4g})" if name in before else "")
        for name, value in scores.items()
    )
    return f"episode {episode}/{episodes}  {told}"
