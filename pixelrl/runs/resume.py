"""Where a run that stopped goes on: one rule for ``--resume``.

``auto`` begins or goes on by ``run.name``; ``last`` is the run that was begun last; a run's
directory stands for its last state, a file for itself, if it lies in a run. All else is refused.
"""

import shlex
from pathlib import Path

from pixelrl.errors import CheckpointError, ConfigError
from pixelrl.runs.directory import ABOUT, LAST, PREVIOUS, is_run, natural_key, started, task_of


def find_resumed(word: str, root: Path, name: str, task: str | None = None) -> Path | None:
    """Find the state from which ``--resume`` goes on.

    Args:
        word: what was given to ``--resume``: ``auto``, ``last``, a run's directory or a checkpoint.
        root: folder that collects the runs.
        name: ``run.name``, for ``auto``.
        task: of which task ``last`` is to be; None for any.

    Returns:
        The checkpoint; None where ``auto`` has to begin.

    Raises:
        CheckpointError: there is no such run, it has no state yet, or the file is in no run.
        ConfigError: ``auto`` without a name.
    """
    if word == "auto":
        if not name:
            raise ConfigError("--resume auto: name the run, run.name=NAME, to be found again.")
        directory = root / name
        return _last_of(directory) if (directory / LAST.parent).is_dir() else None
    if word == "last":
        return _state(_newest(root, task))
    path = Path(word)
    return _state(path) if path.is_dir() else _of_a_run(path)


def run_of(checkpoint: Path) -> Path:
    """Tell which run's directory a checkpoint lies in.

    Raises:
        CheckpointError: it lies in none, so that nothing may be written around it.
    """
    directory = checkpoint.resolve().parent.parent
    if checkpoint.resolve().parent.name != LAST.parent.name or not is_run(directory):
        raise CheckpointError(
            f"{checkpoint}: lies in no run's directory, so it cannot be gone on with; begin a new"
            f" run from its weights: network.init={checkpoint}."
        )
    return directory


def tell_how_to_go_on(directory: Path, task: str = "") -> str:
    """Say how a run that stopped goes on.

    Args:
        directory: of the run.
        task: its name; code that no distribution offers has to be named by a person again.

    Example:
        >>> tell_how_to_go_on(Path("runs/none"))
        'nothing of it was saved; begin it again'
    """
    if _last_of(directory) is None:
        return "nothing of it was saved; begin it again"
    named = f" --task {shlex.quote(task)}" if ":" in task else ""
    return f"go on: python -m pixelrl fit{named} --resume {shlex.quote(str(directory))}"


def _of_a_run(path: Path) -> Path:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file or run; pass what fit has left, or auto.")
    run_of(path)
    return path


def _state(directory: Path) -> Path:
    if not is_run(directory):
        raise CheckpointError(f"{directory}: not a run's directory (it has no {ABOUT}).")
    found = _last_of(directory)
    if found is None:
        raise CheckpointError(
            f"{directory}: stopped before its first checkpoint; begin it again with"
            f" --resume auto run.name={directory.name} and its settings."
        )
    return found


def _last_of(directory: Path) -> Path | None:
    """Find a run's last state; the one before, if a kill came between the renaming of both."""
    for name in (LAST, PREVIOUS):
        if (directory / name).is_file():
            return directory / name
    return None


def _newest(root: Path, task: str | None) -> Path:
    """Find the run that was begun last."""
    found = [file.parent for file in root.glob(f"*/{ABOUT}")]
    found = [each for each in found if task is None or task_of(each) == task]
    if not found:
        of_task = f" of task '{task}'" if task else ""
        raise CheckpointError(f"no run{of_task} below {root}; name one to resume.")
    return max(found, key=lambda each: (started(each), natural_key(each)))
