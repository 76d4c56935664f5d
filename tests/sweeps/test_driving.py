"""Sweeps without a server: trials are real processes."""

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from modules import imported_by
from pixelrl.cli.main import main
from pixelrl.sweeps import driver
from pixelrl.sweeps.study import Study
from sweeping import read_trials, sweep, write_sweep

SHIPPED = Path(__file__).parents[2] / "configs" / "sweeps" / "denoising.yaml"


def grid(x: Sequence[object], y: Sequence[str] = ("up",), **more: Any) -> dict[str, Any]:
    """Describe a grid over TRIAL's two parameters."""
    parameters = {"x": {"values": list(x)}, "y": {"values": list(y)}, **more}
    return {"method": "grid", "parameters": parameters}


def test_two_parameters_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trials = sweep(write_sweep(tmp_path), "--count", "12")
    assert [trial.state for trial in trials] == ["finished"] * 12
    best = max(trials, key=lambda trial: trial.reached or -99)
    assert best.settings["y"] == "up"
    assert best.settings["x"] == pytest.approx(3, abs=0.3)
    with (tmp_path / "out" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["trial"] == best.run
    values = [float(row["val/psnr"]) for row in rows]
    assert values == sorted(values, reverse=True)
    assert (tmp_path / "out" / "trials.png").stat().st_size > 5000
    told = capsys.readouterr().out
    assert f"best: {tmp_path / 'out' / best.run}" in told
    assert "trial 12/12" in told
    assert "error" not in told
    assert sweep(tmp_path / "sweep.yaml", "--count", "12") == trials  # nothing is left to do
    assert "trial 12/12" not in capsys.readouterr().out


def test_less_is_better_when_the_goal_says_so_and_a_target_ends_it(tmp_path: Path) -> None:
    metric = {"name": "val/psnr", "goal": "minimize", "target": -30.0}
    trials = sweep(write_sweep(tmp_path, **grid([3, 9, 10], ["up", "down"]), metric=metric))
    assert [trial.settings["x"] for trial in trials] == [3, 3, 9]  # (9 - 3) ** 2 is enough


@pytest.mark.parametrize("method", ["grid", "random"])
def test_without_a_metric_trials_are_run_and_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    changes = {**grid([1, 2]), "method": method, "metric": None, "run_cap": 2}
    trials = sweep(write_sweep(tmp_path, **changes))
    assert [(trial.state, trial.reached) for trial in trials] == [("finished", None)] * 2
    told = capsys.readouterr().out
    assert "best:" not in told
    assert "trials.csv, a run and a log per trial" in told
    assert not (tmp_path / "out" / "trials.png").exists()


def test_trials_that_fall_behind_are_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = driver._history

    def look_and_say(study: Study, run: str) -> list[float]:
        history = look(study, run)
        (tmp_path / f"seen-{run}").write_text(str(len(history)))
        return history

    monkeypatch.setattr(driver, "_history", look_and_say)
    early = {"type": "hyperband", "min_iter": 1, "max_iter": 2, "eta": 2}
    changes = grid([3, 3.1, 8, 9, 10], watched={"value": 1})
    trials = sweep(write_sweep(tmp_path, **changes, early_terminate=early))
    good, bad = trials[0], [trial for trial in trials if trial.state == "stopped"]
    assert (good.state, good.validations) == ("finished", 4)
    assert bad
    assert {trial.settings["x"] for trial in bad} <= {3.1, 8, 9, 10}
    assert all(2 <= trial.validations < 4 for trial in bad)
    assert all(trial.reached is not None for trial in bad)
    assert not any((tmp_path / "out" / trial.run / "scores.csv").exists() for trial in bad)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("broken", "this setting is broken"),
        ("term", "ended by SIGTERM (status -15)"),
        ("143", "ended by SIGTERM (status 143)"),
        ("unscored", "it ended without final scores (scores.csv)"),
    ],
)
def test_a_failed_trial_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, error: str
) -> None:
    trials = sweep(write_sweep(tmp_path, **grid([3], ["up", kind])))
    assert [trial.state for trial in trials] == ["finished", "failed"]
    assert trials[1].error == error
    with (tmp_path / "out" / "trials.csv").open() as file:
        assert [row["error"] for row in csv.DictReader(file)] == ["", error]
    told = capsys.readouterr().out
    assert f"trial 2  x=3  y={kind}  failed: {error}" in told
    assert any(line.startswith("trial-001") and line.endswith(error) for line in told.splitlines())


def test_a_sweep_whose_trials_all_failed_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = sweep(write_sweep(tmp_path, **grid([1, 2, 3, 4, 5], ["broken"])), status=2)
    told = capsys.readouterr()
    assert len(trials) == 3  # by then it is plain
    line = "pixelrl: no trial of 3 succeeded: this setting is broken (logs in "
    assert told.err.startswith(line)
    assert told.err.count("\n") == 1
    assert told.out.count("this setting is broken") == 6  # a line and a row for each
    two = tmp_path / "two"
    assert len(sweep(write_sweep(two, **grid([1, 2], ["broken"])), status=2)) == 2
    assert "no trial of 2 succeeded: this setting is broken" in capsys.readouterr().err
    assert len(sweep(two / "sweep.yaml", status=2)) == 2  # nor when nothing is left to do
    assert "no trial of 2 succeeded: this setting is broken" in capsys.readouterr().err


def test_a_metric_that_runs_do_not_log_is_told_after_the_first_trial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metric = {"name": "val_psnr", "goal": "maximize"}
    trials = sweep(write_sweep(tmp_path, **grid([1, 2, 3]), metric=metric), status=2)
    assert len(trials) == 1
    reason = "runs log no 'val_psnr'. Did you mean 'val/psnr'? They log: val/psnr"
    assert reason in capsys.readouterr().err


def test_bad_options_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*words: str) -> str:
        assert main(["sweep", *words]) == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        return line

    file, out = str(write_sweep(tmp_path)), str(tmp_path / "out")
    assert "pass --count N" in told(file, "--local")
    assert "no sweep 'denoisin'" in told("denoisin")
    assert "Did you mean 'denoising'?" in told("denoisin")
    assert "sweep takes no settings" in told(file, "learning.rate=1")
    for name, value in (("count", "0"), ("jobs", "0"), ("seed", "-1")):
        assert f"--{name}: expected" in told(file, "--count", "1", f"--{name}", value)
    here = ("--local", "--count", "1", "--out", out)
    for address in ("nowhere", "sqlite:////no/such/folder/a.db", "postgresql+none://a"):
        assert "expected an SQL address such as" in told(file, *here, "--storage", address)
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert "pip install 'pixelrl[sweeps]'" in told(file, *here)


def test_optuna_is_not_loaded_for_help_or_a_wrong_file(tmp_path: Path) -> None:
    file = write_sweep(tmp_path, metric={"goal": "maximize"})
    for words in (
        ["sweep", "--help"],
        ["sweep", str(file), "--local"],
        ["sweep", str(file), "a=b"],
    ):
        assert not {"optuna", "sqlalchemy", "torch"} & imported_by(words)


def test_with_an_account_the_server_drives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import wandb

    asked: dict[str, Any] = {}

    def sweep_of_server(config: dict[str, Any], project: str) -> str:
        asked.update(config=config, project=project)
        return "id123"

    def agent(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        asked["command"] = command[1:]
        return subprocess.CompletedProcess(command, 1 if "--count" not in command else 0)

    monkeypatch.setattr(wandb, "login", lambda *, prompt: not prompt)
    monkeypatch.setattr(wandb, "sweep", sweep_of_server)
    monkeypatch.setattr(subprocess, "run", agent)
    assert main(["sweep", "denoising", "--count", "3"]) == 0
    assert asked["config"] == yaml.safe_load(SHIPPED.read_text("utf-8"))
    agent_of_three = ["-m", "wandb", "agent", "--count", "3", "--project", "pixelrl", "id123"]
    assert asked["command"] == agent_of_three
    counted = write_sweep(tmp_path, **grid([1, 2]), count=2)
    assert main(["sweep", str(counted)]) == 0
    assert "count" not in asked["config"]  # W&B takes it from the agent
    listed = write_sweep(tmp_path, **grid([1, 2]))
    assert main(["sweep", str(listed)]) == 2
    assert "the agent of sweep id123 failed" in capsys.readouterr().err

    def refused(*, prompt: bool) -> bool:
        raise wandb.errors.AuthenticationError("no\nanswer")

    monkeypatch.setattr(wandb, "login", refused)
    assert main(["sweep", str(listed)]) == 2
    assert "W&B: no answer. To drive the sweep here, pass --local." in capsys.readouterr().err
    local = write_sweep(tmp_path, **grid([1]), controller={"type": "local"})
    out = tmp_path / "out"
    assert main(["sweep", str(local), "--out", str(out)]) == 0  # the file says so
    assert [trial.state for trial in read_trials(local, out)] == ["finished"]
    assert json.loads((out / "journal.log").read_text().splitlines()[0])["study_name"] == "sweep"
