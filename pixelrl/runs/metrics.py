"""What a run logged, read back from its CSV files."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path

Points = list[tuple[float, float]]
"""Pairs of episodes learned from and value, by rising episode."""


def read_history(directory: Path) -> dict[str, Points]:
    """Read what a run logged, over all of its sessions.

    Each resumption logs to a folder of its own and begins where the last checkpoint was, so that
    some episodes were logged twice; the later session's values stand.

    Args:
        directory: of the run.

    Returns:
        The points of every metric, by name; empty if nothing was logged yet.
    """
    found: dict[str, Points] = {}
    for file in _sessions(directory):
        logged = _read(file)
        begins = min((points[0][0] for points in logged.values()), default=math.inf)
        for name, points in found.items():
            found[name] = [point for point in points if point[0] < begins]
        for name, points in logged.items():
            found.setdefault(name, []).extend(points)
    return {name: points for name, points in found.items() if points}


def values(directory: Path, metric: str) -> list[float]:
    """Read one metric's finite values in the order in which a run logged them."""
    points = read_history(directory).get(metric, [])
    return [value for _, value in points if math.isfinite(value)]


def _sessions(directory: Path) -> list[Path]:
    files = (directory / "logs").glob("*/metrics.csv")
    return sorted(files, key=lambda file: (len(file.parent.name), file.parent.name))


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
                    found.setdefault(name, []).append((step + 1, value))  # Lightning's begin at 0
    return found


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
