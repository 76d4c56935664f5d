"""Signals: a run that is told to stop saves what it learned and says how to go on."""

import signal
import threading
from types import FrameType
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from pixelrl.errors import PixelRLError

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1")  # the last is SLURM's warning
    if hasattr(signal, name)
)


class StoppedError(PixelRLError):
    """Report a run that a signal stopped, with its state saved.

    Args:
        message: what to tell.
        number: the signal's.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.status = 128 + number


class StopOnSignal(Callback):
    """Note signals while a run learns; a second one ends it at once, as if nobody had noted them.

    Lightning takes a SIGTERM for an end like any other, so that a killed run looks finished.
    `KeepCheckpoints` asks for `number` where a state can be saved.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to listen; only the main thread may."""
        if threading.current_thread() is threading.main_thread():
            for each in SIGNALS:
                self._before.setdefault(each, signal.getsignal(each))
                signal.signal(each, self._note)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Stop listening."""
        self._restore()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Stop listening, whatever went wrong."""
        self._restore()

    def _restore(self) -> None:
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.number = number
