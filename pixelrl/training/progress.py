"""How a run tells where it is: a line per validation, and a bar if somebody is watching."""

import time
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from tqdm import tqdm

from pixelrl.maps import Scene

INPUT = "input_"
"""What the scores of images before any edit are called by."""
SHOWN_EVERY = 10
"""Episodes between looks at the reward, each of which waits for the device."""


class Progress(Callback):
    """Print a line per validation and, on a terminal, one bar over all episodes.

    Args:
        episodes: of the whole run.
    """

    def __init__(self, episodes: int) -> None:
        self.episodes, self.began = episodes, time.monotonic()
        self.bar: Any = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the bar, where the run is if it is resumed."""
        self.bar = tqdm(
            total=self.episodes,
            initial=trainer.fit_loop.total_batch_idx + 1,
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
        """Move the bar on."""
        self.bar.update()
        reward = trainer.callback_metrics.get("train/reward")
        if not self.bar.disable and reward is not None and batch_idx % SHOWN_EVERY == 0:
            self.bar.set_postfix_str(f"reward {float(reward):.3f}")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the validation's line, above the bar."""
        if trainer.is_global_zero:
            spent = time.monotonic() - self.began
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
