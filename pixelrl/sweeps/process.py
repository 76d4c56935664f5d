"""One trial's process: its command, its run's directory, and why it failed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pixelrl.errors import nearest
from pixelrl.runs.metrics import read_metrics
from pixelrl.runs.resume import find_resumed
from pixelrl.sweeps.command import fill_command, nest
from pixelrl.sweeps.file import Sweep
from pixelrl.sweeps.space import Settings

PATIENCE = 20
"""Seconds a trial has to end by itself before it is killed."""
SCORES = "scores.csv"
"""What a fit leaves at its end: the scores of the test images."""
TAIL = 65536
"""How many bytes of a log are looked at for its last line."""


def find_run(directory: Path, run: str) -> str:
    """Name a trial's run: as before, or anew if it was killed before its first checkpoint.

    Args:
        directory: of the sweep.
        run: the name that the last attempt had, or that the first shall have.
    """
    if not (directory / run).is_dir() or find_resumed("auto", directory, run):
        return run
    name, _, attempt = run.partition("-again-")
    return find_run(directory, f"{name}-again-{int(attempt or 0) + 1}")


def make_command(
    sweep: Sweep, settings: Settings, directory: Path, run: str, wandb: str
) -> list[str]:
    """Make a trial's command; what is added at its end stands above what the file says.

    Args:
        sweep: the file's content.
        settings: the trial's, by dotted name.
        directory: of the sweep.
        run: the name of the trial's run; it goes on where it has a checkpoint.
        wandb: ``disabled`` or ``offline``.
    """
    command = fill_command(
        sweep.command,
        nest(settings, sweep.paths),
        interpreter=sys.executable,
        program=sweep.program,
        settings_file=directory / f"{run}.json",
    )
    command += [f"run.root={directory}", f"run.name={run}", f"run.wandb={wandb}"]
    last = find_resumed("auto", directory, run)
    return [*command, "--resume", str(last)] if last else command


@contextmanager
def start_process(
    command: Sequence[str], log: int, inherited: Sequence[int]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process, and leave none behind however this ends.

    Args:
        command: its words.
        log: the file descriptor of what it prints.
        inherited: descriptors that it holds open as long as it lives.
    """
    ours = ("WANDB_SWEEP_ID", "WANDB_RUN_ID", "WANDB_SWEEP_PARAM_PATH", "PIXELRL_RUN_DIRECTORY")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    process = subprocess.Popen(
        command,
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=environment,
        pass_fds=inherited,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def find_error(sweep: Sweep, directory: Path, status: int, printed: str) -> str:
    """Tell in a line why a trial that has ended failed.

    Args:
        sweep: the file's content.
        directory: of the trial's run.
        status: with which its process ended.
        printed: the last line that it printed.

    Returns:
        The reason; empty if it did not fail.
    """
    if (by := _signal(status)) is not None:
        return f"ended by {by} (status {status})"
    if status:
        return printed or f"status {status}, and it printed nothing"
    if "pretrain" not in sweep.command and not (directory / SCORES).is_file():
        return f"it ended without final scores ({SCORES})"
    return ""


def find_missing_metric(sweep: Sweep, directory: Path) -> str:
    """Tell in a line that a run logged no value of the metric, and what it logged; else nothing."""
    if not sweep.metric:
        return ""
    logged = sorted(read_metrics(directory))
    return (
        f"metric: runs log no '{sweep.metric}'.{nearest(sweep.metric, logged)}"
        f" They log: {', '.join(logged) or 'nothing'}"
    )


def read_last_line(log: Path, start: int) -> str:
    """Read the last line of a log that says something, after so many bytes."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start, size - TAIL))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    said = [" ".join(line.split()) for line in lines if line.strip()]
    return said[-1].removeprefix("pixelrl: ") if said else ""


def _signal(status: int) -> str | None:
    """Name the signal that ended a process, from its own status or a shell's."""
    number = -status if status < 0 else status - 128
    try:
        return signal.Signals(number).name if number > 0 else None
    except ValueError:
        return None
