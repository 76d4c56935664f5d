"""Results as files: the picture, its record, its steps in pictures, the page."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from pixelrl.api.notebook import write_page
from pixelrl.api.playing import COMMAND
from pixelrl.config.compose import as_plain
from pixelrl.drawing.filmstrip import draw_filmstrip
from pixelrl.drawing.gif import draw_animation, write_animation
from pixelrl.errors import ConfigError, DataError
from pixelrl.files import write_whole
from pixelrl.images.files import as_bytes, whole_picture, write_image
from pixelrl.images.writing import write_photograph
from pixelrl.intervention.syntax import describe_rule
from pixelrl.records.edit import save as save_record
from pixelrl.records.edit import sign
from pixelrl.records.file import Recorded
from pixelrl.records.write import trace_arrays

if TYPE_CHECKING:
    from pixelrl.api.result import Result

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".bmp": "BMP",
}
"""What a picture may be written as, by its name's ending."""
OPAQUE = {"JPEG", "BMP"}
"""Formats without transparency; it is laid on white."""
LOSS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
}
"""How much may be lost: little, or nothing."""


def save(result: "Result", path: Path) -> Path:
    """Write of a result what a name's ending says.

    Args:
        result: of one picture.
        path: see `Result.save`.

    Raises:
        ConfigError: the ending is none of those.
        DataError: the file cannot be written.
    """
    writers: dict[str, Callable[[Result, Path], None]] = {
        ".choices.npz": _save_record,
        ".strip.png": _save_strip,
        ".gif": _save_animation,
        ".html": _save_page,
        **dict.fromkeys(FORMATS, _save_picture),
    }
    for ending, write in writers.items():
        if path.name.lower().endswith(ending):
            write(result, path)
            return path
    raise ConfigError(f"{path}: expected a name that ends in {', '.join(writers)}.")


def record(result: "Result") -> Recorded:
    """Make the record of a result of one picture: all choices, and who asked for what."""
    if result.played.recorded is not None:
        return result.played.recorded
    experiment, trace = result.policy.experiment, result.played.trace
    return Recorded(
        result.choices.astype(np.uint8),
        result.edits,
        as_plain(experiment),
        {} if trace is None else trace_arrays(trace),
        tuple(sign(describe_rule(rule), COMMAND) for rule in result.rules),
        experiment.task.actions.noop,
    )


def _save_picture(result: "Result", path: Path) -> None:
    """Write the picture: of a file all that it held, else 8 bits, or 16 where gray came so."""
    photograph = result.picture.photograph
    if photograph is not None:
        write_photograph(path, photograph, result.played.frames[-1, 0])
        return
    kind = FORMATS[path.suffix.lower()]
    given = result.image
    if not isinstance(given, Image.Image):
        array = as_bytes(result.samples(result.played.frames[-1])[0])
        given = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
    if kind not in {"PNG", "TIFF"} and given.mode.startswith("I;16"):
        given = Image.fromarray((np.asarray(given) / 257 + 0.5).astype(np.uint8))
    if kind in OPAQUE and given.mode in {"LA", "RGBA"}:
        white = Image.new("RGBA", given.size, "white")
        laid = Image.alpha_composite(white, given.convert("RGBA"))
        given, info = laid.convert(given.mode.removesuffix("A")), given.info
        given.info.update(info)
    profile = given.info.get("icc_profile")
    more = {"icc_profile": profile} if profile and kind != "BMP" else {}
    with whole_picture(path) as part:
        given.save(part, kind, **LOSS.get(kind, {}), **more)


def _save_record(result: "Result", path: Path) -> None:
    recorded = record(result)
    if "frames" not in recorded.arrays:
        frames = as_bytes(result.played.frames[:, 0])
        recorded = recorded._replace(arrays={**recorded.arrays, "frames": frames})
    try:
        save_record(path, recorded)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}.") from error


def _save_strip(result: "Result", path: Path) -> None:
    frames, choices = result.played.frames[:, 0], result.played.choices[:, 0]
    noop = result.policy.module.task.actions.noop
    write_image(path, draw_filmstrip(list(frames), choices, result.edits, noop=noop))


def _save_animation(result: "Result", path: Path) -> None:
    frames, choices = result.played.frames[:, 0], result.played.choices[:, 0]
    noop = result.policy.module.task.actions.noop
    write_animation(path, draw_animation(frames, choices, result.edits, noop))


def _save_page(result: "Result", path: Path) -> None:
    try:
        write_whole(path, write_page(result))
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}.") from error
