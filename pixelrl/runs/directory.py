"""A run's directory: one per run, never reused, with all that is needed to repeat it."""

import errno
import json
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pixelrl.agents import find_weights, list_agents
from pixelrl.documents import read_json
from pixelrl.errors import CheckpointError, ConfigError
from pixelrl.files import write_whole
from pixelrl.settings import Run

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ABOUT = "run.json"
"""Describes a run, and proves that a directory is one."""

LOCK = ".lock"
LAST = Path("checkpoints") / "last.ckpt"
PREVIOUS = Path("checkpoints") / "previous.ckpt"
BEST = Path("checkpoints") / "best.ckpt"
_PASSED_ON = "PIXELRL_RUN_DIRECTORY"  # how the other processes of a distributed run learn of it


def is_first() -> bool:
    """Tell whether this is the first, or only, process of a run, on all of its machines."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return os.environ.get("RANK", "0") == "0"
    place = os.environ.get("LOCAL_RANK") or os.environ.get("SLURM_PROCID", "0")
    return place == "0"


def new_directory(run: Run, task: str) -> Path:
    """Make the run's directory, named by the user or by task, date and time.

    Raises:
        ConfigError: a run of that name is there already; or a scheduler started several processes
            and the run has no name for them to agree on.
    """
    root = Path(run.root)
    if not is_first():
        if _PASSED_ON in os.environ:
            return Path(os.environ[_PASSED_ON])
        if not run.name:
            raise ConfigError("several processes were started for one run: set run.name.")
        return root / run.name
    if run.name:
        directory = root / run.name
        root.mkdir(parents=True, exist_ok=True)
        try:
            directory.mkdir()  # whoever makes it has it
        except FileExistsError as error:
            if not _may_begin_in(directory):
                raise ConfigError(
                    f"{directory}: there is a run of that name; choose another run.name, or go on"
                    " with --resume auto."
                ) from error
    else:
        directory = _unused(root, stamp_name(task))
    return enter(directory)


def stamp_name(task: str) -> str:
    """Name a run that its user has not named: by task, date and time."""
    return f"{task.replace(':', '.')}-{datetime.now():%Y%m%d-%H%M%S}"


def enter(directory: Path) -> Path:
    """Take a run's directory for this process's own, and for those that it starts.

    Raises:
        ConfigError: another process is learning there.
    """
    if is_first():
        _claim(directory)
    os.environ[_PASSED_ON] = str(directory)
    return directory


def leave(directory: Path) -> None:
    """Let other processes have a run's directory again."""
    lock = _CLAIMS.pop(directory.resolve(), None)
    if lock is not None:
        os.close(lock)


def is_free(directory: Path) -> bool:
    """Tell whether no process learns in a run's directory; False where files cannot be locked."""
    if fcntl is None or not (directory / LOCK).is_file():
        return False
    with (directory / LOCK).open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def is_run(directory: Path) -> bool:
    """Tell whether a directory proves to be a run's: by the description that fit has left in it."""
    return (directory / ABOUT).is_file() and (directory / "config.yaml").is_file()


def natural_key(path: Path) -> list[str | int]:
    """Give what orders paths as people number them: ``seed9`` before ``seed10``."""
    parts = re.split(r"(\d+)", path.as_posix())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def checkpoint_in(path: Path) -> Path:
    """Take a run's directory for its best checkpoint, or its last; a file for itself.

    Raises:
        CheckpointError: the run has neither.
    """
    if not path.is_dir():
        return path
    for name in (BEST, LAST):
        if (path / name).is_file():
            return path / name
    raise CheckpointError(f"{path}: no checkpoint in this run ({BEST} or {LAST}).")


def find_policy(name: str) -> Path:
    """Find a policy's file; agents are found by name unless a run or file is named so.

    Args:
        name: of agents that are installed, a run's directory, or the path of a file.

    Raises:
        CheckpointError: there is none.
    """
    path = Path(name)
    if path.is_dir() and (is_run(path) or name not in list_agents()):
        return checkpoint_in(path)
    return find_weights(name)


def describe(directory: Path, task: str, recipe: str) -> None:
    """Write what is needed to repeat a run: settings, command, versions, state of the code."""
    write_whole(directory / "config.yaml", recipe)
    about: Mapping[str, Any] = {
        "task": task,
        "command": shlex.join([Path(sys.executable).name, "-m", "pixelrl", *sys.argv[1:]]),
        "started": f"{datetime.now():%Y-%m-%d %H:%M:%S.%f}",  # seeds may take less than a second
        "versions": versions(),
        "git": git_state(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
    }
    write_whole(directory / ABOUT, json.dumps(about, indent=2) + "\n")


def versions() -> dict[str, str]:
    """List the versions of what decides results."""
    found = {"python": platform.python_version()}
    for name in ("pixelrl", "torch", "lightning", "kornia", "albumentations", "torchmetrics"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def git_state() -> str:
    """Describe the checkout the code comes from, or nothing."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def started(directory: Path) -> str:
    """Tell when a run was begun, so that times sort; empty if its description is damaged."""
    return _told(directory, "started")


def task_of(directory: Path) -> str:
    """Tell a run's task; empty if its description is damaged."""
    return _told(directory, "task")


def _may_begin_in(directory: Path) -> bool:
    """Tell whether nothing is lost if a run begins here: it is empty, or a run without a state."""
    if not directory.is_dir():
        return False
    if not {entry.name for entry in directory.iterdir()} - {LOCK, "config.yaml"}:
        return True
    return is_run(directory) and not any((directory / each).exists() for each in (LAST, PREVIOUS))


_CLAIMS: dict[Path, int] = {}
"""Locks that this process holds, as long as it lives, as descriptors of open files."""


def _claim(directory: Path) -> None:
    """Hold a run's directory against other processes; the system lets go when this one ends."""
    if fcntl is None or directory.resolve() in _CLAIMS:
        return
    lock = os.open(directory / LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if error.errno not in {errno.EAGAIN, errno.EACCES}:
            return  # a file system without locks
        raise ConfigError(
            f"{directory}: another process is learning in this run; wait for it, or choose another"
            " run.name."
        ) from error
    _CLAIMS[directory.resolve()] = lock


def _unused(root: Path, name: str) -> Path:
    count = 1
    while True:
        directory = root / (name if count == 1 else f"{name}-{count}")
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            count += 1
        else:
            return directory


def _told(directory: Path, key: str) -> str:
    try:
        return str(read_json(directory / ABOUT)[key])
    except (OSError, ValueError, KeyError):
        return ""
