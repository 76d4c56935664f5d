"""A run's directory: what it says of itself, and which one is the newest."""

import json
import re
from pathlib import Path

import pytest

from pixelrl.errors import CheckpointError
from pixelrl.runs.directory import LAST, describe, natural_key
from pixelrl.runs.resume import find_resumed


def write_run(root: Path, name: str, task: str, started: str) -> Path:
    """Write a run with an empty checkpoint, begun at a time; returns the checkpoint."""
    path = root / name / LAST
    path.parent.mkdir(parents=True)
    path.touch()
    (root / name / "run.json").write_text(json.dumps({"task": task, "started": started}))
    (root / name / "config.yaml").touch()
    return path


def test_the_newest_run_of_a_task_is_found(tmp_path: Path) -> None:
    new = write_run(tmp_path, "a", "inpainting", "2026-11-28 10:00:00.500000")
    old = write_run(tmp_path, "b", "denoising", "2026-11-28 10:00:00.400000")
    assert find_resumed("last", tmp_path, "") == new
    assert find_resumed("last", tmp_path, "", "denoising") == old
    with pytest.raises(CheckpointError, match="no run of task 'other' below"):
        find_resumed("last", tmp_path, "", "other")


def test_of_runs_of_one_moment_the_highest_number_is_taken(tmp_path: Path) -> None:
    """As those of pixelrl 0.1.0, which kept whole seconds, in whatever order a folder is listed."""
    for seed in (10, 2, 9):
        write_run(tmp_path, f"many-seed{seed}", "denoising", "2026-11-28 10:00:00")
    found = find_resumed("last", tmp_path, "", "denoising")
    assert found is not None
    assert found.parent.parent.name == "many-seed10"


def test_numbers_in_names_are_ordered_as_numbers() -> None:
    names = ["a", "a-2", "a-10", "a-10-b", "b1"]
    assert sorted(map(Path, reversed(names)), key=natural_key) == list(map(Path, names))


def test_the_start_is_readable_and_finer_than_a_second(tmp_path: Path) -> None:
    describe(tmp_path, "denoising", "name: denoising\n")
    started = json.loads((tmp_path / "run.json").read_text())["started"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", started)
