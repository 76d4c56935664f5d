"""Processes that torchrun or SLURM start are one run, or are told what would make them one."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from photos import tiny
from pixelrl.config.compose import compose
from pixelrl.errors import ConfigError
from pixelrl.experiments.fit import fit
from pixelrl.experiments.processes import check_processes
from pixelrl.runs.directory import new_directory
from pixelrl.settings import Run
from pixelrl.training.checkpoint import build
from processes import run_python_module
from ranks import as_slurm, free_port, weights_of

RUN = ["-m", "pixelrl", "fit", "--task", "denoising", "--config", "smoke"]


def words(folder: Path, *more: str) -> list[str]:
    short = ["learning.episodes=4", "run.validate_every=4", "task.length=6", "data.batch=4"]
    return [*RUN, *tiny(folder, "run.accelerator=cpu", *short, *more)]


def start_all(command: list[str], tasks: int) -> list[tuple[int, str]]:
    """Start as many processes as srun would; give each one's status and last line."""
    port = free_port()
    started = [
        subprocess.Popen(
            [sys.executable, *command],
            env=as_slurm(tasks, rank, port),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(tasks)
    ]
    found = []
    for process in started:
        _, told = process.communicate(timeout=300)
        found.append((process.returncode, told.strip().rpartition("\n")[2]))
    return found


@pytest.mark.slow
def test_two_tasks_of_slurm_are_one_run(tmp_path: Path) -> None:
    done = start_all(words(tmp_path, "run.devices=2", "run.name=two"), 2)
    assert [status for status, _ in done] == [0, 0], done
    assert [each.name for each in (tmp_path / "runs").iterdir()] == ["two"]
    assert (tmp_path / "runs" / "two" / "scores.csv").is_file()


def read_script() -> str:
    """Take SLURM's script from the page, for one process."""
    page = Path(__file__).parents[2] / "docs" / "scale.md"
    script = page.read_text().partition("```bash\n#!/bin/bash\n")[2].partition("```")[0]
    assert "run.devices=4" in script
    return script.replace("run.devices=4", "run.devices=1")


def write_scheduler(folder: Path, settings: list[str]) -> Path:
    """Write an srun that tells its process and an scontrol that notes what it is asked."""
    start = f'exec "{sys.executable}" "$@" {shlex.join(settings)}'
    commands = {
        "srun": f'echo $$ > "{folder}/pid"; shift 2; {start}',
        "scontrol": f'echo "$@" >> "{folder}/asked"',
    }
    folder.mkdir()
    for name, body in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return folder


def test_a_job_whose_time_is_up_is_saved_queued_again_and_goes_on(tmp_path: Path) -> None:
    """SLURM is played by two small scripts; the job's script is the page's, its signal is real."""
    settings = tiny(tmp_path, "learning.episodes=100000", "run.threads=1", "run.accelerator=cpu")
    settings = [word for word in settings if not word.startswith("run.root")]
    scheduler = write_scheduler(tmp_path / "bin", ["--config", "smoke", *settings])
    environment = {
        **as_slurm(1, 0, free_port()),
        "SCRATCH": str(tmp_path),
        "PATH": f"{scheduler}{os.pathsep}{os.environ['PATH']}",
    }
    reached = []
    for _ in range(2):
        job = subprocess.Popen(
            ["sh", "-c", read_script()], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert job.stdout is not None
        for line in job.stdout:  # a validation's line tells that learning is under way
            if line.startswith("episode"):
                break
        os.kill(int((scheduler / "pid").read_text()), signal.SIGUSR1)
        job.communicate(timeout=300)
        assert job.returncode == 128 + signal.SIGUSR1
        stored = torch.load(
            tmp_path / "runs" / "noise-7" / "checkpoints" / "last.ckpt", weights_only=True
        )
        reached.append(stored["pixelrl"]["episode"])
    assert 0 < reached[0] < reached[1]
    assert (scheduler / "asked").read_text().split("\n") == ["requeue 7", "requeue 7", ""]


@pytest.mark.slow
def test_torchrun_starts_one_run(tmp_path: Path) -> None:
    launcher = ["torch.distributed.run", "--nproc-per-node", "2", "--master-port"]
    command = ["-m", *launcher, str(free_port())]
    done = run_python_module([*command, *words(tmp_path, "run.devices=2", "run.name=two")])
    assert done.returncode == 0, done.stderr
    assert [each.name for each in (tmp_path / "runs").iterdir()] == ["two"]
    assert (tmp_path / "runs" / "two" / "scores.csv").is_file()


@pytest.mark.parametrize(
    ("tasks", "run"),
    [(2, Run(devices=1)), (1, Run(devices=2)), (2, Run(devices=2, nodes=3)), (4, Run(nodes=2))],
)
def test_processes_that_would_learn_alone_or_wait_are_refused(tasks: int, run: Run) -> None:
    for environment in (
        {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "fit", "SLURM_NTASKS": str(tasks)},
        {"TORCHELASTIC_RUN_ID": "a", "WORLD_SIZE": str(tasks)},
    ):
        with pytest.raises(ConfigError, match=f"{tasks} processes were started for this run"):
            check_processes(run, environment)


@pytest.mark.parametrize("name", ["bash", "interactive"])
def test_typed_commands_within_a_job_start_their_own_processes(name: str) -> None:
    check_processes(
        Run(devices=2), {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": name, "SLURM_NTASKS": "8"}
    )


def test_several_machines_need_something_that_starts_them() -> None:
    with pytest.raises(ConfigError, match="torchrun or srun"):
        check_processes(Run(nodes=2), {})


def test_processes_need_a_name_to_agree_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOCAL_RANK", "PIXELRL_RUN_DIRECTORY"):  # earlier runs in this process set them
        monkeypatch.delenv(name, raising=False)
    for name, value in {"SLURM_JOB_ID": "7", "SLURM_PROCID": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"set run\.name"):
        new_directory(Run(root=str(tmp_path), devices=2), "denoising")
    named = Run(root=str(tmp_path), devices=2, name="both")
    assert new_directory(named, "denoising") == tmp_path / "both"
    assert not (tmp_path / "both").exists()  # the first process makes it


def test_a_profile_is_left_where_one_is_asked_for(tmp_path: Path) -> None:
    fitted = fit(compose("denoising", overrides=tiny(tmp_path, "run.profiler=simple")))
    (left,) = (fitted.directory / "profile").iterdir()
    assert "training_step" in left.read_text()


def test_gradients_are_clipped(tmp_path: Path) -> None:
    """A tiny norm leaves Adam's direction, and so only its size of step: compare first steps."""
    moved = []
    for clip in ("0.0", "1e-12"):
        sizes = ["learning.episodes=1", "run.validate_every=1", f"run.name=clip{clip}"]
        wanted = tiny(tmp_path, *sizes, f"learning.clip={clip}")
        before = build(compose("denoising", overrides=wanted)).state_dict()
        fitted = fit(compose("denoising", overrides=wanted))
        after = weights_of(fitted.directory)
        moved.append(sum(float((after[name] - before[name]).abs().sum()) for name in before))
    assert 0 < moved[1] < moved[0] / 100  # far below Adam's epsilon
