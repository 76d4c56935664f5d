"""What loggers were told, read back from the files that they wrote."""

import base64
import csv
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import wandb
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import wandb_file
from photos import tiny
from pixelrl.cli.main import main
from pixelrl.config.compose import compose
from pixelrl.runs.metrics import read_metrics
from pixelrl.training.loggers import finish_after, make_loggers
from pixelrl.training.module import PixelA3C
from stopping import Killed

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Kill a run in its sixth episode of six, and resume it, with every logger on."""
    folder = tmp_path_factory.mktemp("logged")
    options = tiny(folder, "run.name=one", "run.wandb=offline", "run.log_model=true")
    options += ["run.loggers=[tensorboard]", "data.limit=2", "run.validate_every=2"]
    update, count = PixelA3C.update, [0]

    def killed(self: PixelA3C, loss: torch.Tensor) -> None:
        count[0] += 1
        if count[0] == 6:  # the last checkpoint is that of the fourth
            raise Killed
        update(self, loss)

    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            patch.delenv(name)
        for name in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
            patch.setenv(name, str(folder / "wandb-home"))
        patch.setenv("WANDB_SILENT", "true")
        with patch.context() as dying:
            dying.setattr(PixelA3C, "update", killed)
            with pytest.raises(Killed):
                main(["fit", "--task", "denoising", "--config", "smoke", *options])
        assert wandb.run is None  # so that no other run in this process is taken for it
        last = folder / "runs" / "one" / "checkpoints" / "last.ckpt"
        assert main(["fit", "--resume", str(last)]) == 0
        wandb.teardown()  # only now is W&B's file complete
        yield folder / "runs" / "one"


@pytest.fixture(scope="module")
def kept(run: Path) -> wandb_file.Kept:
    return wandb_file.read(run)


def test_a_resumed_run_is_the_same_run_for_wandb(run: Path, kept: wandb_file.Kept) -> None:
    assert kept.ids == {(run / "wandb-id.txt").read_text().strip()}
    assert kept.exits == [1, 0]  # of its two sessions
    assert [filed["display_name"] for filed in kept.filed] == ["one", "one"]


def test_the_configuration_is_flat(kept: wandb_file.Kept) -> None:
    assert kept.config["learning.rate"] == 1e-3
    assert kept.config["data.crop"] == 24
    assert kept.config["name"] == "denoising"
    ours = {name: value for name, value in kept.config.items() if not name.startswith("_")}
    assert not any(isinstance(value, dict) and value for value in ours.values())


def test_metrics_have_the_same_names_and_values_everywhere(
    run: Path, kept: wandb_file.Kept
) -> None:
    logged = read_metrics(run)
    names = set(logged)
    assert {"train/entropy", "train/reward", "val/psnr", "shares/median", "test/psnr"} <= names
    board = EventAccumulator(str(run / "tensorboard")).Reload()
    assert names <= set(board.Tags()["scalars"])
    assert names <= kept.summary.keys()
    assert [episodes for episodes, _ in logged["val/psnr"]] == [2, 4, 6]
    for name in ("val/psnr", "val/reward", "shares/median", "train/entropy"):
        value = logged[name][-1][1]
        assert kept.values(name)[-1] == pytest.approx(value)
        assert board.Scalars(name)[-1].value == pytest.approx(value)


def test_wandbs_rows_are_ours(run: Path, kept: wandb_file.Kept) -> None:
    for name, points in read_metrics(run).items():
        found = {step + 1: value for step, value in kept.points(name).items()}
        assert found == pytest.approx(dict(points), nan_ok=True), name
        assert kept.summary[name] == pytest.approx(points[-1][1], nan_ok=True), name


def test_filmstrips_are_shown_at_every_validation(run: Path, kept: wandb_file.Kept) -> None:
    validations = len(kept.values("val/psnr"))
    assert validations >= 3
    assert len(kept.values("val/filmstrip.filenames")) == validations
    strips = list(run.glob("wandb/offline-run-*/files/media/images/val/*.png"))
    assert len(strips) == validations
    board = EventAccumulator(str(run / "tensorboard")).Reload()
    assert board.Tags()["images"] == ["val/filmstrip"]


def test_histograms_of_the_edits_agree_with_their_shares(run: Path, kept: wandb_file.Kept) -> None:
    edits = compose("denoising").task.actions.names
    shares = [kept.summary[f"shares/{name}"] for name in edits]
    assert kept.values("val/edits.values")[-1] == pytest.approx(shares, abs=1e-5)
    board = EventAccumulator(str(run / "tensorboard")).Reload()
    assert board.Tags()["histograms"] == ["val/edits"]
    last = board.Histograms("val/edits")[-1].histogram_value
    assert np.array(last.bucket) / last.num == pytest.approx(shares, abs=1e-5)


def test_the_final_scores_are_a_table_and_their_means(run: Path, kept: wandb_file.Kept) -> None:
    for name, value in json.loads((run / "protocol.json").read_text())["mean"].items():
        assert kept.summary[f"test/{name}"] == pytest.approx(value)
    assert len([artifact for artifact in kept.artifacts if artifact.type == "run_table"]) == 1
    (table,) = run.glob("wandb/offline-run-*/files/media/table/test/*.json")
    content = json.loads(table.read_text())
    with (run / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert content["columns"] == list(rows[0])
    assert content["data"] == [
        [row["image"], *(float(value) for name, value in row.items() if name != "image")]
        for row in rows
    ]


def test_the_best_checkpoint_is_an_artifact(run: Path, kept: wandb_file.Kept) -> None:
    (model,) = [artifact for artifact in kept.artifacts if artifact.type == "model"]
    assert set(model.aliases) == {"best", "latest"}
    (content,) = model.manifest.contents
    best = run / "checkpoints" / "best.ckpt"
    assert content.path == "best.ckpt"
    digest = hashlib.md5(best.read_bytes()).digest()
    assert content.digest == base64.b64encode(digest).decode()
    assert compose("denoising").run.log_model is False  # only if it is wanted


GIVEN = {
    "entity": "lab", "project": "noise", "group": "ablation", "job_type": "fit",
    "notes": "as before", "tags": "[a,b]",
}  # fmt: skip
VARIABLES = {
    "ENTITY": "theirs", "PROJECT": "elsewhere", "RUN_GROUP": "others", "JOB_TYPE": "theirs",
    "NOTES": "of the job", "TAGS": "c,d", "NAME": "job-7", "RUN_ID": "id-of-job", "MODE": "offline",
}  # fmt: skip


def log_once(directory: Path, *settings: str) -> dict[str, Any]:
    """Begin or go on with a run at W&B, log a number, and read what it was filed under."""
    directory.mkdir(parents=True, exist_ok=True)
    wandb.teardown()  # which keeps the variables of whatever ran before in this process
    experiment = compose("denoising", overrides=settings)
    loggers = make_loggers(experiment, directory)
    with finish_after(loggers):
        loggers[-1].log_metrics({"val/psnr": 30.0}, step=0)
    wandb.teardown()
    kept = wandb_file.read(directory)
    assert kept.values("val/psnr")[-1] == 30
    return {**kept.filed[-1], "ids": kept.ids}


def test_what_is_given_stands_above_wandbs_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**VARIABLES, "MODE": "disabled"}.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    given = [f"run.{name}={value}" for name, value in GIVEN.items()]
    found = log_once(tmp_path / "one", *given, "run.name=one", "run.wandb=offline")
    assert found == {
        "entity": "lab", "project": "noise", "run_group": "ablation", "job_type": "fit",
        "notes": "as before", "tags": ["a", "b"], "display_name": "one", "ids": {"id-of-job"},
    }  # fmt: skip
    assert os.environ["WANDB_MODE"] == "disabled"  # of other runs in this process


def test_wandbs_variables_stand_above_what_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    found = log_once(tmp_path / "one", "run.loggers=[wandb]")
    assert found == {
        "entity": "theirs", "project": "elsewhere", "run_group": "others", "job_type": "theirs",
        "notes": "of the job", "tags": ["c", "d"], "display_name": "job-7", "ids": {"id-of-job"},
    }  # fmt: skip
    monkeypatch.setenv("WANDB_RUN_ID", "id-of-next-job")
    again = log_once(tmp_path / "one", "run.loggers=[wandb]")
    assert again["ids"] == {"id-of-job"}  # a run that goes on keeps its own


def test_without_either_a_run_is_named_by_its_directory(tmp_path: Path) -> None:
    found = log_once(tmp_path / "denoising-1", "run.wandb=offline")
    assert (found["display_name"], found["project"]) == ("denoising-1", "pixelrl")
    assert not any(found[name] for name in ("entity", "run_group", "job_type", "notes", "tags"))


def test_a_shipped_sweep_runs_as_wandbs_agent_runs_it(tmp_path: Path) -> None:
    from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

    config = yaml.safe_load((ROOT / "configs" / "sweeps" / "denoising.yaml").read_text("utf-8"))
    options = tiny(tmp_path, "run.name=swept", "run.wandb=offline")
    chosen = {"learning.rate": 0.00123, "learning.spread": 9, "learning.estimator": "expected"}
    arguments = {name: {"value": value} for name, value in chosen.items()}
    settings = tmp_path / "settings.yaml"
    settings.write_text(yaml.safe_dump({"wandb_version": 1, **arguments}))
    filled = create_sweep_command_args({"args": arguments})
    filled |= {"interpreter": [sys.executable], "env": ["/usr/bin/env"]}
    command: list[str] = []
    for word in create_sweep_command(list(config["command"])):
        command += filled[word[2:-1]] if word.startswith("${") else [word]
    environment = {name: v for name, v in os.environ.items() if not name.startswith("WANDB_")}
    environment |= {
        "WANDB_SWEEP_ID": "abcd1234",
        "WANDB_RUN_ID": "run00001",
        "WANDB_SWEEP_PARAM_PATH": str(settings),
        "WANDB_DATA_DIR": str(tmp_path / "wandb-home"),
    }
    done = subprocess.run(
        [*command, *options], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "locked" not in done.stderr  # no setting is set twice
    kept = wandb_file.read(tmp_path / "runs" / "swept")
    assert kept.ids == {"run00001"}
    assert {name: kept.config[name] for name in chosen} == chosen
    assert kept.config["data.crop"] == 24
    assert kept.summary["val/psnr"] > 0
