"""Results as files: the picture, its record, its steps in pictures, the page."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from pixelrl.api.notebook import write_page
from pixelrl.api.playing import COMMAND
from pixelrl.config.compose import as_plain
from pixelrl.drawing.filmstrip import draw_filmstrip
from pixelrl.drawing.gif import draw_animation, write_animation
from pixelrl.errors import ConfigError, DataError
from pixelrl.files import write_whole
from pixelrl.images.deep import turn_upright
from pixelrl.images.exif import ORIENTATION, load_exif, read_exif
from pixelrl.images.files import as_bytes, write_image
from pixelrl.images.formats import BY_SUFFIX, format_of
from pixelrl.images.metadata import Metadata, read_resolution
from pixelrl.images.photograph import Photograph
from pixelrl.images.writing import write_photograph
from pixelrl.intervention.syntax import describe_rule
from pixelrl.records.edit import save as save_record
from pixelrl.records.edit import sign
from pixelrl.records.file import Recorded
from pixelrl.records.write import trace_arrays

if TYPE_CHECKING:
    from pixelrl.api.result import Result


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
        **dict.fromkeys(BY_SUFFIX, _save_picture),
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
    """Write the picture with all that came with it, a file's notes or an image's."""
    photograph, edited = result.picture.photograph, result.played.frames[-1]
    if photograph is not None:
        write_photograph(path, photograph, edited[0])
        return
    samples = result.samples(edited)[0].float()
    gray, clear = len(samples) < 3, len(samples) in {2, 4}
    plain = Metadata(format_of(path).name, "uint8", gray=gray, clear=clear)
    told = _tell(result.image, plain)
    if told.turn != 1:  # an image whose EXIF says that it lies on its side
        upright = turn_upright(samples.movedim(0, -1).numpy(), told.turn)
        samples = torch.from_numpy(np.ascontiguousarray(upright)).movedim(-1, 0)
    colors, alpha = (samples[:-1], samples[-1:]) if clear else (samples, None)
    write_photograph(path, Photograph(colors, None, alpha, told, told.profile), colors)


def _tell(image: Any, plain: Metadata) -> Metadata:  # noqa: ANN401 - of any kind
    """Add what the file of a picture that came from none should say of its depth and origin."""
    if not isinstance(image, Image.Image):
        deep = getattr(image, "dtype", None) == np.uint16
        return replace(plain, kind="uint16") if deep else plain
    exif = read_exif(image)
    return replace(
        plain,
        kind="uint16" if image.mode == "I;16" else "uint8",
        turn=load_exif(exif).get(ORIENTATION, 1),
        exif=exif,
        dpi=read_resolution(image.info),
        profile=image.info.get("icc_profile") or b"",
    )


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
