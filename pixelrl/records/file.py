"""Recorded choices as files: what every pixel did, readable, alterable, and enough to replay."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pixelrl.documents import SMALL
from pixelrl.errors import DataError
from pixelrl.files import whole_file
from pixelrl.images.archives import Head, TooLargeError, read_heads
from pixelrl.images.limits import MOST_PIXELS
from pixelrl.records.packing import MEASURES, pack_arrays, unpack_arrays

Arrays = Mapping[str, NDArray[Any]]
"""What an episode looked like besides its choices, by the names of `ARRAYS`."""

ARRAYS = {
    "entropy": "(T,H,W) float16, of the policy before the step, nats",
    "value": "(T,H,W) float16, the return expected before the step",
    "reward": "(T,H,W) float16, the reward of the step",
    "doubt": "(H,W) float16, how far off agents expect their goal to be, gray levels",
    "frames": "(T+1,H,W,C) uint8, the image before the first step and after each",
    "target": "(H,W,C) uint8, what the image should have become",
    "original": "(T,H,W) uint8, the choices as first recorded, before somebody altered them",
}
"""The arrays a record may hold, and what they are; the file tells it too."""


class Recorded(NamedTuple):
    """Hold an episode's choices on one image.

    Attributes:
        choices: ``(T,H,W)`` uint8, counting into ``edits``.
        edits: the edits' names.
        experiment: the settings of the experiment, as `config.plain` describes them.
        arrays: those of `ARRAYS` that were recorded; none in files of pixelrl 0.1.0 and in choices
            saved without any.
        history: who changed what, in order, as `edit` and `syntax.describe_rule` describe it.
        noop: which of the edits does nothing, if one does.
    """

    choices: NDArray[np.uint8]
    edits: tuple[str, ...]
    experiment: dict[str, Any]
    arrays: Arrays = MappingProxyType({})
    history: tuple[Mapping[str, Any], ...] = ()
    noop: str | None = None


def save_choices(path: Path, recorded: Recorded) -> None:
    """Write choices ``(T,H,W)`` with what gives them meaning, whole or not at all.

    Args:
        path: the file; its folder is made.
        recorded: what to write. Arrays of choices that were altered tell of another episode; leave
            them out.
    """
    about = {
        "edits": list(recorded.edits),
        "experiment": dict(recorded.experiment),
        "layers": {name: ARRAYS[name] for name in recorded.arrays},
        "history": [dict(entry) for entry in recorded.history],
        "noop": recorded.noop,
    }
    packed, scales = pack_arrays(recorded.arrays)
    about["scales"] = scales
    held: dict[str, Any] = {"about": np.array(json.dumps(about)), **packed}
    with whole_file(path) as part:
        np.savez_compressed(part, choices=np.asfortranarray(recorded.choices), **held)


def load_choices(path: Path, *, with_arrays: bool = False) -> Recorded:
    """Read choices back; nothing in the file is executed.

    Args:
        path: the file.
        with_arrays: whether to read the other arrays too, which are most of the file.

    Returns:
        What was recorded.

    Raises:
        DataError: the file is missing or not a choice file.
    """
    try:
        heads = read_heads(path)
        _check_sizes(path, heads)
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(str(stored["about"]))
            wanted = [name for name in ARRAYS if with_arrays and name in stored]
            packed = {name: stored[name] for name in wanted}
            scales = about.get("scales", {})
            if odd := [name for name in packed if _is_unscaled(name, packed[name], scales)]:
                raise DataError(f"{path}: expected {odd[0]} {ARRAYS[odd[0]]}, got whole numbers.")
            arrays = unpack_arrays(packed, scales)
            edits = tuple(_texts(about["edits"]))
            # Files of pixelrl 0.1.0 do not tell; there, built-in tasks called it so.
            noop = about.get("noop", "keep" if "keep" in edits else None)
            history = tuple(dict(entry) for entry in about.get("history", ()))
            recorded = Recorded(
                np.ascontiguousarray(stored["choices"]),
                edits,
                dict(about["experiment"]),
                arrays,
                history,
                noop,
            )
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; pass a .choices.npz that predict wrote.") from error
    except TooLargeError as error:
        raise DataError(f"{path}: {error}; pass a .choices.npz of predict.") from error
    except DataError:
        raise
    except Exception as error:  # on damaged files NumPy raises whatever it stumbles over
        raise DataError(f"{path}: not a choice file; pass a .choices.npz of predict.") from error
    if (top := recorded.choices.max(initial=0)) >= len(edits):
        raise DataError(f"{path}: expected choices below {len(edits)}, got some up to {top}.")
    return recorded


def _check_sizes(path: Path, heads: Mapping[str, Head]) -> None:
    """Refuse a file whose arrays are not what they should be, before one of them is read.

    Raises:
        DataError: one is of another shape or type, or of more pixels than images may have.
        KeyError: the file has no choices.
        TooLargeError: what it says of itself is longer than such texts are.
    """
    shape, kind = heads["choices"]
    if len(shape) != 3 or kind != np.uint8:
        raise DataError(f"{path}: expected choices (T,H,W) uint8, got {kind} {shape}.")
    if shape[1] * shape[2] > MOST_PIXELS:
        raise DataError(
            f"{path}: choices of {shape[2]}x{shape[1]} pixels, more than the"
            f" {MOST_PIXELS / 1e6:.0f} million of the largest images."
        )
    if heads["about"].bytes > 4 * SMALL:  # a character takes four bytes here
        raise TooLargeError("its settings are larger than such texts are")
    for name in ARRAYS:
        if name in heads:
            _check(path, name, heads[name], shape)


def _texts(told: object) -> list[str]:
    """Take a list of names from what a file tells.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(told, list) or not all(isinstance(each, str) for each in told):
        raise TypeError("expected a list of names")
    return told


def _is_unscaled(name: str, array: NDArray[Any], scales: Mapping[str, Any]) -> bool:
    return name in MEASURES and array.dtype == np.uint8 and name not in scales


def _check(path: Path, name: str, array: Head, shape: tuple[int, ...]) -> None:
    """Refuse an array that is not of the size of its choices ``(T,H,W)``."""
    length, *size = shape
    kind, fits = {
        "frames": ("uint8", array.shape[:-1] == (length + 1, *size) and array.shape[-1] in {1, 3}),
        "target": ("uint8", array.shape[:-1] == (*size,) and array.shape[-1] in {1, 3}),
        "original": ("uint8", array.shape == shape),
        "doubt": ("float16", array.shape == (*size,)),
    }.get(name, ("float16", array.shape == shape))
    kinds = {kind, "uint8"} if name in MEASURES else {kind}  # in levels, as `packing` has them
    if not fits or str(array.dtype) not in kinds:
        raise DataError(
            f"{path}: expected {name} {ARRAYS[name]}, with choices {shape},"
            f" got {array.dtype} {array.shape}; run predict or evaluate again."
        )
