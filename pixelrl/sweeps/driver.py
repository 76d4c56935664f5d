"""Driving a sweep without a server: trial after trial, each a process of its own.

Optuna is asked for parameters, told what a run logs while it runs, and told its end. Whatever
kills this process, the study knows what was asked and what was told: the next start goes on from
there, and a trial that was killed goes on from its last checkpoint with the same parameters.
"""

import signal
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from types import FrameType

from optuna.exceptions import OptunaError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from pixelrl.errors import ConfigError
from pixelrl.runs.metrics import values
from pixelrl.sweeps.claim import Claim, claim_next, find_elsewhere
from pixelrl.sweeps.process import (
    find_error,
    find_missing_metric,
    find_run,
    make_command,
    read_last_line,
    start_process,
)
from pixelrl.sweeps.pruning import should_stop
from pixelrl.sweeps.study import Study, say
from pixelrl.sweeps.trials import Trial, find_best, list_ended

LOOK_EVERY = 0.2
"""Seconds between looks at a running trial."""
WAIT = 1.0
"""Seconds between looks at trials that run elsewhere."""
PAUSE = 0.5
"""Seconds that a trial's failure is kept back, in case this process is being ended as well."""
SURE = 3
"""If so many trials fail before one succeeds, the sweep is wrong and not its settings."""

Tell = Callable[[Trial], None]
"""Called with every trial that ended here."""


@dataclass
class Work:
    """Hold what the jobs of one process share.

    Attributes:
        study: what they work on.
        wandb: ``disabled`` or ``offline``, for the trials.
        tell: called after each.
        owner: tells this process' claims from others'.
        waiting: whether it was said that a trial elsewhere is waited for.
        enough: set when no further trial is to be begun.
        leave: set when running trials are to be left, for the next start to go on with.
    """

    study: Study
    wandb: str
    tell: Tell
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    waiting: bool = False
    enough: threading.Event = field(default_factory=threading.Event)
    leave: threading.Event = field(default_factory=threading.Event)


def drive(study: Study, tell: Tell, jobs: int = 1, wandb: str = "disabled") -> None:
    """Run a sweep's trials until there are as many as there shall be.

    Trials at work in other processes are waited for, and taken over from those that are killed.

    Args:
        study: with the trials it has.
        tell: called after each that ends here.
        jobs: how many run here at a time.
        wandb: ``disabled`` or ``offline``, for the trials.

    Raises:
        ConfigError: the database that keeps the study failed.
    """
    work = Work(study, wandb, tell)
    with _end_on_sigterm(), ThreadPoolExecutor(jobs) as pool:
        try:
            for job in as_completed([pool.submit(_work, work) for _ in range(jobs)]):
                job.result()
        except (KeyboardInterrupt, SystemExit):
            print("interrupted; the same command goes on.", file=sys.stderr, flush=True)
            raise
        except (OptunaError, SQLAlchemyError) as error:
            raise ConfigError(f"--storage: {say(error)}; the same command goes on.") from error
        finally:
            work.leave.set()


def explain_failure(trials: Sequence[Trial]) -> str:
    """Say in a line that no trial succeeded, and why; empty if one did, or none has ended."""
    ended = list_ended(trials)
    if not ended or {trial.state for trial in ended} != {"failed"}:
        return ""
    return f"no trial of {len(ended)} succeeded: {ended[-1].error}"


def _work(work: Work) -> None:
    """Run one trial after another."""
    while not (work.enough.is_set() or work.leave.is_set() or _reached_target(work.study)):
        claim = claim_next(work.study, work.owner)
        if claim is not None:
            with closing(claim):
                _run(work, claim)
        elif busy := find_elsewhere(work.study, work.owner):
            if not work.waiting:
                print(f"{busy}: still at work there; waiting.", flush=True)
            work.waiting = True
            work.leave.wait(WAIT)
        else:
            return


def _reached_target(study: Study) -> bool:
    """Tell whether a trial has reached the value that ends the sweep."""
    target, maximize = study.sweep.target, study.sweep.maximize
    best = find_best(study.trials(), maximize=maximize)
    if target is None or best is None or best.reached is None:
        return False
    return best.reached >= target if maximize else best.reached <= target


def _run(work: Work, claim: Claim) -> None:
    """Run one trial's process to its end, or to where it is given up, and tell Optuna."""
    study, sweep, trial = work.study, work.study.sweep, claim.trial
    run = find_run(study.directory, study.describe(claim.read()).run)
    trial.set_user_attr("run", run)
    ended = _watch(work, claim, run)
    if ended is None:
        return
    history, directory = _history(study, run), study.directory / run
    error = find_error(sweep, directory, *ended)
    missing = "" if error or history else find_missing_metric(sweep, directory)
    # What ended the trial may be about to end this process: then the trial is left to go on.
    if (error and work.leave.wait(PAUSE)) or not claim.renew():
        return
    while should_stop(study.optuna_study, trial, history, sweep.early):
        pass  # it has ended; what it logged is reported nevertheless
    if error or missing:
        trial.set_user_attr("error", error or missing)
        _tell(work, claim, TrialState.FAIL)
    else:
        best = max(history, default=0.0) if sweep.maximize else min(history, default=0.0)
        _tell(work, claim, TrialState.COMPLETE, best)
    trials = study.trials()
    sure = bool(missing) or len(list_ended(trials)) >= min(SURE, study.limit)
    if sure and explain_failure(trials):
        work.enough.set()


def _watch(work: Work, claim: Claim, run: str) -> tuple[int, str] | None:
    """Run a trial's process, and report what it logs.

    Returns:
        The status with which it ended, and the last line that it printed. None if it was given up
        early, left because this process is to end, or taken over by another.
    """
    study, log = work.study, work.study.directory / f"{run}.log"
    settings = study.settings(claim.trial)
    command = make_command(study.sweep, settings, study.directory, run, work.wandb)
    with (
        log.open("ab") as printed,
        start_process(command, printed.fileno(), claim.inherited) as process,
    ):
        start, reported = printed.tell(), 0
        while process.poll() is None:
            if work.leave.wait(LOOK_EVERY):
                return None
            if not claim.is_kept():
                print(f"{study.directory / run}: taken over by another process.", flush=True)
                return None
            history = _history(study, run)
            if len(history) > reported:
                reported = len(history)
                if should_stop(study.optuna_study, claim.trial, history, study.sweep.early):
                    _tell(work, claim, TrialState.PRUNED)
                    return None
    return process.returncode, read_last_line(log, start)


def _history(study: Study, run: str) -> list[float]:
    metric = study.sweep.metric
    return values(study.directory / run, metric) if metric else []


def _tell(work: Work, claim: Claim, state: TrialState, value: float | None = None) -> None:
    """Tell Optuna how a trial ended, and whoever listens."""
    claim.write()
    work.study.optuna_study.tell(claim.trial, value, state)
    work.tell(work.study.describe(claim.read()))


@contextmanager
def _end_on_sigterm() -> Iterator[None]:
    """End by an exception when asked to, so that no trial is left without its sweep."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
