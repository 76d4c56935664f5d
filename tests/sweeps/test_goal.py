"""A sweep file without a goal goes the way that the task's score declares."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pixelrl.sweeps.file import read_sweep


def write_sweep(folder: Path, metric: dict[str, Any], command: list[str]) -> Path:
    file = folder / "sweep.yaml"
    parameters = {"learning.rate": {"values": [0.1, 0.2]}}
    file.write_text(yaml.safe_dump(
        {"method": "grid", "metric": metric, "parameters": parameters, "command": command}
    ))  # fmt: skip
    return file


@pytest.mark.parametrize(
    ("metric", "goal"),
    [
        ({"name": "val/psnr"}, "maximize"),
        ({"name": "test/oracle_lab_error"}, "minimize"),
        ({"name": "train/reward"}, "maximize"),
        ({"name": "val/critic_gain", "target": 1.0}, "maximize"),
        ({"name": "val/mask_color"}, "minimize"),
        ({"name": "val/psnr", "goal": "minimize"}, "minimize"),
        ({"name": "val/elsewhere"}, None),  # declared to have no direction
        ({"name": "val/who_knows"}, None),
        ({"name": "train/policy"}, None),
        ({"name": "val"}, None),
    ],
)
def test_without_a_goal_the_task_tells_which_way_is_better(
    tmp_path: Path, metric: dict[str, Any], goal: str | None
) -> None:
    command = ["pixelrl", "fit", "--task", "saliency_editing", "${args}"]
    found = read_sweep(write_sweep(tmp_path, metric, command))
    assert found.raw["metric"].get("goal") == goal  # a server is told, too
    assert found.maximize == (goal == "maximize")  # without any, W&B's own rule is to minimize


def test_without_a_task_the_scores_of_all_tasks_are_known(tmp_path: Path) -> None:
    for name, known in (("val/ssim", True), ("val/gain", False)):
        metric = {"name": name}
        for command in (["a", "${args}"], ["a", "--task=no_such_task", "${args}"]):
            found = read_sweep(write_sweep(tmp_path, metric, command))
            assert found.maximize == known
