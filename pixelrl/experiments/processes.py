"""The processes that a run has, and how their time is measured."""

from collections.abc import Mapping
from pathlib import Path

from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch.profilers import (
    AdvancedProfiler,
    Profiler,
    PyTorchProfiler,
    SimpleProfiler,
)

from pixelrl.errors import ConfigError
from pixelrl.settings import Run

PROFILERS: Mapping[str, type[Profiler]] = {
    "simple": SimpleProfiler,
    "advanced": AdvancedProfiler,
    "pytorch": PyTorchProfiler,
}
INTERACTIVE = {"bash", "interactive"}
"""Names of SLURM jobs in which whoever types commands starts the processes, as Lightning has it."""


def count_started(environment: Mapping[str, str]) -> int | None:
    """Tell how many processes torchrun or SLURM has started for one run; None without them.

    Example:
        >>> count_started({"TORCHELASTIC_RUN_ID": "a", "WORLD_SIZE": "4"})
        4
        >>> count_started({"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "fit", "SLURM_NTASKS": "2"})
        2
        >>> count_started({}) is None
        True
    """
    if "TORCHELASTIC_RUN_ID" in environment:
        return _number(environment.get("WORLD_SIZE"))
    if "SLURM_JOB_ID" in environment and environment.get("SLURM_JOB_NAME") not in INTERACTIVE:
        return _number(environment.get("SLURM_NTASKS"))
    return None


def find_share(environment: Mapping[str, str]) -> tuple[int, int]:
    """Tell which share of the work is this process's, if torchrun or srun has started several.

    A batch script that starts one process by itself, without srun, has all of it, however many
    tasks its job may have.

    Returns:
        Its number, from zero, and how many there are.

    Example:
        >>> find_share({"TORCHELASTIC_RUN_ID": "a", "RANK": "1", "WORLD_SIZE": "4"})
        (1, 4)
        >>> find_share({"SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "2"})  # srun's
        (2, 3)
        >>> find_share({"SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_NTASKS": "3"})
        (0, 1)
        >>> find_share({})
        (0, 1)
    """
    torchrun = "TORCHELASTIC_RUN_ID" in environment
    names = ("RANK", "WORLD_SIZE") if torchrun else ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")
    rank, ranks = (_number(environment.get(name)) or 0 for name in names)
    return (rank, ranks) if rank < ranks else (0, 1)


def check_processes(run: Run, environment: Mapping[str, str]) -> None:
    """Check that as many processes were started as the settings ask for.

    Otherwise each would learn alone, or all would wait for one that never comes.

    Raises:
        ConfigError: there are more or fewer.

    Example:
        >>> check_processes(Run(), {"TORCHELASTIC_RUN_ID": "a", "WORLD_SIZE": "2"})
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: 2 processes were started for this run, but run.devices=1 times \
run.nodes=1 is 1; set them so that they agree.
    """
    started, asked = count_started(environment), run.devices * run.nodes
    if started is not None and started != asked:
        raise ConfigError(
            f"{started} processes were started for this run, but run.devices={run.devices} times"
            f" run.nodes={run.nodes} is {asked}; set them so that they agree."
        )
    if started is None and run.nodes > 1:
        raise ConfigError(
            f"run.nodes={run.nodes}: nothing has started the other machines' processes; use"
            " torchrun or srun (docs/scale.md)."
        )


def check_shares(run: Run, batch: int) -> None:
    """Check that a batch can be shared among processes, and among the parts of each.

    Raises:
        ConfigError: it cannot.

    Example:
        >>> check_shares(Run(accumulate=3), batch=64)
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: data.batch: expected a multiple of run.devices=1 times \
run.nodes=1 times run.accumulate=3, got 64.
    """
    if run.accumulate > 1 and batch % (run.devices * run.nodes * run.accumulate):
        raise ConfigError(
            f"data.batch: expected a multiple of run.devices={run.devices} times"
            f" run.nodes={run.nodes} times run.accumulate={run.accumulate}, got {batch}."
        )


def find_cluster() -> list[SLURMEnvironment]:
    """Describe SLURM's processes to Lightning, if there are any.

    Its own answer to SLURM's warning is switched off: `StopOnSignal` saves, and the job's script
    decides whether to queue again (docs/scale.md).
    """
    return [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []


def make_profiler(run: Run, directory: Path) -> Profiler | None:
    """Make the profiler that the settings name; it writes below the run's directory."""
    kind = PROFILERS.get(run.profiler)
    if kind is None:
        return None
    folder = directory / "profile"
    folder.mkdir(exist_ok=True)
    return kind(dirpath=folder, filename=run.profiler)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
