"""The files of one edited image: result, filmstrip, record and animation."""

from pathlib import Path

import numpy as np
import torch

from pixelrl.config.compose import Experiment, plain
from pixelrl.drawing.filmstrip import filmstrip
from pixelrl.drawing.gif import animation, write_animation
from pixelrl.images.files import write_image
from pixelrl.maps import Scene
from pixelrl.records.file import save_choices
from pixelrl.rl.trace import arrays
from pixelrl.training.module import Edited

KINDS = (".png", ".strip.png", ".gif", ".choices.npz")
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
        edited: with its layers.
        scene: what was edited, ``(B,K,H,W)`` each.
        experiment: the settings, to be stored with the choices.
        profile: ICC profile to embed in ``NAME.png``; empty for none.
    """
    if edited.layers is None:
        raise TypeError("an image was edited without keeping its layers.")
    choices, frames = edited.choices[:, 0].cpu(), edited.layers.frames
    names = experiment.task.actions.names
    target = scene.get("target")
    shown = None if target is None else target[0].cpu()
    write_image(directory / f"{name}.png", edited.image[0], profile)
    strip = filmstrip(list(frames[:, 0]), choices, names, shown)
    write_image(directory / f"{name}.strip.png", strip)
    write_animation(directory / f"{name}.gif", animation(frames[:, 0], choices, names))
    save_choices(
        directory / f"{name}.choices.npz",
        choices.to(torch.uint8).numpy().astype(np.uint8),
        names,
        plain(experiment),
        arrays(edited.layers, target),
    )
