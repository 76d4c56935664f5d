"""What scores depend on and what they mean, as the file beside them tells it."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pixelrl.declaration import Score, as_plain, declare, from_plain, strip_source
from pixelrl.discovery import TASKS, load
from pixelrl.errors import ContractError, DataError, PixelRLError
from pixelrl.files import write_whole
from pixelrl.runs.tables import Mean, Table, mean_values, means

FILE = "protocol.json"


def describe_scores(table: Table) -> dict[str, Any]:
    """Describe a table of scores for its protocol.

    Returns:
        ``mean`` of each score; ``left_out``, how many infinite or missing numbers that is without,
        for the scores that have any; and ``scores``, what is declared of them.
    """
    found = means(table)
    return {
        "mean": mean_values(found),
        "left_out": {name: mean.left_out for name, mean in found.items() if mean.left_out},
        "scores": as_plain(table.declared, table.measured),
    }


def read_means(protocol: Mapping[str, Any]) -> dict[str, Mean]:
    """Read back the means that `describe_scores` described, of as many numbers as images.

    Example:
        >>> described = {"images": 3, "mean": {"psnr": 30.0}, "left_out": {"psnr": {"infinite": 1}}}
        >>> read_means(described)
        {'psnr': Mean(value=30.0, finite=2, infinite=1, missing=0)}
    """
    found = {}
    for name, value in protocol["mean"].items():
        left_out = protocol["left_out"].get(name, {})
        infinite, missing = left_out.get("infinite", 0), left_out.get("missing", 0)
        found[name] = Mean(value, protocol["images"] - infinite - missing, infinite, missing)
    return found


def write_json(path: Path, value: object) -> None:
    """Write plain values as JSON, which has no infinity and no NaN: they become null."""
    text = json.dumps(_finite(value), indent=2, allow_nan=False)
    write_whole(path, text + "\n")


def read_number(value: object) -> float | None:
    """Read a number as JSON can tell it; None for one that is not finite, or no number."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def read_declared(
    protocol: Mapping[str, Any], task: str, names: Iterable[str]
) -> Mapping[str, Score]:
    """Find what is declared of the scores that a protocol belongs to.

    Args:
        protocol: the file's content; files of pixelrl 0.1.0 declare nothing.
        task: the task's name, which is asked then, if it is installed.
        names: of the scores; if every task may answer them, the task need not be loaded.

    Returns:
        Declarations by name.

    Raises:
        DataError: the file declares what cannot be.
    """
    if "scores" in protocol:
        try:
            return from_plain(protocol["scores"])
        except (AttributeError, TypeError, ContractError) as error:
            raise DataError(f"{FILE}: scores: {error}") from error
    known = declare()
    if all(strip_source(name) in known for name in names):
        return known
    return declare_installed(task)


def declare_installed(task: str) -> Mapping[str, Score]:
    """List what an installed task declares; of another, what every task may answer."""
    try:
        return declare(load(TASKS, task).declared_scores) if ":" not in task else declare()
    except (PixelRLError, AttributeError):
        return declare()


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
