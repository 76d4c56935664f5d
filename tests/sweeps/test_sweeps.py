"""Sweeps without a server: trials are real processes, kills are real kills."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from photos import tiny
from pixelrl.cli.main import main
from pixelrl.config.compose import compose
from pixelrl.discovery import TASKS, list_installed
from pixelrl.sweeps.file import read_sweep, words
from pixelrl.sweeps.plot import parallel_coordinates
from pixelrl.sweeps.search import propose
from pixelrl.sweeps.space import parameter
from skips import need

FILES = sorted((Path(__file__).parents[2] / "configs" / "sweeps").glob("*.yaml"))
HERE = [file for file in FILES if file.stem in {point.name for point in list_installed(TASKS)}]

TRIAL = '''
"""A run in no time: log four validations that peak at x = 3 and y = up, then leave."""
import sys, time
from pathlib import Path

given = dict(word.lstrip("-").split("=", 1) for word in sys.argv[1:] if "=" in word)
assert given["run.wandb"] == "disabled", given
x, y = float(given["x"]), given["y"]
if y == "broken":
    sys.exit("this setting is broken")
logs = Path(given["run.root"]) / given["run.name"] / "logs" / "0"
logs.mkdir(parents=True)
top = -(x - 3) ** 2 + (y == "up")
with (logs / "metrics.csv").open("w") as file:
    print("step,val/psnr", file=file, flush=True)
    for step in range(4):
        print(f"{step},{top - 1 / (1 + step)}", file=file, flush=True)
        time.sleep(float(given.get("pause", 0)))
'''


def write_sweep(folder: Path, **changes: Any) -> Path:
    """Write a sweep over TRIAL, and TRIAL."""
    (folder / "trial.py").write_text(TRIAL)
    sweep = {
        "program": str(folder / "trial.py"),
        "method": "bayes",
        "metric": {"name": "val/psnr", "goal": "maximize"},
        "parameters": {"x": {"min": 0.0, "max": 10.0}, "y": {"values": ["down", "up"]}},
        "command": ["${env}", "${interpreter}", "${program}", "${args}"],
        **changes,
    }
    file = folder / "sweep.yaml"
    file.write_text(yaml.safe_dump(sweep))
    return file


def state(folder: Path) -> list[Mapping[str, Any]]:
    return json.loads((folder / "sweep.json").read_text())["trials"]


def sweep(file: Path, *options: str) -> list[Mapping[str, Any]]:
    out = file.parent / "out"
    assert main(["sweep", str(file), "--local", "--out", str(out), *options]) == 0
    return state(out)


def test_two_parameters_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trials = sweep(write_sweep(tmp_path), "--count", "12")
    assert [trial["state"] for trial in trials] == ["finished"] * 12
    best = max(trials, key=lambda trial: max(trial["history"]))
    assert best["settings"]["y"] == "up"
    assert best["settings"]["x"] == pytest.approx(3, abs=0.3)
    with (tmp_path / "out" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["trial"] == best["run"]
    values = [float(row["val/psnr"]) for row in rows]
    assert values == sorted(values, reverse=True)
    assert (tmp_path / "out" / "trials.png").stat().st_size > 5000
    told = capsys.readouterr().out
    assert f"best: {tmp_path / 'out' / best['run']}" in told
    assert "trial 12/12" in told
    assert len(sweep(tmp_path / "sweep.yaml", "--count", "12")) == 12  # nothing is left to do
    assert state(tmp_path / "out") == trials


def test_less_is_better_when_the_goal_says_so_and_a_target_ends_it(tmp_path: Path) -> None:
    metric = {"name": "val/psnr", "goal": "minimize", "target": -30.0}
    file = write_sweep(tmp_path, method="grid", metric=metric)
    raw = yaml.safe_load(file.read_text())
    raw["parameters"]["x"] = {"values": [3, 9, 10]}
    file.write_text(yaml.safe_dump(raw))
    trials = sweep(file)
    assert [trial["settings"]["x"] for trial in trials] == [3, 3, 9]  # (9 - 3) ** 2 is enough


def test_a_killed_sweep_goes_on(tmp_path: Path) -> None:
    file, out = write_sweep(tmp_path, method="random"), tmp_path / "out"
    raw = yaml.safe_load(file.read_text())
    raw["parameters"]["pause"] = {"value": 0.2}
    file.write_text(yaml.safe_dump(raw))
    words = ["sweep", str(file), "--local", "--out", str(out), "--count", "4"]
    process = subprocess.Popen([sys.executable, "-m", "pixelrl", *words], start_new_session=True)
    began = time.monotonic()
    while not (out / "trial-001" / "logs").is_dir() and time.monotonic() - began < 60:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    killed = state(out)
    assert [trial["state"] for trial in killed] == ["finished", "running"]
    trials = sweep(file, "--count", "4")
    assert trials[0] == killed[0]
    assert trials[1]["settings"] == killed[1]["settings"]
    assert trials[1]["run"] == "trial-001-again-1"  # killed before there was a checkpoint
    assert [trial["state"] for trial in trials] == ["finished"] * 4
    space = read_sweep(file).space
    never_killed = [propose("random", space, [({}, 0.0)] * number) for number in range(4)]
    assert [trial["settings"] for trial in trials] == never_killed


def test_a_trial_that_outlives_its_sweep_is_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("fcntl")
    file, out = write_sweep(tmp_path, method="random"), tmp_path / "out"
    raw = yaml.safe_load(file.read_text())
    raw["parameters"]["pause"] = {"value": 0.5}
    file.write_text(yaml.safe_dump(raw))
    words = ["sweep", str(file), "--local", "--out", str(out), "--count", "1"]
    process = subprocess.Popen([sys.executable, "-m", "pixelrl", *words])
    began = time.monotonic()
    while not (out / "trial-000" / "logs").is_dir() and time.monotonic() - began < 60:
        time.sleep(0.02)
    process.kill()  # alone, so that the trial is orphaned
    process.wait()
    assert [trial["state"] for trial in sweep(file, "--count", "1")] == ["finished"]
    assert "still at work there; waiting" in capsys.readouterr().out


def test_hopeless_trials_are_given_up(tmp_path: Path) -> None:
    file = write_sweep(tmp_path, method="grid")
    raw = yaml.safe_load(file.read_text())
    raw["parameters"] = {
        "x": {"values": [3, 4, 9]},
        "y": {"values": ["up"]},
        "pause": {"value": 0.4},
    }
    raw["early_terminate"] = {"type": "hyperband", "min_iter": 1, "eta": 2}
    file.write_text(yaml.safe_dump(raw))
    good, fair, bad = sweep(file)
    assert (good["state"], len(good["history"])) == ("finished", 4)
    assert fair["state"] == "finished"  # of two, both are among the best half, as W&B counts
    assert bad["state"] == "stopped"
    assert 2 <= len(bad["history"]) < 4
    assert bad["seconds"] < good["seconds"]


def test_a_failed_trial_is_kept_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_sweep(tmp_path, method="grid")
    raw = yaml.safe_load(file.read_text())
    raw["parameters"] = {"x": {"values": [3]}, "y": {"values": ["up", "broken"]}}
    file.write_text(yaml.safe_dump(raw))
    assert [trial["state"] for trial in sweep(file)] == ["finished", "failed"]
    assert "this setting is broken" in (tmp_path / "out" / "trial-001.log").read_text()
    raw["parameters"]["y"] = {"value": "broken"}
    raw["parameters"]["x"] = {"values": [1, 2, 3, 4]}
    file.write_text(yaml.safe_dump(raw))
    capsys.readouterr()
    words = ["sweep", str(file), "--local", "--out"]
    assert main([*words, str(tmp_path / "out")]) == 2
    assert "holds a sweep of another file" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "new")]) == 2
    assert "the first 3 trials failed: this setting is broken" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"method": "guess"}, "method: expected random, grid, bayes; got 'guess'"),
        ({"metod": "grid"}, "unknown key 'metod'. Did you mean 'method'?"),
        ({"metric": {"goal": "maximize"}}, "metric: expected {name: val/psnr"),
        ({"metric": {"name": "a", "goal": "more"}}, "expected minimize or maximize"),
        ({"parameters": {}}, "parameters: expected a mapping"),
        ({"method": "grid"}, "parameters.x: method grid needs values"),
        ({"command": ["a"]}, "${args} is missing"),
        ({"command": ["a", "${args_no_boolean_flags}"]}, "does not read ${args_no_boolean_flags}"),
        ({"early_terminate": {"type": "median"}}, "expected {type: hyperband"),
        ({"early_terminate": {"type": "hyperband"}}, "expected min_iter, or max_iter with s"),
        ({"early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 1}}, "more than 1"),
    ],
)
def test_bad_files_are_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], told: str
) -> None:
    file = write_sweep(tmp_path, **changes)
    assert main(["sweep", str(file), "--local", "--count", "1"]) == 2
    line = capsys.readouterr().err.strip()
    assert line.startswith(f"pixelrl: {file}: ")
    assert told in line
    assert "\n" not in line


def test_bad_options_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*words: str) -> str:
        assert main(["sweep", *words]) == 2
        return capsys.readouterr().err

    file = str(write_sweep(tmp_path))
    assert "pass --count N" in told(file, "--local")
    assert "no sweep 'denoisin'" in told("denoisin")
    assert "Did you mean 'denoising'?" in told("denoisin")
    assert "sweep takes no settings" in told(file, "learning.rate=1")


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
    shipped = next(file for file in FILES if file.stem == "denoising")
    assert asked["config"] == yaml.safe_load(shipped.read_text("utf-8"))
    agent_of_three = ["-m", "wandb", "agent", "--count", "3", "--project", "pixelrl", "id123"]
    assert asked["command"] == agent_of_three
    grid = write_sweep(tmp_path, method="grid", parameters={"x": {"values": [1, 2]}})
    assert main(["sweep", str(grid)]) == 2
    assert "the agent of sweep id123 failed" in capsys.readouterr().err

    def refused(*, prompt: bool) -> bool:
        raise wandb.errors.AuthenticationError("no\nanswer")

    monkeypatch.setattr(wandb, "login", refused)
    assert main(["sweep", str(grid)]) == 2
    assert "W&B: no answer. To drive the sweep here, pass --local." in capsys.readouterr().err


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_commands_are_those_of_wandbs_agent(file: Path, tmp_path: Path) -> None:
    from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

    read = read_sweep(file)
    for seed in range(5):
        settings = propose("random", read.space, [], seed) or {}
        filled = create_sweep_command_args({"args": {k: {"value": v} for k, v in settings.items()}})
        filled |= {"interpreter": ["python"], "program": [""], "env": ["/usr/bin/env"]}
        wanted: list[str] = []
        for word in create_sweep_command(list(read.command)):
            wanted += filled[word[2:-1]] if word.startswith("${") else [word]
        assert words(read, settings, "python", tmp_path / "settings.json") == wanted


@pytest.mark.parametrize("placeholder", ["${args}", "${args_no_hyphens}", "${args_json_file}"])
def test_every_placeholder_that_is_allowed_is_read(tmp_path: Path, placeholder: str) -> None:
    width = 16 if placeholder == "${args_json_file}" else 16.0  # as W&B writes whole numbers
    given = {
        "learning.rate": {"value": 0.25},
        "network.width": {"value": width},
        "network.memory": {"value": False},
        "data.train": {"value": {"image": "here"}},
    }
    file = write_sweep(tmp_path, command=["${program}", placeholder], parameters=given)
    read = read_sweep(file)
    _, *told = words(read, propose("random", read.space, []) or {}, "python", tmp_path / "a.json")
    if placeholder == "${args_json_file}":
        experiment = compose("denoising", [Path(told[0])])
    else:
        experiment = compose("denoising", overrides=told)
    assert experiment.learning.rate == 0.25
    assert (experiment.network.width, experiment.network.memory) == (16, False)
    assert experiment.data.train == {"image": "here"}


@pytest.mark.parametrize("file", HERE, ids=lambda file: file.stem)
def test_shipped_sweeps_set_what_their_task_has(file: Path) -> None:
    read = read_sweep(file)
    assert "run.wandb=online" in read.command
    for seed in range(10):
        settings = propose("random", read.space, [], seed) or {}
        overrides = [f"--{name}={value}" for name, value in settings.items()]
        compose(read.command[read.command.index("--task") + 1], overrides=overrides)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_shipped_sweeps_pass_wandbs_schema(file: Path) -> None:
    sweeps = need("sweeps", "pip install sweeps")
    config = yaml.safe_load(file.read_text("utf-8"))
    assert not sweeps.schema_violations_from_proposed_config(config)


@pytest.mark.slow
def test_a_sweep_of_fits_finds_the_better_rate_though_it_is_killed(tmp_path: Path) -> None:
    options = tiny(tmp_path, "learning.episodes=40", "run.validate_every=5")
    options = [option for option in options if not option.startswith("run.root")]
    fit = ["${env}", "${interpreter}", "-m", "pixelrl", "fit", "--task", "denoising"]
    command = [*fit, "--config", "smoke", "run.wandb=online", *options, "${args}"]
    given = {"learning.rate": {"values": [1e-7, 0.02]}, "learning.spread": {"values": [0, 9]}}
    metric = {"name": "val/reward", "goal": "maximize"}
    file = write_sweep(tmp_path, method="grid", metric=metric, parameters=given, command=command)
    out = tmp_path / "out"
    line = ["sweep", str(file), "--local", "--out", str(out)]
    process = subprocess.Popen([sys.executable, "-m", "pixelrl", *line], start_new_session=True)
    began = time.monotonic()
    last = out / "trial-001" / "checkpoints" / "last.ckpt"
    while not last.is_file() and time.monotonic() - began < 120:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    trials = sweep(file)
    assert [trial["state"] for trial in trials] == ["finished"] * 4
    assert f"resuming {last}" in (out / "trial-001.log").read_text()
    best = max(trials, key=lambda trial: max(trial["history"]))
    assert best["settings"]["learning.rate"] == 0.02
    assert all((out / trial["run"] / "scores.csv").is_file() for trial in trials)


def test_the_picture_shows_the_best_trial_in_the_last_color() -> None:
    space = [parameter("a", {"min": 0.0, "max": 1.0}), parameter("b", {"values": ["p", "q"]})]
    trials = [
        ({"a": 0.1, "b": "p"}, 1.0),
        ({"a": 0.9, "b": "q"}, 2.0),
        ({"a": 0.5, "b": "p"}, None),
    ]

    def colors(*, maximize: bool) -> dict[tuple[int, ...], np.ndarray]:
        drawn = parallel_coordinates(space, trials, "m", maximize=maximize, title="t")
        assert drawn.dtype == torch.float32
        pixels = (drawn * 255).round().to(torch.uint8).movedim(0, -1).numpy()
        worst, best = (0x44, 0x01, 0x54), (0xFD, 0xE7, 0x25)
        return {c: np.argwhere((pixels == c).all(-1)).mean(0) for c in (worst, best)}

    (worst, best), (turned_worst, turned_best) = (
        colors(maximize=maximize).values() for maximize in (True, False)
    )
    assert best[0] < worst[0]  # the trial of higher values runs higher up
    assert turned_best[0] > turned_worst[0]
