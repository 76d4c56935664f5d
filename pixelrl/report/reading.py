"""Find what predict, evaluate or fit left in a directory."""

import csv
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pixelrl.documents import read_json, read_small
from pixelrl.errors import DataError
from pixelrl.records.file import Recorded, load_choices
from pixelrl.runs.protocol import FILE, read_number

SUFFIX = ".choices.npz"
READ = ("scores.csv", "calibration.csv", FILE)
"""What is read beside the records, where it is there."""


@dataclass(frozen=True)
class Results:
    """Tell what there is to report on.

    Attributes:
        records: the records' files by the images' names, with their subfolders, in order.
        scores: each image's scores by name, infinite or NaN where they are; empty if nothing was
            scored.
        protocol: what the scores depend on; empty if nothing was scored.
        calibration: groups of pixels with their ``entropy`` and ``error``.
    """

    records: dict[str, Path]
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    protocol: dict[str, Any] = field(default_factory=dict)
    calibration: list[dict[str, float | None]] = field(default_factory=list)


def find(directory: Path) -> Results:
    """Find the records and scores in a directory, those of subfolders too, hidden ones left out.

    Args:
        directory: what ``--out`` of predict or evaluate named, or the directory of a run.

    Returns:
        What was found. Where images were scored, records of other images do not count: they are
        of an earlier time.

    Raises:
        DataError: there is no such directory, nothing in it to report on, or a damaged file.
    """
    if not directory.is_dir():
        raise DataError(f"{directory}: no such folder; name one that evaluate or predict wrote.")
    folder = directory / "images" if (directory / "images").is_dir() else directory
    names = {path: path.relative_to(folder) for path in sorted(folder.rglob(f"*{SUFFIX}"))}
    records = {
        name.as_posix().removesuffix(SUFFIX): path
        for path, name in names.items()
        if not any(part.startswith(".") for part in name.parts)
    }
    rows = _rows(directory / "scores.csv")
    scores = {str(row.pop("image", "")): _floats(row) for row in rows}
    if scores:
        records = {name: path for name, path in records.items() if name in scores}
    if not records:
        raise DataError(
            f"{directory}: no NAME{SUFFIX} in it or below; name a folder that evaluate or predict"
            " wrote (evaluate without --no-records)."
        )
    calibration = [
        {name: read_number(text) for name, text in row.items()}
        for row in _rows(directory / "calibration.csv")
    ]
    return Results(records, scores, _json(directory / FILE), calibration)


def load(path: Path) -> Recorded:
    """Read a record with its arrays.

    Raises:
        DataError: it is damaged, or holds no images of the steps.
    """
    recorded = load_choices(path, with_arrays=True)
    if "frames" not in recorded.arrays:
        raise DataError(
            f"{path}: choices without the images of the steps (altered, written by --choices or by"
            " an older pixelrl); run predict or evaluate again."
        )
    return recorded


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    try:
        text = read_small(path).decode()
        rows = list(csv.DictReader(text.splitlines(keepends=True), restkey="", restval=""))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path}: damaged ({_reason(error)}); run evaluate again.") from error
    return rows


def _floats(row: dict[str, str]) -> dict[str, float]:
    """Read a row of scores; what is no number counts as missing, which is NaN."""
    found = {}
    for name, text in row.items():
        try:
            found[name] = float(text)
        except (TypeError, ValueError):
            found[name] = math.nan
    return found


def _json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: damaged ({_reason(error)}); run evaluate again.") from error


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split())
