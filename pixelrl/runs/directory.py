"""A run's directory: one per run, never reused, with all that is needed to repeat it."""

import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pixelrl.errors import CheckpointError, ConfigError
from pixelrl.settings import Run

LAST = Path("checkpoints") / "last.ckpt"
BEST = Path("checkpoints") / "best.ckpt"
_PASSED_ON = "PIXELRL_RUN_DIRECTORY"  # how the other processes of a distributed run learn of it


def is_first() -> bool:
    """Tell whether this is the first, or only, process of a run on this machine."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def new_directory(run: Run, task: str) -> Path:
    """Make the run's directory, named by the user or by task, date and time.

    Raises:
        ConfigError: a run of that name is there already.
    """
    if not is_first() and _PASSED_ON in os.environ:
        return Path(os.environ[_PASSED_ON])
    root = Path(run.root)
    if run.name:
        directory = root / run.name
        if directory.exists() and any(directory.iterdir()):
            raise ConfigError(
                f"{directory}: there is a run of that name; choose another run.name, or go on with"
                f" --resume {directory / LAST}."
            )
        directory.mkdir(parents=True, exist_ok=True)
    else:
        directory = _unused(root, stamp_name(task))
    os.environ[_PASSED_ON] = str(directory)
    return directory


def stamp_name(task: str) -> str:
    """Name a run that its user has not named: by task, date and time."""
    return f"{task.replace(':', '.')}-{datetime.now():%Y%m%d-%H%M%S}"


def find_resumed(checkpoint: Path) -> Path:
    """Tell which run a checkpoint belongs to."""
    directory = checkpoint.resolve().parent.parent
    os.environ[_PASSED_ON] = str(directory)
    return directory


def latest_checkpoint(root: Path, task: str | None) -> Path:
    """Find the last checkpoint of the newest run, of a task if one is named.

    Raises:
        CheckpointError: there is none.
    """
    found = sorted(root.glob(f"*/{LAST}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found:
        about = path.parent.parent / "run.json"
        if task is None or (about.is_file() and _task_of(about) == task):
            return path
    of_task = f" of task '{task}'" if task else ""
    raise CheckpointError(f"no run{of_task} with a checkpoint below {root}; name one to resume.")


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


def describe(directory: Path, task: str, recipe: str) -> None:
    """Write what is needed to repeat a run: settings, command, versions, state of the code."""
    (directory / "config.yaml").write_text(recipe, "utf-8")
    about: Mapping[str, Any] = {
        "task": task,
        "command": shlex.join([Path(sys.executable).name, "-m", "pixelrl", *sys.argv[1:]]),
        "started": f"{datetime.now():%Y-%m-%d %H:%M:%S}",
        "versions": versions(),
        "git": git_state(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
    }
    (directory / "run.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")


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


def session(directory: Path) -> int:
    """Count the sessions of a run so far; each resumption is one and logs beside the others."""
    return len(list((directory / "logs").glob("*"))) if (directory / "logs").is_dir() else 0


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


def _task_of(about: Path) -> str:
    try:
        return str(json.loads(about.read_text("utf-8"))["task"])
    except (ValueError, KeyError, TypeError):
        return ""
