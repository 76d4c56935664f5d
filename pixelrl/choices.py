"""Recorded choices as files: what every pixel did, readable, alterable, and enough to replay."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pixelrl.errors import DataError


class Recorded(NamedTuple):
    """Hold an episode's choices on one image.

    Attributes:
        choices: ``(T,H,W)`` uint8, counting into ``edits``.
        edits: the edits' names.
        experiment: the settings of the experiment, as `config.plain` describes them.
    """

    choices: NDArray[np.uint8]
    edits: tuple[str, ...]
    experiment: dict[str, Any]


def save_choices(
    path: Path, choices: NDArray[np.uint8], edits: Sequence[str], experiment: Mapping[str, Any]
) -> None:
    """Write choices ``(T,H,W)`` with the names and settings that give them meaning."""
    path.parent.mkdir(parents=True, exist_ok=True)
    about = json.dumps({"edits": list(edits), "experiment": dict(experiment)})
    with path.open("wb") as file:
        np.savez_compressed(file, choices=choices, about=np.array(about))


def load_choices(path: Path) -> Recorded:
    """Read choices back; nothing in the file is executed.

    Raises:
        DataError: the file is missing or not a choice file.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(str(stored["about"]))
            recorded = Recorded(stored["choices"], tuple(about["edits"]), about["experiment"])
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; pass a .choices.npz that predict wrote.") from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise DataError(f"{path}: not a choice file; pass a .choices.npz of predict.") from error
    choices = recorded.choices
    if choices.ndim != 3 or choices.dtype != np.uint8 or choices.max(initial=0) >= len(recorded[1]):
        raise DataError(
            f"{path}: expected choices (T,H,W) uint8 below {len(recorded.edits)},"
            f" got {choices.dtype} {choices.shape} up to {choices.max(initial=0)}."
        )
    return recorded
