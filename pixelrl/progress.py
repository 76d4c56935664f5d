"""How a run tells where it is: a bar on a terminal, a line per validation elsewhere."""

import sys
import time
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback, TQDMProgressBar


def on_terminal() -> bool:
    """Tell whether somebody is watching."""
    return sys.stderr.isatty()


def validation_line(trainer: pl.Trainer, episodes: int) -> str:
    """Phrase the last validation in one line."""
    episode = trainer.fit_loop.total_batch_idx + 1
    scores = {
        name.removeprefix("val/"): float(value)
        for name, value in sorted(trainer.callback_metrics.items())
        if name.startswith("val/")
    }
    told = "  ".join(f"{name} {value:.4g}" for name, value in scores.items())
    return f"episode {episode}/{episodes}  {told}"


class Narrate(Callback):
    """Print a line per validation.

    Args:
        episodes: of the whole run.
    """

    def __init__(self, episodes: int) -> None:
        self.episodes, self.began = episodes, time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print it."""
        if trainer.is_global_zero:
            spent = time.monotonic() - self.began
            print(f"{validation_line(trainer, self.episodes)}  ({spent:.0f} s)", flush=True)


class ProgressBar(TQDMProgressBar):
    """Show one bar over all episodes, and a line above it per validation.

    Args:
        episodes: of the whole run.
    """

    def __init__(self, episodes: int) -> None:
        super().__init__(leave=True)
        self.episodes = episodes

    def init_validation_tqdm(self) -> Any:  # noqa: ANN401 - tqdm has no types
        """Keep validation's own bar away: it is told in a line."""
        bar = super().init_validation_tqdm()
        bar.disable = True
        return bar

    def get_metrics(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
    ) -> dict[str, int | str | float | dict[str, float]]:
        """Show the latest reward beside the bar."""
        reward = trainer.callback_metrics.get("train/reward")
        return {} if reward is None else {"reward": f"{float(reward):.3f}"}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the validation's line."""
        super().on_validation_end(trainer, pl_module)
        self.print(validation_line(trainer, self.episodes))
