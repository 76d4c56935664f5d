"""Every reader of files, with a real file for each: what is fuzzed by hypothesis and atheris."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import safetensors.torch
import torch
from PIL import Image

from pixelrl.config.compose import compose
from pixelrl.documents import read_json, read_yaml
from pixelrl.errors import PixelRLError
from pixelrl.images.masks import read_mask
from pixelrl.images.metadata import read_metadata
from pixelrl.images.profiles import read_map
from pixelrl.records.file import load_choices
from pixelrl.rl.network import PolicyValueNet
from pixelrl.sweeps.file import read_sweep
from pixelrl.training.checkpoint import read
from pixelrl.training.files import DIGEST, digest_of
from pixelrl.training.official_weights import load_official_weights

PICTURE = (np.arange(32 * 24) % 251).astype(np.uint8).reshape(24, 32)
Read = Callable[[Path], object]


def saved(kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, kind, **options)
    return buffer.getvalue()


def deep(suffix: str) -> bytes:
    return cv2.imencode(suffix, PICTURE.astype(np.uint16) * 257)[1].tobytes()


def arrays() -> bytes:
    buffer = io.BytesIO()
    about = '{"edits": ["a", "b"], "experiment": {"name": "denoising"}, "history": []}'
    np.savez_compressed(buffer, choices=PICTURE[None] % 2, about=np.array(about))
    return buffer.getvalue()


def checkpoint() -> bytes:
    buffer = io.BytesIO()
    about = {"format": 1, "experiment": {"name": "denoising"}, "episode": 3}
    held = {"pixelrl": about, "state_dict": {"a": torch.ones(2, 3)}}
    torch.save({**held, DIGEST: digest_of(held)}, buffer)
    return buffer.getvalue()


def weights() -> bytes:
    about = '{"format": 1, "experiment": {"name": "denoising"}}'
    return safetensors.torch.save({"a": torch.ones(2, 3)}, {"pixelrl": about, "digest": ""})


def read_picture(path: Path) -> object:
    read_metadata(path)
    return read_map(path, "image", 3, "ignore")


def read_weights(path: Path) -> object:
    return load_official_weights(PolicyValueNet(1, 9, width=4), None, path)


def read_recipe(path: Path) -> object:
    return compose("denoising", [path])


def read_told(read: Read) -> Read:
    """Read as those do who name the file themselves."""

    def told(path: Path) -> object:
        try:
            return read(path)
        except (OSError, ValueError) as error:
            raise PixelRLError(f"{path}: {error}") from error

    return told


SWEEP = (
    b"method: random\nmetric: {name: psnr, goal: maximize}\n"
    b"parameters: {x: {min: 0.1, max: 2.0}, y: {values: [1, 2]}}\n"
)
READERS: dict[str, tuple[bytes, Read]] = {
    "a.png": (saved("PNG"), read_picture),
    "b.png": (deep(".png"), read_picture),
    "a.jpg": (saved("JPEG"), read_picture),
    "a.webp": (saved("WEBP"), read_picture),
    "a.tif": (saved("TIFF", compression="tiff_lzw"), read_picture),
    "b.tif": (deep(".tif"), read_picture),
    "a.gif": (saved("GIF"), read_picture),
    "a.bmp": (saved("BMP"), read_picture),
    "a.pgm": (b"P5 32 24 255\n" + PICTURE.tobytes(), read_picture),
    "mask.png": (saved("PNG"), read_mask),
    "a.choices.npz": (arrays(), load_choices),
    "a.npz": (arrays(), read_weights),
    "a.caffemodel": (b"\n\x05IRCNN\xa2\x06\x0a\n\x05layer" * 8, read_weights),
    "a.ckpt": (checkpoint(), read),
    "a.safetensors": (weights(), read),
    "a.json": (b'{"a": [1, {"b": null}], "c": "d"}', read_told(read_json)),
    "a.yaml": (b"a: &x [1, {b: c}]\nd: *x\n", read_told(read_yaml)),
    "recipe.yaml": (b"learning: {rate: 0.01}\ndata: {crop: 24, train: {}}\n", read_recipe),
    "sweep.yaml": (SWEEP, read_sweep),
}
"""A file name, what a good file holds, and who reads it."""


def check_reader(path: Path, content: bytes) -> None:
    """Write a file and read it: it is read, or refused in one line that names it.

    Args:
        path: of a name in `READERS`.
        content: whatever.

    Raises:
        AssertionError: it is refused in another way.
        Exception: what its reader stumbles over.
    """
    path.write_bytes(content)
    try:
        READERS[path.name][1](path)
    except PixelRLError as error:
        told = str(error)
        setting = path.name == "recipe.yaml"  # some name the setting alone
        assert setting or path.name in told, told
        assert "\n" not in told, told
