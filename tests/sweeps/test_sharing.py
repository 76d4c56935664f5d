"""Several jobs, processes and machines at one study: every trial is run, and none twice."""

import math
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pixelrl.sweeps import claim, driver
from pixelrl.sweeps.claim import claim_next, find_elsewhere
from pixelrl.sweeps.driver import drive
from pixelrl.sweeps.file import read_sweep
from pixelrl.sweeps.study import Study, resume
from pixelrl.sweeps.trials import Trial
from sweeping import hold_run, kill, read_trials, start, sweep, wait_for, write_sweep

Take = Callable[[Study, str], claim.Claim | None]
POINTS = {(x, y) for x in range(4) for y in ("down", "up")}
GRID: dict[str, Any] = {
    "method": "grid",
    "parameters": {
        "x": {"min": 0, "max": 3},
        "y": {"values": ["down", "up"]},
        "pause": {"value": 0.1},
    },
}


def check_complete(trials: list[Trial]) -> None:
    """Check that every point of the grid is there once and came to its end."""
    assert [trial.state for trial in trials] == ["finished"] * len(POINTS)
    assert {(trial.settings["x"], trial.settings["y"]) for trial in trials} == POINTS


def begun(out: Path) -> list[str]:
    """List the trials that were begun, an entry for each time."""
    return [
        line for log in out.glob("*.log") for line in log.read_text().split("\n") if line == "begun"
    ]


def test_jobs_share_a_grid(tmp_path: Path) -> None:
    file = write_sweep(tmp_path, **GRID)
    check_complete(sweep(file, "--jobs", "3"))
    assert len(begun(tmp_path / "out")) == len(POINTS)


def test_a_random_search_is_the_same_by_any_number_of_jobs(tmp_path: Path) -> None:
    files = [write_sweep(tmp_path / name, method="random") for name in ("one", "two")]
    alone = sweep(files[0], "--count", "5")
    shared = sweep(files[1], "--count", "5", "--jobs", "2")
    assert [trial.settings for trial in alone] == [trial.settings for trial in shared]


@pytest.mark.parametrize(
    "address", ["", pytest.param("sqlite:///{}/study.db", marks=pytest.mark.slow)]
)
def test_processes_share_a_grid_though_one_is_killed(tmp_path: Path, address: str) -> None:
    file, out = write_sweep(tmp_path, **GRID), tmp_path / "out"
    address = address.format(tmp_path)
    options = ["--storage", address] if address else []
    first, second = (start(file, out, *options) for _ in range(2))
    wait_for(lambda: len(read_logs(out)) > 2, first)
    kill(first)
    told, _ = second.communicate()
    assert second.returncode == 0, told
    check_complete(read_trials(file, out, address))
    assert len(begun(out)) <= len(POINTS) + 1  # the one that was killed, if one was
    assert "best: " in told


def read_array_script(file: Path, count: int) -> str:
    """Take the script of a sweep from the page, for a sweep of this test's."""
    page = Path(__file__).parents[2] / "docs" / "scale.md"
    script = page.read_text().partition("#SBATCH --array")[2].partition("```")[0]
    for said, meant in (("denoising", shlex.quote(str(file))), ("--count 64", f"--count {count}")):
        assert script.count(said) == 1
        script = script.replace(said, meant)
    return f"#SBATCH --array{script}"


def start_task(script: str, folder: Path, task: int) -> subprocess.Popen[str]:
    """Start a task of an array as SLURM does: a job of its own, told apart by its number."""
    slurm = {
        "JOB_ID": 7 + task, "ARRAY_JOB_ID": 7, "ARRAY_TASK_ID": task, "JOB_NAME": "sweep",
        "NTASKS": 1, "PROCID": 0, "LOCALID": 0,
    }  # fmt: skip
    environment = {f"SLURM_{name}": str(value) for name, value in slurm.items()}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        ["sh", "-c", script],
        env={**os.environ, **environment, "SCRATCH": str(folder), "PATH": path},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_pages_array_shares_a_search_though_a_task_is_killed(tmp_path: Path) -> None:
    """The scheduler is played; the tasks, the kill and the script are real."""
    count, out = 5, tmp_path / "sweep"
    file = write_sweep(tmp_path, method="random")
    script = read_array_script(file, count)
    held = hold_run(file, "trial-000")
    first = start_task(script, tmp_path, 0)
    wait_for((out / "trial-000" / "logs").is_dir, first)
    others = [start_task(script, tmp_path, task) for task in (1, 2)]
    wait_for((out / "trial-001").is_dir, others[0])  # whoever of the others has it
    kill(first)
    held.unlink()
    for task in others:
        told, _ = task.communicate()
        assert task.returncode == 0, told
    trials = read_trials(file, out)[:count]
    assert [trial.state for trial in trials] == ["finished"] * count
    assert len({trial.settings["x"] for trial in trials}) == count
    assert trials[0].run == "trial-000-again-1"  # it was killed before its first checkpoint
    assert len(begun(out)) == count + 1
    assert len(read_trials(file, out)) == count


def read_logs(out: Path) -> list[Path]:
    return list(out.glob("trial-*.log"))


@pytest.fixture
def take() -> Iterator[Take]:
    """Claim trials, and give their locks back in the end."""
    taken: list[claim.Claim] = []

    def take_next(study: Study, owner: str) -> claim.Claim | None:
        found = claim_next(study, owner)
        taken.extend([found] if found else [])
        return found

    yield take_next
    for one in taken:
        one.close()


def open_twice(tmp_path: Path, count: int = 2) -> tuple[Study, Study]:
    """Open a study as two machines do: one database, each its own directory."""
    read = read_sweep(write_sweep(tmp_path, **GRID))
    address = f"sqlite:///{tmp_path}/study.db"
    one, two = (
        resume(read, tmp_path / machine / "out", seed=0, count=count, address=address)
        for machine in ("one", "two")
    )
    return one, two


def test_a_machine_that_is_gone_is_stood_in_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, take: Take
) -> None:
    one, two = open_twice(tmp_path)
    gone = take(one, "one")
    assert gone is not None
    taken = take(two, "two")
    assert taken is not None
    assert (gone.trial.number, taken.trial.number) == (0, 1)
    monkeypatch.setattr(claim, "LAPSE_AFTER", math.inf)
    assert take(two, "two") is None  # the other machine has renewed its claim of late
    assert find_elsewhere(two, "two").endswith("trial-000")
    monkeypatch.setattr(claim, "LAPSE_AFTER", -math.inf)
    taken_over = take(two, "two")
    assert taken_over is not None
    assert two.settings(taken_over.trial) == one.settings(gone.trial)
    monkeypatch.setattr(claim, "RENEW_EVERY", 0.0)
    assert not gone.is_kept()  # should it come back, it leaves the trial alone
    assert taken_over.is_kept()
    assert len(two.trials()) == 2


def test_a_trial_that_was_taken_over_is_left(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    take: Take,
) -> None:
    one, two = open_twice(tmp_path, count=1)
    real = claim.Claim.is_kept

    def is_kept(mine: claim.Claim) -> bool:
        with monkeypatch.context() as patched:  # for a moment the claim seems to have lapsed
            patched.setattr(claim, "LAPSE_AFTER", -math.inf)
            take(two, "two")
        return real(mine)

    monkeypatch.setattr(claim, "RENEW_EVERY", 0.0)
    monkeypatch.setattr(claim.Claim, "is_kept", is_kept)
    monkeypatch.setattr(driver, "find_elsewhere", lambda *_: "")  # the other one is this very test
    told: list[Trial] = []
    drive(one, told.append)
    assert told == []
    assert "trial-000: taken over by another process" in capsys.readouterr().out
    assert [trial.state for trial in two.trials()] == ["running"]


@pytest.mark.parametrize("address", ["", "sqlite:///study.db"])
def test_a_trial_that_finishes_while_another_task_looks_stays_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, take: Take, address: str
) -> None:
    """Read as running, its lock is free a moment later: not since its task was killed."""
    monkeypatch.chdir(tmp_path)
    read = read_sweep(write_sweep(tmp_path, **GRID))
    one, two = (resume(read, tmp_path / "out", seed=0, count=2, address=address) for _ in "12")
    first = take(one, "one")
    assert first is not None
    seen = claim.list_running(two)
    assert len(seen) == 1
    one.optuna_study.tell(first.trial, 1.0)
    first.close()
    monkeypatch.setattr(claim, "list_running", lambda _: seen)
    second = take(two, "two")
    assert second is not None
    assert second.trial.number == 1
    assert [trial.state for trial in two.trials()] == ["finished", "running"]


def test_a_trial_beyond_the_last_is_kept_for_a_later_start(tmp_path: Path, take: Take) -> None:
    one, two = open_twice(tmp_path, count=1)
    assert take(one, "one") is not None
    late = two.optuna_study.ask()  # as if both had asked at once
    two.requeue(late.number)
    assert len(two.trials()) == 1
    assert take(two, "two") is None
    more = resume(two.sweep, two.directory, seed=0, count=2, address=str(two.storage.url))
    taken = take(more, "two")
    assert taken is not None
    assert taken.trial.number == late.number
    assert more.settings(taken.trial) == {"x": 0, "y": "up", "pause": 0.1}
    assert take(more, "two") is None


def test_the_time_of_a_claim_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, take: Take
) -> None:
    study = resume(read_sweep(write_sweep(tmp_path)), tmp_path / "out", seed=0, count=1)
    clock = SimpleNamespace(time=lambda: 1000.0, monotonic=lambda: 10.0)
    monkeypatch.setattr(claim, "time", clock)
    held = take(study, "me")
    assert held is not None
    assert held.read().user_attrs["claim"]["renewed"] == 1000
    clock.time, clock.monotonic = lambda: 1019.0, lambda: held.renewed + claim.RENEW_EVERY - 1
    assert held.is_kept()
    assert held.read().user_attrs["claim"]["renewed"] == 1000  # not yet
    clock.time, clock.monotonic = lambda: 1021.0, lambda: 10 + claim.RENEW_EVERY + 1
    assert held.is_kept()
    assert held.read().user_attrs["claim"]["renewed"] == 1021
