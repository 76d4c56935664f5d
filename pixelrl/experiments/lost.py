"""A run that loses one of its processes ends soon, in one line, and leaves none of them behind.

gloo tells at the next exchange that a process has gone, NCCL when its own time is over, and who
hangs before the first exchange is told nothing. So a process that was started here watches its
parent, and the parent its children: who has not ended by itself some time after a loss is ended.
What torchrun and SLURM start, they end.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher
from torch.distributed import DistError
from torch.distributed.distributed_c10d import _get_default_store

from pixelrl.errors import PixelRLError
from pixelrl.experiments.processes import count_started
from pixelrl.runs.directory import is_first, is_free
from pixelrl.runs.resume import tell_how_to_go_on

PARENT = "PIXELRL_PARENT"
"""The variable that tells a process which one started it."""
WORD = "pixelrl/failed"
"""Under which a process tells the others, in the store where they met, why it fails."""
LOOK_EVERY = 0.5
"""Seconds between two looks at the other processes."""
PATIENCE = 30.0
"""Seconds that a process has to notice by itself that another has gone."""
ENDING = 5.0
"""Seconds that the other processes have to end once this one has failed."""
SETTLING = 2.0
"""Seconds until the system shows everyone that a process has gone."""


class LostProcessError(PixelRLError):
    """Report that another process of a run has gone, so that this one cannot go on.

    Args:
        message: what to tell.
        aloud: whether this process tells it though it is not the first.
    """

    def __init__(self, message: str, *, aloud: bool) -> None:
        super().__init__(message)
        self.aloud = aloud


class WatchedDDP(DDPStrategy):
    """Share batches among processes that notice when one of them has gone.

    Args:
        directory: of the run.
        task: the task's name.
        settings: of Lightning's strategy.
    """

    def __init__(self, directory: Path, task: str, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(**settings)
        self.directory, self.task = directory, task

    @property
    def children(self) -> Sequence[subprocess.Popen[bytes]]:
        """The processes that this one has started."""
        return self.launcher.procs if isinstance(self.launcher, WatchedLauncher) else ()

    def describe_loss(self, gone: str) -> LostProcessError:
        """Phrase that a process has gone, and how to go on.

        Args:
            gone: which one, and how.
        """
        launched = ", started as this was" if count_started(os.environ) else ""
        speaks = self.global_rank == 1 and not is_first()
        return LostProcessError(
            f"{self.directory}: {gone or 'another process of this run has gone'}, and the run with"
            f" it; {tell_how_to_go_on(self.directory, self.task)}{launched}",
            aloud=speaks and _wait_until(lambda: is_free(self.directory)),
        )

    def find_gone(self) -> str:
        """Say which process has gone, and how; empty if none is known to have."""
        for rank, child in enumerate(self.children, 1):
            if status := child.poll():
                return f"process {rank} {_phrase(status)}"
        parent = os.environ.get(PARENT)
        orphan = not self.children and parent and os.getppid() != int(parent)
        return "the first process has gone" if orphan else ""

    def end_children(self) -> None:
        """Wait for the processes that this one has started, and end those that hang."""
        until = time.monotonic() + ENDING
        for child in self.children:
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, until - time.monotonic()))
            child.kill()  # nothing, if it has ended

    def _configure_launcher(self) -> None:
        """Start the others as Lightning does, but watch them ourselves."""
        super()._configure_launcher()
        if self.cluster_environment is None:
            raise TypeError("expected Lightning to have found how processes are started.")
        self._launcher = WatchedLauncher(
            self.cluster_environment, self.num_processes, self.num_nodes
        )
        self._launcher.strategy = self


class WatchedLauncher(_SubprocessScriptLauncher):
    """Start the other processes and watch them.

    Lightning's own watch kills this process as well, before it can say why.
    """

    strategy: WatchedDDP

    def launch(
        self,
        function: Callable[..., Any],
        *args: Any,  # noqa: ANN401
        trainer: pl.Trainer | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Start the others if nothing else has, and call a function."""
        if not self.cluster_environment.creates_processes_externally:
            os.environ[PARENT] = str(os.getpid())
            self._call_children_scripts()  # from now on Lightning takes them as started
        done = threading.Event()
        threading.Thread(target=_watch, args=(self.strategy, done), daemon=True).start()
        try:
            return super().launch(function, *args, trainer=trainer, **kwargs)
        finally:
            done.set()


@contextmanager
def tell_lost(trainer: pl.Trainer) -> Iterator[None]:
    """Tell in one line that another process of a run has gone, and end those that are left.

    Args:
        trainer: learns meanwhile.

    Raises:
        LostProcessError: one has.
    """
    strategy = trainer.strategy
    if not isinstance(strategy, WatchedDDP):
        yield
        return
    whole = False
    try:
        yield
        whole = True
    except Exception as error:
        if not _is_of_exchange(error):
            _leave_word(strategy.global_rank, error)
            raise
        _wait_until(lambda: bool(strategy.find_gone()) or not strategy.children)
        word = "" if strategy.global_rank else _read_word()  # the first one keeps the words
        raise strategy.describe_loss(word or strategy.find_gone()) from error
    finally:
        if not whole:
            strategy.end_children()


def _watch(strategy: WatchedDDP, done: threading.Event) -> None:
    """End this process if another has gone and this one does not notice."""
    while not (gone := strategy.find_gone()):
        if done.wait(LOOK_EVERY):
            return
    if done.wait(PATIENCE):
        return
    error = strategy.describe_loss(gone)
    if is_first() or error.aloud:
        print(f"pixelrl: {error}", file=sys.stderr, flush=True)
    strategy.end_children()
    os._exit(2)


def _is_of_exchange(error: Exception) -> bool:
    """Tell whether an error is of what processes tell each other; gloo's have no class."""
    return isinstance(error, DistError) or (
        isinstance(error, RuntimeError) and "gloo" in str(error).partition("\n")[0]
    )


def _leave_word(rank: int, error: Exception) -> None:
    """Tell the first process, which alone speaks, why this one fails."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    if rank:
        with suppress(RuntimeError, ValueError):  # they have not met, or it has gone
            _get_default_store().set(WORD, f"process {rank} failed: {said[-1].rstrip('.')}")


def _read_word() -> str:
    """Read why another process failed; empty if none has said so."""
    with suppress(RuntimeError, ValueError):
        store = _get_default_store()
        if store.check([WORD]):
            return str(store.get(WORD), "utf-8")
    return ""


def _phrase(status: int) -> str:
    """Phrase how a process has ended.

    Example:
        >>> _phrase(-9), _phrase(1)
        ('was ended by SIGKILL', 'ended with status 1')
    """
    if status > 0:
        return f"ended with status {status}"
    return f"was ended by {signal.Signals(-status).name}"


def _wait_until(reached: Callable[[], bool]) -> bool:
    """Wait a moment until something is so; tells whether it is."""
    until = time.monotonic() + SETTLING
    while not (found := reached()) and time.monotonic() < until:
        time.sleep(0.05)
    return found
