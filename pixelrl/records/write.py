"""The files of one edited image: result, filmstrip, record and animation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixelrl.config.compose import Experiment, as_plain
from pixelrl.drawing.filmstrip import draw_filmstrip
from pixelrl.drawing.gif import draw_animation, write_animation
from pixelrl.images.files import as_bytes, whole_picture, write_image
from pixelrl.maps import Scene
from pixelrl.records.file import Recorded, save_choices
from pixelrl.rl.trace import Edited, Trace

MOST = 65504.0
"""The largest number of float16."""

CHOICES, STRIP, GIF = ".choices.npz", ".strip.png", ".gif"
BESIDE = (CHOICES, STRIP, GIF)
"""How the files end that show how an image came about."""
KINDS = (".png", STRIP, GIF, CHOICES)
"""What the files of an image are called, after its name."""


def write_record(
    directory: Path,
    name: str,
    edited: Edited,
    scene: Scene,
    experiment: Experiment,
    profile: bytes = b"",
) -> None:
    """Write a batch's first image: ``NAME.png``, ``.strip.png``, ``.gif`` and ``.choices.npz``.

    Args:
        directory: where they are written.
        name: the image's.
        edited: with its trace.
        scene: what was edited, ``(B,K,H,W)`` each.
        experiment: the settings, to be stored with the choices.
        profile: ICC profile to embed in ``NAME.png``; empty for none.

    Raises:
        DataError: a file cannot be written.
        TypeError: the image was edited without keeping its trace.
    """
    files = {kind: directory / f"{name}{kind}" for kind in BESIDE}
    write_beside(files, edited, scene, experiment)
    write_image(directory / f"{name}.png", edited.image[0], profile)


def write_beside(
    files: Mapping[str, Path],
    edited: Edited,
    scene: Scene,
    experiment: Experiment,
    history: Sequence[Mapping[str, Any]] = (),
    *,
    lean: bool = False,
) -> None:
    """Write what shows how a batch's first image came about, each file whole or not at all.

    Args:
        files: by their kind, those of `BESIDE` that are wanted.
        edited: with its trace, unless no file is wanted.
        scene: what was edited, ``(B,K,H,W)`` each.
        experiment: the settings, to be stored with the choices.
        history: who had a say in the choices, as `edit.sign` makes entries.
        lean: whether the record holds the choices alone, a tenth of what it would be, enough for
            `replay`.

    Raises:
        DataError: a file cannot be written.
        TypeError: the image was edited without keeping its trace.
    """
    if not files:
        return
    if edited.trace is None:
        raise TypeError("an image was edited without keeping its trace.")
    choices, frames = edited.choices[:, 0].cpu(), edited.trace.frames
    names, noop = experiment.task.actions.names, experiment.task.actions.noop
    target = scene.get("target")
    if path := files.get(CHOICES):
        recorded = Recorded(
            choices.to(torch.uint8).numpy().astype(np.uint8),
            names,
            as_plain(experiment),
            {} if lean else trace_arrays(edited.trace, target),
            tuple(history),
            noop,
        )
        save_choices(path, recorded)
    if path := files.get(STRIP):
        shown = None if target is None else target[0].cpu()
        write_image(path, draw_filmstrip(list(frames[:, 0]), choices, names, shown, noop=noop))
    if path := files.get(GIF):
        with whole_picture(path) as part:
            write_animation(part, draw_animation(frames[:, 0], choices, names, noop))


def trace_arrays(trace: Trace, target: Tensor | None = None) -> dict[str, NDArray[Any]]:
    """Turn the trace of a batch's first image into arrays as records hold them.

    Args:
        trace: of an episode.
        target: ``(B,C,H,W)``, if there is one.

    Returns:
        Arrays by name, as `file.ARRAYS` describes them.
    """
    maps = {"entropy": trace.entropy, "value": trace.value, "reward": trace.reward}
    held: dict[str, NDArray[Any]] = {
        name: as_halves(value[:, 0]) for name, value in maps.items() if value is not None
    }
    if trace.doubt is not None:
        held["doubt"] = as_halves(trace.doubt[0])
    held["frames"] = as_bytes(trace.frames[:, 0])
    if target is not None:
        held["target"] = as_bytes(target[0])
    return held


def as_halves(values: Tensor) -> NDArray[np.float16]:
    """Turn numbers into float16, any shape; what that cannot hold is clamped."""
    array: NDArray[np.float16] = values.clamp(-MOST, MOST).half().cpu().numpy()
    return array
