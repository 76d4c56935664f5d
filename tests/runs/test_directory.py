"""A run's directory: what it says of itself, and which one is the newest."""

import json
import os
import re
from pathlib import Path

import pytest

from pixelrl.errors import CheckpointError
from pixelrl.runs.directory import LAST, describe, latest_checkpoint, natural_key


def write_checkpoint(root: Path, name: str, task: str, moment: int) -> Path:
    """Write an empty checkpoint, last changed so many nanoseconds after the epoch."""
    path = root / name / LAST
    path.parent.mkdir(parents=True)
    path.touch()
    os.utime(path, ns=(moment, moment))
    (root / name / "run.json").write_text(json.dumps({"task": task}))
    return path


def test_the_newest_checkpoint_of_a_task_is_found(tmp_path: Path) -> None:
    second = 1_700_000_000_000_000_000
    old = write_checkpoint(tmp_path, "a", "denoising", second)
    new = write_checkpoint(tmp_path, "b", "inpainting", second + 1_000_000_000)
    assert latest_checkpoint(tmp_path, None) == new
    assert latest_checkpoint(tmp_path, "denoising") == old
    with pytest.raises(CheckpointError, match="no run of task 'other' with a checkpoint below"):
        latest_checkpoint(tmp_path, "other")


def test_of_checkpoints_of_one_moment_the_highest_number_is_taken(tmp_path: Path) -> None:
    """As on disks that keep whole seconds, in whatever order a folder is listed."""
    for seed in (10, 2, 9):
        write_checkpoint(tmp_path, f"many-seed{seed}", "denoising", 1_700_000_000_000_000_000)
    assert latest_checkpoint(tmp_path, "denoising").parent.parent.name == "many-seed10"


def test_numbers_in_names_are_ordered_as_numbers() -> None:
    names = ["a", "a-2", "a-10", "a-10-b", "b1"]
    assert sorted(map(Path, reversed(names)), key=natural_key) == list(map(Path, names))


def test_the_start_is_readable_and_finer_than_a_second(tmp_path: Path) -> None:
    describe(tmp_path, "denoising", "name: denoising\n")
    started = json.loads((tmp_path / "run.json").read_text())["started"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", started)
