"""Kills: what is proposed, and what is kept, is as if they had not been. They are real kills."""

import math
import os
import signal
from pathlib import Path
from typing import Any

import optuna
import pytest

from photos import tiny
from pixelrl.cli.main import main
from pixelrl.errors import ConfigError
from pixelrl.sweeps import claim, driver
from pixelrl.sweeps.claim import claim_next
from pixelrl.sweeps.driver import drive
from pixelrl.sweeps.file import read_sweep
from pixelrl.sweeps.study import JOURNAL, Study, resume
from sweeping import hold_run, kill, read_trials, start, sweep, wait_for, write_sweep


def ask(study: Study) -> dict[str, Any]:
    """Ask for a trial, and tell at once what TRIAL would reach."""
    asked = claim_next(study, "me")
    assert asked is not None
    settings = study.settings(asked.trial)
    study.optuna_study.tell(asked.trial, -((settings["x"] - 3) ** 2) + (settings["y"] == "up"))
    asked.close()
    return settings


@pytest.mark.parametrize(
    ("method", "address"), [("random", ""), ("bayes", ""), ("bayes", "sqlite:///{}/study.db")]
)
def test_proposals_after_each_kill_are_those_of_a_search_never_killed(
    tmp_path: Path, method: str, address: str
) -> None:
    read = read_sweep(write_sweep(tmp_path, method=method))

    def opened(name: str) -> Study:
        return resume(read, tmp_path / name, seed=3, count=6, address=address.format(tmp_path))

    whole = opened("whole")
    never_killed = [ask(whole) for _ in range(6)]
    # A study that is opened anew for every trial has nothing in memory that a kill could lose.
    assert [ask(opened("killed")) for _ in range(6)] == never_killed
    assert len({tuple(settings.values()) for settings in never_killed}) == 6


@pytest.mark.parametrize("kept", [0, 1])
def test_a_kill_while_parameters_are_drawn_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    read = read_sweep(write_sweep(tmp_path))
    whole = resume(read, tmp_path / "whole", seed=0, count=7)
    never_killed = [ask(whole) for _ in range(7)]
    killed = resume(read, tmp_path / "killed", seed=0, count=7)
    found = [ask(killed) for _ in range(5)]
    real = type(killed.storage).set_trial_param
    written: list[str] = []

    def cut(storage: Any, trial: int, name: str, *rest: Any) -> None:
        if len(written) == kept:
            raise KeyboardInterrupt
        written.append(name)
        real(storage, trial, name, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(type(killed.storage), "set_trial_param", cut)
        with pytest.raises(KeyboardInterrupt):
            claim_next(killed, "me")
    again = resume(read, tmp_path / "killed", seed=0, count=7)
    last = again.frozen()[-1]
    assert (last.state, len(last.params)) == (optuna.trial.TrialState.RUNNING, kept)
    found += [ask(again) for _ in range(2)]
    assert found == never_killed


def test_a_sweep_killed_again_and_again_is_the_sweep_never_killed(tmp_path: Path) -> None:
    file = write_sweep(tmp_path)
    whole = sweep(file, "--count", "7")
    out = tmp_path / "killed"
    for number in (0, 4, 5):
        run = out / f"trial-{number:03d}"
        hold_run(file, run.name)
        process = start(file, out, "--count", "7")
        wait_for((run / "logs").is_dir, process)
        kill(process)
        running = read_trials(file, out)[-1]
        assert (running.run, running.state) == (run.name, "running")
        assert running.settings == whole[number].settings
    assert main(["sweep", str(file), "--local", "--out", str(out), "--count", "7"]) == 0
    trials = read_trials(file, out)
    assert [trial.settings for trial in trials] == [trial.settings for trial in whole]
    assert [trial.reached for trial in trials] == [trial.reached for trial in whole]
    assert [trial.state for trial in trials] == ["finished"] * 7
    again = [number for number, trial in enumerate(trials) if "again" in trial.run]
    assert again == [0, 4, 5]  # killed before there was a checkpoint, so begun anew


def test_a_trial_that_outlives_its_sweep_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("fcntl")
    file, out = write_sweep(tmp_path, method="random"), tmp_path / "out"
    held = hold_run(file, "trial-000")
    find = driver.find_elsewhere

    def find_and_release(*of: Any) -> str:
        busy = find(*of)
        held.unlink(missing_ok=True)
        return busy

    process = start(file, out, "--count", "1")
    wait_for((out / "trial-000" / "logs").is_dir, process)
    process.kill()  # alone, so that the trial is orphaned
    process.communicate()
    monkeypatch.setattr(driver, "find_elsewhere", find_and_release)
    assert [trial.state for trial in sweep(file, "--count", "1")] == ["finished"]
    assert f"{out / 'trial-000'}: still at work there; waiting" in capsys.readouterr().out
    assert (out / "trial-000" / "scores.csv").is_file()  # it was let end


def test_a_sweep_asked_to_end_leaves_its_trials_to_the_next_start(tmp_path: Path) -> None:
    file, out = write_sweep(tmp_path, method="random"), tmp_path / "out"
    for run in ("trial-000", "trial-001"):
        hold_run(file, run)
    process = start(file, out, "--count", "3", "--jobs", "2")
    wait_for(lambda: all((out / f"trial-00{n}" / "logs").is_dir() for n in (0, 1)), process)
    os.killpg(process.pid, signal.SIGTERM)  # as a scheduler does: the trials as well
    told, _ = process.communicate()
    assert process.returncode == 143
    assert "interrupted; the same command goes on." in told
    trials = read_trials(file, out)
    assert [(trial.state, trial.error) for trial in trials] == [("running", "")] * 2
    study = resume(read_sweep(file), out, seed=0, count=3)
    taken = [one for _ in range(3) if (one := claim_next(study, "me"))]
    assert [one.trial.number for one in taken] == [0, 1, 2]
    settings = [study.settings(one.trial) for one in taken[:2]]
    assert settings == [trial.settings for trial in trials]
    for one in taken:
        one.close()


def test_a_line_cut_short_is_dropped(tmp_path: Path) -> None:
    file = write_sweep(tmp_path, method="random")
    whole = sweep(file, "--count", "3")
    journal = tmp_path / "out" / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    last = max(index for index, line in enumerate(lines) if b'"op_code":6' in line)
    journal.write_bytes(b"".join(lines[:last]) + lines[last][:20])  # a disk was full
    trials = sweep(file, "--count", "4")
    assert [trial.settings for trial in trials[:3]] == [trial.settings for trial in whole]
    assert [trial.state for trial in trials] == ["finished"] * 4
    assert trials[2].run == "trial-002-again-1"


def test_another_sweep_is_not_mixed_in(tmp_path: Path) -> None:
    file, out = write_sweep(tmp_path), tmp_path / "out"
    resume(read_sweep(file), out, seed=0, count=1)
    write_sweep(tmp_path, run_cap=3, description="more")  # what no trial depends on may change
    resume(read_sweep(file), out, seed=0, count=1)
    for seed, changes in ((1, {}), (0, {"method": "random"})):
        other = read_sweep(write_sweep(tmp_path, **changes))
        with pytest.raises(ConfigError, match="holds a sweep of another file, content or seed"):
            resume(other, out, seed=seed, count=1)


def test_a_database_that_fails_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = resume(read_sweep(write_sweep(tmp_path)), tmp_path / "out", seed=0, count=1)

    def fail(*_: object) -> None:
        raise optuna.exceptions.StorageInternalError("the server\nis gone")

    monkeypatch.setattr(driver, "claim_next", fail)
    with pytest.raises(ConfigError, match="--storage: the server; the same command goes on"):
        drive(study, print)


def test_places_without_locks_go_by_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "fcntl", None)
    study = resume(read_sweep(write_sweep(tmp_path)), tmp_path / "out", seed=0, count=1)
    assert claim_next(study, "me") is not None
    monkeypatch.setattr(claim, "LAPSE_AFTER", math.inf)
    assert claim_next(study, "you") is None  # it may be at work
    monkeypatch.setattr(claim, "LAPSE_AFTER", -math.inf)
    taken = claim_next(study, "you")
    assert taken is not None
    assert taken.trial.number == 0


@pytest.mark.slow
def test_a_sweep_of_fits_finds_the_better_rate_though_it_is_killed(tmp_path: Path) -> None:
    options = tiny(tmp_path, "learning.episodes=40", "run.validate_every=5")
    options = [option for option in options if not option.startswith("run.root")]
    fit = ["${env}", "${interpreter}", "-m", "pixelrl", "fit", "--task", "denoising"]
    command = [*fit, "--config", "smoke", "run.wandb=online", *options, "${args}"]
    given = {
        "learning": {"parameters": {"rate": {"values": [1e-7, 0.02]}, "spread": {"values": [0, 9]}}}
    }
    metric = {"name": "val/reward", "goal": "maximize"}
    file = write_sweep(tmp_path, method="grid", metric=metric, parameters=given, command=command)
    out = tmp_path / "out"
    process = start(file, out)
    last = out / "trial-001" / "checkpoints" / "last.ckpt"
    wait_for(last.is_file, process)
    kill(process)
    trials = sweep(file)
    assert [trial.state for trial in trials] == ["finished"] * 4
    assert trials[1].run == "trial-001"
    assert f"resuming {last}" in (out / "trial-001.log").read_text()
    best = max(trials, key=lambda trial: trial.reached or 0)
    assert best.settings["learning.rate"] == 0.02
    assert all((out / trial.run / "scores.csv").is_file() for trial in trials)
