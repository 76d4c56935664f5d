"""Sweep files: those that are shipped, those that people publish, and those that are wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pixelrl.cli.main import main
from pixelrl.config.compose import compose
from pixelrl.discovery import TASKS, list_installed
from pixelrl.sweeps.claim import claim_next
from pixelrl.sweeps.command import fill_command, nest
from pixelrl.sweeps.file import Hyperband, Sweep, read_sweep
from pixelrl.sweeps.mapping import make_distributions, make_settings
from pixelrl.sweeps.process import make_command
from pixelrl.sweeps.sampler import draw
from pixelrl.sweeps.study import resume
from pixelrl_tasks.denoising import Denoising
from skips import need
from sweeping import write_sweep

FILES = sorted((Path(__file__).parents[2] / "configs" / "sweeps").glob("*.yaml"))
HERE = [file for file in FILES if file.stem in {point.name for point in list_installed(TASKS)}]
RATES = {"values": [0.001, 0.0001]}


def draw_settings(read: Sweep, seed: int) -> dict[str, Any]:
    return make_settings(read.space, draw(make_distributions(read.space), seed))


def fill(read: Sweep, settings: Mapping[str, Any], folder: Path) -> list[str]:
    return fill_command(
        read.command,
        nest(dict(settings), read.paths),
        interpreter="python",
        program=read.program,
        settings_file=folder / "settings.json",
    )


def wandbs_command(command: list[str], settings: Mapping[str, Any], program: str) -> list[str]:
    """Fill in a command by W&B's own code."""
    from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

    filled = create_sweep_command_args({"args": {k: {"value": v} for k, v in settings.items()}})
    filled |= {"interpreter": ["python"], "program": [program], "env": ["/usr/bin/env"]}
    wanted: list[str] = []
    for word in create_sweep_command(list(command)):
        wanted += filled[word[2:-1]] if word.startswith("${") else [word]
    return wanted


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_commands_are_those_of_wandbs_agent(file: Path, tmp_path: Path) -> None:
    read = read_sweep(file)
    for seed in range(5):
        settings = draw_settings(read, seed)
        wanted = wandbs_command(list(read.command), settings, "")
        assert fill(read, settings, tmp_path) == wanted


@pytest.mark.parametrize(
    "macro",
    [
        "${args}", "${args_no_hyphens}", "${args_no_equals}", "${args_no_boolean_flags}",
        "${args_json}", "${args_append_hydra}", "${args_override_hydra}",
    ],
)  # fmt: skip
def test_every_macro_is_filled_in_as_wandb_does(
    tmp_path: Path, macro: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_HERE", "there")
    given = {
        "learning": {"parameters": {"rate": RATES, "spread": {"value": 9}}},
        "network.memory": {"value": True},
        "run.seed": {"values": [3, 4]},
    }
    command = ["${env}", "${interpreter}", "${program}", "--to=${envvar:FROM_HERE}", macro]
    read = read_sweep(write_sweep(tmp_path, parameters=given, command=command))
    settings = draw_settings(read, 1)
    rate = settings["learning.rate"]
    nested = {
        "learning": {"rate": rate, "spread": 9},
        "network.memory": True,
        "run.seed": settings["run.seed"],
    }
    assert fill(read, settings, tmp_path) == wandbs_command(command, nested, read.program)


@pytest.mark.parametrize("macro", ["${args}", "${args_no_hyphens}", "${args_json_file}"])
def test_pixelrl_reads_what_wandb_hands_over(tmp_path: Path, macro: str) -> None:
    width = 16 if macro == "${args_json_file}" else 16.0  # as W&B writes whole numbers
    given = {
        "learning": {"parameters": {"rate": {"value": 0.25}, "spread": {"value": 9}}},
        "network.width": {"value": width},
        "network.memory": {"value": False},
        "data.train": {"value": {"image": "here"}},
    }
    file = write_sweep(tmp_path, command=["${program}", macro], parameters=given)
    read = read_sweep(file)
    _, *told = fill(read, draw_settings(read, 0), tmp_path)
    if macro == "${args_json_file}":
        experiment = compose("denoising", [Path(told[0])])
    else:
        experiment = compose("denoising", overrides=told)
    assert (experiment.learning.rate, experiment.learning.spread) == (0.25, 9)
    assert (experiment.network.width, experiment.network.memory) == (16, False)
    assert experiment.data.train == {"image": "here"}


@pytest.mark.parametrize(
    "given",
    [
        {"learning.rate": {"values": [0.25, 0.5]}, "task.sigma": {"value": 30.0}},
        {
            "learning": {"parameters": {"rate": {"values": [0.25, 0.5]}}},
            "task": {"parameters": {"sigma": {"value": 30.0}}},
        },
    ],
    ids=["flat", "nested"],
)
def test_optuna_and_wandb_set_the_same_of_a_task_and_its_learning(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    command = ["${program}", "${args}"]
    read = read_sweep(write_sweep(tmp_path, method="grid", parameters=given, command=command))
    study = resume(read, tmp_path / "out", seed=0, count=2)
    rates = set()
    for _ in range(2):
        claim = claim_next(study, "me")
        assert claim is not None
        settings = study.settings(claim.trial)
        ours = make_command(read, settings, study.directory, "trial", "disabled")
        theirs = wandbs_command(command, nest(settings, read.paths), read.program)
        for _, *words in (ours, theirs):
            experiment = compose("denoising", overrides=words)
            assert isinstance(experiment.task, Denoising)
            assert experiment.task.sigma == 30
            assert experiment.learning.rate == settings["learning.rate"]
        rates.add(settings["learning.rate"])
        study.optuna_study.tell(claim.trial, 1.0)
        claim.close()
    assert rates == {0.25, 0.5}


@pytest.mark.parametrize("file", HERE, ids=lambda file: file.stem)
def test_shipped_sweeps_set_what_their_task_has(file: Path) -> None:
    read = read_sweep(file)
    assert "run.wandb=online" in read.command
    for seed in range(10):
        overrides = [f"--{name}={value}" for name, value in draw_settings(read, seed).items()]
        compose(read.command[read.command.index("--task") + 1], overrides=overrides)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_shipped_sweeps_pass_wandbs_schema(file: Path) -> None:
    sweeps = need("sweeps.config", "pip install sweeps")
    config = yaml.safe_load(file.read_text("utf-8"))
    assert not sweeps.schema_violations_from_proposed_config(config)


def test_files_are_read_as_people_publish_them(tmp_path: Path) -> None:
    def read(**changes: Any) -> Sweep:
        return read_sweep(write_sweep(tmp_path, **changes))

    grid = {"method": "grid", "parameters": {"x": {"min": 1, "max": 3}, "y": {"value": "up"}}}
    assert read(**grid, metric=None).metric == ""
    assert read(method="random", metric=None).metric == ""
    assert read(controller={"type": "local"}).local
    assert read(controller="local").local
    assert not read(controller={"type": "cloud"}).local
    assert not read().local
    assert (read(run_cap=9, count=4).cap, read(count=4).count) == (9, 4)
    assert read(command=None).command == ("${env}", "${interpreter}", "${program}", "${args}")
    assert read(metric={"name": "a"}).maximize is False
    named = {"name": "a", "description": "b", "project": "c", "entity": "d", "kind": "sweep"}
    assert read(**named, apiVersion="1").raw["entity"] == "d"


@pytest.mark.parametrize(
    ("described", "wanted"),
    [
        ({"min_iter": 3}, Hyperband(3, None, 3, strict=True)),
        ({"min_iter": 1, "eta": 2, "strict": False}, Hyperband(1, None, 2, strict=False)),
        ({"max_iter": 27, "s": 2}, Hyperband(3, 27, 3, strict=True)),
        ({"max_iter": 5, "s": 4, "eta": 2.0}, Hyperband(1, 5, 2, strict=True)),
        ({"min_iter": 2, "max_iter": 40}, Hyperband(2, 40, 3, strict=True)),
    ],
)
def test_early_termination_is_read(
    tmp_path: Path, described: dict[str, Any], wanted: Hyperband
) -> None:
    file = write_sweep(tmp_path, early_terminate={"type": "hyperband", **described})
    assert read_sweep(file).early == wanted


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"method": "guess"}, "method: expected random, grid, bayes; got 'guess'"),
        ({"method": "custom"}, "method: expected random, grid, bayes; got 'custom'"),
        ({"metod": "grid"}, "unknown key 'metod'. Did you mean 'method'?"),
        ({"scheduler": {"engine": "ax"}}, "scheduler: only W&B's server can follow it"),
        ({"metric": {"goal": "maximize"}}, "metric: expected {name: val/psnr"),
        ({"metric": None}, "metric: expected {name: val/psnr"),
        ({"metric": {"name": "a", "goal": "more"}}, "expected minimize or maximize"),
        ({"metric": {"name": "a", "target": "30"}}, "target: expected a number, got '30'"),
        ({"metric": {"name": "a", "impute": "best"}}, "impute: a trial that fails counts as the"),
        ({"parameters": {}}, "parameters: expected a mapping"),
        ({"parameters": {"a.b": RATES, "a": {"parameters": {"b": RATES}}}}, "a.b: stands there"),
        ({"method": "grid"}, "parameters.x: method grid needs values"),
        ({"command": ["a"]}, "${args} is missing"),
        ({"command": "a ${args}"}, "command: expected a list of words"),
        ({"command": ["a", "${arg}"]}, "unknown macro ${arg}. Did you mean '${args}'?"),
        ({"program": None}, "it uses ${program}, and no program is named"),
        (
            {"command": ["a", "${args_no_boolean_flags}"], "parameters": {"m": {"value": False}}},
            "${args_no_boolean_flags} loses m=false; use ${args}",
        ),
        ({"early_terminate": {"type": "median"}}, "expected {type: hyperband"),
        ({"early_terminate": {"type": "hyperband"}}, "expected min_iter, or max_iter with s"),
        ({"early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 1}}, "of 2 or more"),
        ({"early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 2.5}}, "got 2.5"),
        ({"early_terminate": {"type": "hyperband", "min_iter": -1}}, "min_iter: expected a whole"),
        ({"run_cap": "3"}, "run_cap: expected a whole number above zero, got '3'"),
        ({"controller": {"type": "mine"}}, "controller: expected {type: local}"),
    ],
)
def test_bad_files_are_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], told: str
) -> None:
    file = write_sweep(tmp_path, **changes)
    if changes == {"parameters": {}}:
        file.write_text("method: grid\nparameters: {}\n")
    assert main(["sweep", str(file), "--local", "--count", "1"]) == 2
    line = capsys.readouterr().err.strip()
    assert line.startswith(f"pixelrl: {file}: ")
    assert told in line
    assert "\n" not in line
