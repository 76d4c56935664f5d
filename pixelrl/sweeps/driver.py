"""Driving a sweep without a server: trial after trial, each a process of its own.

The sweep's directory holds ``sweep.json``, the state after every trial; a sweep that was killed is
taken up from it, and a trial that was killed goes on from its last checkpoint.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pixelrl.errors import ConfigError
from pixelrl.runs import directory as runs
from pixelrl.runs.metrics import values
from pixelrl.sweeps.file import words
from pixelrl.sweeps.search import hopeless, propose
from pixelrl.sweeps.study import State, Study, Trial, saved, taken_up

LOOK_EVERY = 0.2
"""Seconds between looks at a running trial."""
PATIENCE = 20
"""Seconds a trial has to end by itself before it is killed."""
SURE = 3
"""If so many trials fail before one succeeds, the sweep is wrong and not its settings."""


Tell = Callable[[Study, Trial], None]
"""Called with every trial that ended."""


def drive(study: Study, count: int, wandb: str = "disabled", tell: Tell | None = None) -> Study:
    """Run a sweep's trials until there are so many.

    Args:
        study: of no trials; those of the directory are taken up.
        count: how many trials there shall be in all; 0 for a whole grid.
        wandb: ``disabled`` or ``offline``, for the trials.
        tell: called after each.

    Returns:
        The study with all its trials.

    Raises:
        ConfigError: the directory holds another sweep, or the first trials all failed.
    """
    study.directory.mkdir(parents=True, exist_ok=True)
    with _alone(study.directory):
        study = taken_up(study)
        if study.trials and study.trials[-1].state == "running":
            study = _finish(study, wandb, tell)
        for _ in range(len(study.trials), count or sys.maxsize):
            if _reached_target(study):
                break
            number = len(study.trials)
            tried = [(trial.settings, study.gain(trial)) for trial in study.trials]
            settings = propose(study.sweep.method, study.sweep.space, tried, study.seed)
            if settings is None:
                break
            study = saved(study, Trial(settings, f"trial-{number:03d}"))
            study = _finish(study, wandb, tell)
    return study


def _reached_target(study: Study) -> bool:
    """Tell whether a trial has reached the value that ends the sweep."""
    best, target = study.best(), study.sweep.target
    if best is None or target is None:
        return False
    return (study.gain(best) or 0.0) >= study.sign * target


def _ready(study: Study, trial: Trial) -> Trial:
    """Give a trial a new directory if it was killed before its first checkpoint."""
    directory = study.directory / trial.run
    if not directory.is_dir() or (directory / runs.LAST).is_file():
        return trial
    name, _, attempt = trial.run.partition("-again-")
    return _ready(study, replace(trial, run=f"{name}-again-{int(attempt or 0) + 1}"))


def _finish(study: Study, wandb: str, tell: Tell | None) -> Study:
    """Bring the last trial to its end and keep the outcome."""
    before = replace(study, trials=study.trials[:-1])
    trial = _ready(study, study.trials[-1])
    trial = _run(before, trial, wandb)
    study = saved(before, trial)
    if tell:
        tell(study, trial)
    states = {done.state for done in study.trials}
    if states == {"failed"} and len(study.trials) >= min(SURE, study.sweep.cap or SURE):
        log = study.directory / f"{trial.run}.log"
        raise ConfigError(f"the first {len(study.trials)} trials failed: {_last_line(log)} ({log})")
    return study


def _run(study: Study, trial: Trial, wandb: str) -> Trial:
    """Run one trial's process to its end, or to where it is given up."""
    directory = study.directory / trial.run
    others = [[study.sign * value for value in other.history] for other in study.trials]
    began = time.monotonic()
    state: State = "finished"
    with (
        (study.directory / f"{trial.run}.log").open("ab") as log,
        _process(_command(study, trial, wandb), log.fileno()) as process,
    ):
        while process.poll() is None:
            time.sleep(LOOK_EVERY)
            so_far = [study.sign * value for value in values(directory, study.sweep.metric)]
            if study.sweep.early and hopeless(so_far, others, study.sweep.early):
                state = "stopped"
                break
    history = tuple(values(directory, study.sweep.metric))
    if state == "finished" and (process.returncode != 0 or not history):
        state = "failed"
    seconds = trial.seconds + time.monotonic() - began
    return replace(trial, state=state, history=history, seconds=round(seconds, 1))


def _command(study: Study, trial: Trial, wandb: str) -> list[str]:
    """Make a trial's command; what is added at its end stands above what the file says."""
    root = study.directory
    command = words(study.sweep, trial.settings, sys.executable, root / f"{trial.run}.json")
    command += [f"run.root={root}", f"run.name={trial.run}", f"run.wandb={wandb}"]
    last = root / trial.run / runs.LAST
    return [*command, "--resume", str(last)] if last.is_file() else command


@contextmanager
def _process(command: Sequence[str], log: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process, and leave none behind however this ends."""
    ours = ("WANDB_SWEEP_ID", "WANDB_RUN_ID", "WANDB_SWEEP_PARAM_PATH", "PIXELRL_RUN_DIRECTORY")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    process = subprocess.Popen(
        command,
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=environment,
        close_fds=False,  # so that the lock is inherited
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


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    return lines[-1].removeprefix("pixelrl: ") if lines else "it said nothing"


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Wait until no other process drives this sweep, where the system can tell.

    A trial inherits the lock, so one that outlives a killed sweep is waited for as well.
    """
    try:
        import fcntl  # noqa: PLC0415 - Windows has none
    except ImportError:
        yield
        return
    with (directory / "lock").open("a") as lock:
        os.set_inheritable(lock.fileno(), True)  # noqa: FBT003 - the system's own signature
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{directory}: a trial or another sweep is still at work there; waiting.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
