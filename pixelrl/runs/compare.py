"""What runs have left, side by side."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pixelrl.errors import CheckpointError
from pixelrl.runs.directory import natural_key
from pixelrl.runs.metrics import read_history
from pixelrl.runs.tables import Row
from pixelrl.settings import flat

IGNORED = ("run.name", "run.root")
"""Settings in which runs always differ."""
SECONDS = len("2026-01-31 23:59:59")
"""Characters of a start that are shown; some older runs have no finer part."""


@dataclass(frozen=True)
class RunSummary:
    """Hold what is known of a run.

    Attributes:
        directory: of the run.
        about: what ``run.json`` says: task, command, start, versions, state of the code.
        settings: all settings, by dotted name.
        episodes: how many it has logged.
        best: its best mean reward in validation, if it came that far.
        scores: mean scores on the test images; empty while it is not finished.
    """

    directory: Path
    about: Mapping[str, Any]
    settings: Mapping[str, Any]
    episodes: int
    best: float | None
    scores: Mapping[str, float]


def list_runs(root: Path) -> list[RunSummary]:
    """Read all runs below a folder, by their start; those of one moment by their number.

    Raises:
        CheckpointError: a file of one is damaged.
    """
    found = [read_run(file.parent) for file in root.glob("**/run.json")]
    return sorted(found, key=_start)


def read_run(directory: Path) -> RunSummary:
    """Read one run.

    Raises:
        CheckpointError: a file of it is damaged.
    """
    logged = read_history(directory)
    episodes = max((point[0] for points in logged.values() for point in points), default=0)
    rewards = [value for _, value in logged.get("val/reward", [])]
    protocol = directory / "protocol.json"
    try:
        settings = yaml.safe_load((directory / "config.yaml").read_text("utf-8")) or {}
        scores = json.loads(protocol.read_text("utf-8"))["mean"] if protocol.is_file() else {}
        return RunSummary(
            directory=directory,
            about=json.loads((directory / "run.json").read_text("utf-8")),
            settings=flat(settings),
            episodes=int(episodes),
            best=max(rewards, default=None),
            scores=scores,
        )
    except (OSError, ValueError, KeyError, AttributeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{directory}: a damaged run: {reason}.") from error


def summarize_runs(run: RunSummary) -> Row:
    """Put a run in one row."""
    planned = run.settings.get("learning.episodes", "?")
    return {
        "run": run.directory.name,
        "task": str(run.about.get("task", "")),
        "started": str(run.about.get("started", ""))[:SECONDS],
        "episodes": f"{run.episodes}/{planned}",
        "val/reward": "" if run.best is None else run.best,
        "scores": "  ".join(f"{name} {value:.4g}" for name, value in _own(run.scores).items()),
    }


def list_differences(runs: Sequence[RunSummary]) -> list[Row]:
    """List what differs between runs, a row each, and what they reached.

    Args:
        runs: two or more.

    Returns:
        Rows of settings, versions and code that are not the same in all, then of all scores.
    """
    names = _columns(runs)
    rows: list[Row] = []
    for told in (*(run.settings for run in runs), *map(_circumstances, runs)):
        for key in told:
            cells = [_cell(_known(run).get(key)) for run in runs]
            known = any(row["what"] == key for row in rows)
            if len(set(cells)) > 1 and key not in IGNORED and not known:
                rows.append({"what": key, **dict(zip(names, cells, strict=True))})
    for key in dict.fromkeys(name for run in runs for name in run.scores):
        scores: Row = {name: run.scores.get(key, "") for name, run in zip(names, runs, strict=True)}
        rows.append({"what": f"test/{key}", **scores})
    if not rows:
        rows.append({"what": "(the same in all)", **dict.fromkeys(names, "")})
    return rows


def _start(run: RunSummary) -> tuple[str, list[str | int]]:
    return str(run.about.get("started", "")), natural_key(run.directory)


def _columns(runs: Sequence[RunSummary]) -> list[str]:
    """Name each run's column: by its directory's name if that tells them apart."""
    names = [run.directory.name for run in runs]
    return names if len(set(names)) == len(runs) else [str(run.directory) for run in runs]


def _circumstances(run: RunSummary) -> dict[str, Any]:
    """Tell what scores depend on beside the settings."""
    versions = {f"version of {name}": value for name, value in run.about["versions"].items()}
    return {"task": run.about["task"], "code": run.about.get("git", ""), **versions}


def _known(run: RunSummary) -> dict[str, Any]:
    return {**run.settings, **_circumstances(run)}


def _own(scores: Mapping[str, float]) -> dict[str, float]:
    """Leave out what is not the policy's: scores of the input and of the oracle."""
    return {
        name: value
        for name, value in scores.items()
        if not name.startswith(("input_", "oracle_")) and name != "reward"
    }


def _cell(value: object) -> str:
    return "" if value is None else str(value)
