"""Recorded choices as files: what every pixel did, readable, alterable, and enough to replay."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pixelrl.errors import DataError

Layers = Mapping[str, NDArray[Any]]
"""What an episode looked like besides its choices, by the names of `LAYERS`."""

LAYERS = {
    "entropy": "(T,H,W) float16, of the policy before the step, nats",
    "value": "(T,H,W) float16, the return expected before the step",
    "reward": "(T,H,W) float16, the reward of the step",
    "doubt": "(H,W) float16, how far off agents expect their goal to be, gray levels",
    "frames": "(T+1,H,W,C) uint8, the image before the first step and after each",
    "target": "(H,W,C) uint8, what the image should have become",
    "original": "(T,H,W) uint8, the choices as first recorded, before somebody altered them",
}
"""The layers a record may hold, and what they are; the file tells it too."""


class Recorded(NamedTuple):
    """Hold an episode's choices on one image.

    Attributes:
        choices: ``(T,H,W)`` uint8, counting into ``edits``.
        edits: the edits' names.
        experiment: the settings of the experiment, as `config.plain` describes them.
        layers: those of `LAYERS` that were recorded; none in files of pixelrl 0.1.0 and in choices
            saved without any.
        history: who changed what, in order, as `edit` and `syntax.describe_rule` describe it.
        noop: which of the edits does nothing, if one does.
    """

    choices: NDArray[np.uint8]
    edits: tuple[str, ...]
    experiment: dict[str, Any]
    layers: Layers = MappingProxyType({})
    history: tuple[Mapping[str, Any], ...] = ()
    noop: str | None = None


def save_choices(path: Path, recorded: Recorded) -> None:
    """Write choices ``(T,H,W)`` with the names and settings that give them meaning.

    Args:
        path: the file; its folder is made.
        recorded: what to write. Layers of choices that were altered tell of another episode; leave
            them out.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "edits": list(recorded.edits),
        "experiment": dict(recorded.experiment),
        "layers": {name: LAYERS[name] for name in recorded.layers},
        "history": [dict(entry) for entry in recorded.history],
        "noop": recorded.noop,
    }
    held: dict[str, Any] = {"about": np.array(json.dumps(about)), **recorded.layers}
    with path.open("wb") as file:
        np.savez_compressed(file, choices=recorded.choices, **held)


def load_choices(path: Path, *, with_layers: bool = False) -> Recorded:
    """Read choices back; nothing in the file is executed.

    Args:
        path: the file.
        with_layers: whether to read the layers too, which are most of the file.

    Returns:
        What was recorded.

    Raises:
        DataError: the file is missing or not a choice file.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(str(stored["about"]))
            wanted = [name for name in LAYERS if with_layers and name in stored]
            layers = {name: stored[name] for name in wanted}
            edits = tuple(about["edits"])
            # Files of pixelrl 0.1.0 do not tell; there, built-in tasks called it so.
            noop = about.get("noop", "keep" if "keep" in edits else None)
            history = tuple(dict(entry) for entry in about.get("history", ()))
            recorded = Recorded(
                stored["choices"], edits, about["experiment"], layers, history, noop
            )
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
    for name, layer in recorded.layers.items():
        _check(path, name, layer, choices.shape)
    return recorded


def _check(path: Path, name: str, layer: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Refuse a layer that is not of the size of its choices ``(T,H,W)``."""
    length, *size = shape
    kind, fits = {
        "frames": ("uint8", layer.shape[:-1] == (length + 1, *size)),
        "target": ("uint8", layer.shape[:-1] == (*size,)),
        "original": ("uint8", layer.shape == shape),
        "doubt": ("float16", layer.shape == (*size,)),
    }.get(name, ("float16", layer.shape == shape))
    if not fits or str(layer.dtype) != kind:
        raise DataError(
            f"{path}: expected {name} {LAYERS[name]}, with choices {shape},"
            f" got {layer.dtype} {layer.shape}; run predict or evaluate again."
        )
