"""Who works on which trial, so that several processes and machines share a study.

On one machine a trial belongs to whoever has locked its log. The trial's process inherits the
lock, so that one which outlives a killed sweep is still seen. Between machines a trial belongs to
whoever has said so lately: its claim is renewed as long as it runs, and lapses after a while.
"""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from pixelrl.sweeps.mapping import suggest
from pixelrl.sweeps.study import Study

try:
    import fcntl
except ImportError:  # Windows has none; claims lapse there as between machines
    fcntl = None  # type: ignore[assignment]

RENEW_EVERY = 20.0
"""Seconds between a claim's renewals."""
LAPSE_AFTER = 120.0
"""Seconds after which a claim that was not renewed is void; the machines' clocks should agree."""


@dataclass
class Claim:
    """Hold a trial that this process works on.

    Attributes:
        study: the trial's.
        trial: to report to.
        lock: open as long as it is worked on; None where files cannot be locked.
        owner: the process.
        before: seconds spent on the trial by earlier attempts.
        since: when this attempt began, by the monotonic clock.
        renewed: when the claim was last renewed, by the same.
    """

    study: Study
    trial: optuna.Trial
    lock: IO[str] | None
    owner: str
    before: float
    since: float = field(default_factory=time.monotonic)
    renewed: float = field(default_factory=time.monotonic)

    @property
    def inherited(self) -> tuple[int, ...]:
        """What the trial's process holds open, so that it is seen to live."""
        return () if self.lock is None else (self.lock.fileno(),)

    def close(self) -> None:
        """Give the lock back."""
        if self.lock is not None:
            self.lock.close()

    def read(self) -> FrozenTrial:
        """Read the trial as it is kept."""
        return self.study.optuna_study.get_trials(deepcopy=False)[self.trial.number]

    def is_kept(self) -> bool:
        """Renew the claim when it is time; False if another process has taken the trial over."""
        return time.monotonic() - self.renewed < RENEW_EVERY or self.renew()

    def renew(self) -> bool:
        """Say that the trial is still worked on; False if another process has taken it over."""
        trial = self.read()
        if trial.state != TrialState.RUNNING or _claim(trial).get("owner") != self.owner:
            return False
        self.write()
        return True

    def write(self) -> None:
        """Keep the claim with the trial, where every process sees it."""
        self.renewed = time.monotonic()
        claim = {
            "place": _place(self.study),
            "owner": self.owner,
            "renewed": time.time(),
            "seconds": round(self.before + self.renewed - self.since, 1),
        }
        self.trial.set_user_attr("claim", claim)


def claim_next(study: Study, owner: str) -> Claim | None:
    """Take the next trial: one that was left by a process that is gone, or else a new one.

    Args:
        study: whose.
        owner: the process that takes it.

    Returns:
        The claim, to be closed in the end; None if nothing is left to begin.
    """
    with hold(study.directory / "lock") as alone:
        for trial in list_running(study):
            if not is_claimed(study, trial, alone=alone):
                study.requeue(trial.number)
        begun = study.frozen()[: study.limit]
        if len(begun) == study.limit and all(one.state != TrialState.WAITING for one in begun):
            return None
        asked = study.optuna_study.ask()
        if asked.number >= study.limit:  # another machine was faster
            study.requeue(asked.number)
            return None
        before = asked.user_attrs.get("claim", {}).get("seconds", 0.0)
        claim = Claim(study, asked, _wait_for(_lock_file(study, asked.number)), owner, before)
        with ExitStack() as undone:
            undone.callback(claim.close)
            claim.write()
            suggest(asked, study.distributions)
            undone.pop_all()
        claim.since = time.monotonic()
        return claim


def find_elsewhere(study: Study, owner: str) -> str:
    """Name a trial that another process works on; empty if there is none."""
    with hold(study.directory / "lock"):
        for trial in list_running(study):
            if _claim(trial).get("owner") != owner:
                return str(study.directory / study.describe(trial).run)
    return ""


def list_running(study: Study) -> list[FrozenTrial]:
    """List the trials that some process works on, or worked on when it was killed."""
    begun = study.frozen()[: study.limit]
    return [trial for trial in begun if trial.state == TrialState.RUNNING]


def is_claimed(study: Study, trial: FrozenTrial, *, alone: bool) -> bool:
    """Tell whether some process works on a running trial.

    Args:
        study: the trial's.
        trial: as it was read.
        alone: whether no other process of this directory takes a trial at this moment.
    """
    claim = _claim(trial)
    if claim.get("place") == _place(study):
        with _lock_file(study, trial.number).open("a") as log:
            free = _lock(log, wait=False)
        if free is not None:
            return not free
    if alone and not claim and (study.shared or _lock_file(study, trial.number).is_file()):
        return False  # killed while it was begun, and here
    begun = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    return time.time() - float(claim.get("renewed", begun)) < LAPSE_AFTER


@contextmanager
def hold(file: Path) -> Iterator[bool]:
    """Hold a lock file, waiting for it; says whether files can be locked at all."""
    lock = _wait_for(file)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.close()


def _wait_for(file: Path) -> IO[str] | None:
    """Lock a file as soon as nobody else has; None where files cannot be locked."""
    opened = file.open("a")
    if _lock(opened, wait=True):
        return opened
    opened.close()
    return None


def _lock(opened: IO[str], *, wait: bool) -> bool | None:
    """Lock a file; False if another process has, None if the system or the disk has no locks."""
    if not fcntl:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _claim(trial: FrozenTrial) -> Mapping[str, Any]:
    found: Mapping[str, Any] = trial.user_attrs.get("claim", {})
    return found


def _lock_file(study: Study, number: int) -> Path:
    return study.directory / f"trial-{number:03d}.log"


def _place(study: Study) -> str:
    return f"{socket.gethostname()}:{study.directory.resolve()}"
