"""The processes of one run, forked from a process that has imported everything.

They are started as srun starts them, each with its own variables, but in no time.
"""

import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NoReturn

import torch

from pixelrl.cli.main import main
from pixelrl.errors import DataError
from pixelrl.training.module import PixelA3C

GUARD = 600.0
"""Seconds after which a process hangs."""


class Ended(tuple[int, str]):
    """Hold the status with which a process ended, and what it printed."""

    @property
    def status(self) -> int:
        return self[0]

    @property
    def errors(self) -> list[str]:
        """The lines that tell errors."""
        return [line for line in self[1].splitlines() if line.startswith("pixelrl: ")]


def kill_me() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def end_me() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def fail() -> NoReturn:
    raise DataError("photos/a.png: a damaged or unknown image.")


@dataclass(frozen=True)
class Fault:
    """What befalls one process in one of its updates."""

    rank: int
    update: int
    call: Callable[[], None] = kill_me

    def befall(self) -> None:
        """Let it happen when its time has come, in this process."""
        update, count = PixelA3C.update, iter(range(1, 10_000))

        def faulty(module: PixelA3C, losses: Any) -> None:
            if next(count) == self.update:
                self.call()
            update(module, losses)

        PixelA3C.update = faulty  # type: ignore[method-assign]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def as_slurm(tasks: int, rank: int, port: int) -> dict[str, str]:
    """Set the variables that srun sets, for one of its tasks on this machine."""
    named = {
        "JOB_ID": "7", "JOB_NAME": "fit", "NTASKS": tasks, "NTASKS_PER_NODE": tasks, "NNODES": 1,
        "PROCID": rank, "LOCALID": rank, "NODEID": 0, "NODELIST": "127.0.0.1",
        "JOB_NODELIST": "127.0.0.1",
    }  # fmt: skip
    slurm = {f"SLURM_{name}": str(value) for name, value in named.items()}
    return {**os.environ, **slurm, "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}


def run_ranks(words: Sequence[str], folder: Path, fault: Fault | None = None) -> list[Ended]:
    """Run a command of pixelrl as two tasks of srun, to their ends.

    Args:
        words: the command's.
        folder: for what they print.
        fault: what befalls one of them.
    """
    context, port = multiprocessing.get_context("forkserver"), free_port()
    context.set_forkserver_preload(["pixelrl.experiments.fit", "pixelrl.cli.verbs.fit"])
    printed = [folder / f"printed-{rank}" for rank in range(2)]
    started: list[BaseProcess] = []
    for rank in range(2):
        arguments = (list(words), as_slurm(2, rank, port), printed[rank], fault)
        started.append(context.Process(target=_run, args=arguments))
        started[-1].start()
    try:
        for process in started:
            process.join(GUARD)
            assert process.exitcode is not None, "it hangs"
        return [
            Ended((process.exitcode or 0, file.read_text()))
            for process, file in zip(started, printed, strict=True)
        ]
    finally:
        for process in started:
            process.kill()


def weights_of(run: Path) -> dict[str, torch.Tensor]:
    """Read the weights of a run's last state."""
    stored = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    found: dict[str, torch.Tensor] = stored["state_dict"]
    return found


def _run(words: list[str], environment: dict[str, str], told: Path, fault: Fault | None) -> None:
    torch.set_num_threads(1)
    os.environ.clear()
    os.environ.update(environment)
    with told.open("w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    if fault and fault.rank == int(environment["SLURM_PROCID"]):
        fault.befall()
    sys.exit(main(words))
