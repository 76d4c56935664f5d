"""What runs have left, side by side."""

import csv
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pixelrl.declaration import INPUT, Score, find_score, is_own, join
from pixelrl.documents import read_json, read_yaml
from pixelrl.errors import CheckpointError, PixelRLError, shorten
from pixelrl.runs.directory import ABOUT, natural_key
from pixelrl.runs.metrics import read_metrics
from pixelrl.runs.protocol import FILE, read_declared, read_number
from pixelrl.runs.tables import Row, Table
from pixelrl.settings import flat

LOG = logging.getLogger(__name__)

IGNORED = ("run.name", "run.root")
"""Settings in which runs always differ."""
SECONDS = len("2026-01-31 23:59:59")
"""Characters of a start that are shown; some older runs have no finer part."""
LISTED = 4
"""So many scores of a run are told where runs are listed."""
BEST, OTHER = " *", "  "
"""What stands after the best of some scores, and after the others."""


@dataclass(frozen=True)
class RunSummary:
    """Hold what is known of a run.

    Attributes:
        directory: of the run.
        about: what ``run.json`` says: task, command, start, versions, state of the code.
        settings: all settings, by dotted name.
        episodes: how many it has logged.
        best: its best mean reward in validation, if it came that far.
        scores: mean scores on the test images, None for one without a finite number; empty while
            the run is not finished.
        left_out: how many infinite or missing numbers these means are without, by score and kind.
        declared: what is declared of the scores.
    """

    directory: Path
    about: Mapping[str, Any]
    settings: Mapping[str, Any]
    episodes: int
    best: float | None
    scores: Mapping[str, float | None]
    left_out: Mapping[str, Mapping[str, int]]
    declared: Mapping[str, Score]


def list_runs(root: Path) -> list[RunSummary]:
    """Read all runs below a folder, by their start; those of one moment by their number.

    A damaged one is logged and left out, so that it hides no other.
    """
    found = []
    for file in root.glob("**/run.json"):
        try:
            found.append(read_run(file.parent))
        except CheckpointError as error:
            LOG.warning("%s", error)
    return sorted(found, key=_start)


def read_run(directory: Path) -> RunSummary:
    """Read one run.

    Raises:
        CheckpointError: a file of it is damaged.
    """
    file = directory / FILE
    reading = directory / "logs"
    try:
        logged = read_metrics(directory)
        episodes = max((point[0] for points in logged.values() for point in points), default=0)
        rewards = [value for _, value in logged.get("val/reward", [])]
        reading = directory / "config.yaml"
        settings = _settings(read_yaml(reading) or {})
        reading = directory / ABOUT
        about = read_json(reading)
        about["versions"] = _mapping(about, "versions")
        reading = file
        protocol = read_json(file) if file.exists() else {"mean": {}}
        scores = {name: read_number(value) for name, value in _mapping(protocol, "mean").items()}
        left_out = {
            name: _mapping(protocol["left_out"], name) for name in _mapping(protocol, "left_out")
        }
        return RunSummary(
            directory=directory,
            about=about,
            settings=flat(settings),
            episodes=int(episodes),
            best=max(rewards, default=None),
            scores=scores,
            left_out=left_out,
            declared=read_declared(protocol, str(about.get("task", "")), scores),
        )
    except (PixelRLError, OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split()).rstrip(".")
        raise CheckpointError(
            f"{reading}: a damaged run: {shorten(reason)}; restore or remove it."
        ) from error


def _mapping(told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Take a mapping from what a file tells; none if it is left out.

    Raises:
        ValueError: something else stands there.
    """
    found = told.get(key, {})
    if not isinstance(found, Mapping):
        raise ValueError(f"{key}: expected an object, got {type(found).__name__}")
    return found


def _settings(told: object) -> Mapping[str, Any]:
    if not isinstance(told, Mapping):
        raise ValueError("expected a mapping of settings")
    return told


def tabulate_runs(runs: Sequence[RunSummary]) -> Table:
    """Put runs in a table, a row each."""
    keys = ("run", "task", "started", "episodes", "scores")
    return Table(keys, [_row(run) for run in runs])


def compare_runs(runs: Sequence[RunSummary]) -> Table:
    """Tell in which settings runs differ, and what they reached.

    Args:
        runs: two or more.

    Returns:
        Rows of settings, versions and code that are not the same in all, then of all scores. The
        best of a score is marked where its direction is declared and all runs are of one task.
    """
    names = _columns(runs)
    rows: list[Row] = []
    for told in (*(run.settings for run in runs), *map(_circumstances, runs)):
        for key in told:
            cells = [_cell(_known(run).get(key)) for run in runs]
            known = any(row["what"] == key for row in rows)
            if len(set(cells)) > 1 and key not in IGNORED and not known:
                rows.append({"what": key, **dict(zip(names, cells, strict=True))})
    one_task = len({str(run.about.get("task")) for run in runs}) == 1
    declared = join(run.declared for run in runs)
    for key in dict.fromkeys(name for run in runs for name in run.scores):
        values = [run.scores.get(key) for run in runs]
        if not key.startswith(INPUT) or set(values) - {None} != {0}:
            score = find_score(declared, key)
            cells = _mark(score, values) if one_task else [score.text(value) for value in values]
            rows.append({"what": f"test/{score.title}", **dict(zip(names, cells, strict=True))})
    if not rows:
        rows.append({"what": "(the same in all)", **dict.fromkeys(names, "")})
    return Table(("what", *names), rows)


def list_left_out(runs: Sequence[RunSummary]) -> list[str]:
    """Say what the means of runs leave out, a line per run and score."""
    return [
        f"{run}, {score}: mean without {', '.join(f'{n} {kind}' for kind, n in counts.items())}"
        for run, about in zip(_columns(runs), runs, strict=True)
        for score, counts in about.left_out.items()
    ]


def _row(run: RunSummary) -> Row:
    planned = run.settings.get("learning.episodes", "?")
    own = [name for name in run.scores if is_own(name) and name != "reward"]
    told = [
        f"{name} {find_score(run.declared, name).with_unit(run.scores[name])}"
        for name in own[:LISTED]
    ]
    more = [f"{len(own) - LISTED} more"] if len(own) > LISTED else []
    return {
        "run": run.directory.name,
        "task": str(run.about.get("task", "")),
        "started": str(run.about.get("started", ""))[:SECONDS],
        "episodes": f"{run.episodes}/{planned}",
        "val/reward": run.best,
        "scores": "  ".join([*told, *more]),
    }


def _mark(score: Score, values: Sequence[float | None]) -> list[str]:
    """Write a score's values, the best of them marked; none if they are equal or not ranked."""
    found = [value for value in values if value is not None]
    if score.higher_is_better is None or not is_own(score.name) or len(set(found)) < 2:
        return [score.text(value) for value in values]
    best = max(found) if score.higher_is_better else min(found)
    return [score.text(value) + (BEST if value == best else OTHER) for value in values]


def _start(run: RunSummary) -> tuple[str, list[str | int]]:
    return str(run.about.get("started", "")), natural_key(run.directory)


def _columns(runs: Sequence[RunSummary]) -> list[str]:
    """Name each run's column: by its directory's name if that tells them apart."""
    names = [run.directory.name for run in runs]
    return names if len(set(names)) == len(runs) else [str(run.directory) for run in runs]


def _circumstances(run: RunSummary) -> dict[str, Any]:
    """Tell what scores depend on beside the settings."""
    versions = {f"version of {name}": value for name, value in run.about["versions"].items()}
    return {"task": run.about.get("task", ""), "code": run.about.get("git", ""), **versions}


def _known(run: RunSummary) -> dict[str, Any]:
    return {**run.settings, **_circumstances(run)}


def _cell(value: object) -> str:
    return "" if value is None else str(value)
