"""What a run logged, read back."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pixelrl.files import write_whole

Points = list[tuple[float, float]]
"""Pairs of episodes learned from and value, by rising episode."""

ROWS = Path("logs") / "metrics.jsonl"
TABLE = Path("logs") / "metrics.csv"


def read_metrics(directory: Path) -> dict[str, Points]:
    """Read what a run logged, over all of its sessions.

    A resumed run goes on from its last checkpoint, so that some episodes may be logged twice; what
    was logged of episodes after the checkpoint no longer counts then.

    Args:
        directory: of the run.

    Returns:
        The points of every metric, by name; empty if nothing was logged yet.
    """
    if not (directory / ROWS).is_file():
        return _read_sessions(directory)
    found: dict[str, dict[float, float]] = {}
    for row in _rows(directory / ROWS):
        if "resumed" in row:
            start = _number(row["resumed"]) or 0
            for points in found.values():
                for episode in [each for each in points if each > start]:
                    del points[episode]
            continue
        step = _number(row.get("step"))
        for name, value in row.items():
            number = _number(value)
            if step is not None and number is not None and name != "step":
                found.setdefault(name, {})[step + 1] = number  # Lightning's steps begin at 0
    return {name: sorted(points.items()) for name, points in found.items() if points}


def values(directory: Path, metric: str) -> list[float]:
    """Read one metric's finite values in the order in which a run logged them."""
    points = read_metrics(directory).get(metric, [])
    return [value for _, value in points if math.isfinite(value)]


def write_table(directory: Path) -> None:
    """Write what a run logged as a CSV table, a row per episode and a column per metric."""
    logged = read_metrics(directory)
    rows: dict[float, dict[str, float]] = {}
    for name, points in logged.items():
        for episode, value in points:
            rows.setdefault(episode, {})[name] = value
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["step", *sorted(logged)])
    writer.writeheader()
    writer.writerows({"step": int(each) - 1, **rows[each]} for each in sorted(rows))
    write_whole(directory / TABLE, text.getvalue())


def _rows(file: Path) -> Iterator[Mapping[str, Any]]:
    """Read the lines that are whole; one that a kill has cut is none."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict):
                yield row


def _read_sessions(directory: Path) -> dict[str, Points]:
    """Read the logs of pixelrl 0.1.0: a CSV file per session; the later session's values stand."""
    found: dict[str, Points] = {}
    files = (directory / "logs").glob("*/metrics.csv")
    for file in sorted(files, key=lambda file: (len(file.parent.name), file.parent.name)):
        for name, points in _read(file).items():
            kept = [point for point in found.get(name, []) if point[0] < points[0][0]]
            found[name] = kept + points
    return found


def _read(file: Path) -> Mapping[str, Points]:
    """Read one session; a line that is being written this moment is left for later."""
    found: dict[str, Points] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            step = _number(row.get("step"))
            if step is None:
                continue
            for name, text in row.items():
                value = _number(text)
                if value is not None and name not in {"step", "epoch"}:
                    found.setdefault(name, []).append((step + 1, value))
    return found


def _number(text: object) -> float | None:
    try:
        return float(text) if isinstance(text, str | int | float) and text != "" else None
    except (ValueError, OverflowError):
        return None
