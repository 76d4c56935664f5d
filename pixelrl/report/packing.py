"""Turn a record into text that a page carries: compressed bytes and pictures, in base64.

Choices are exact at any size: the page tells a pixel's whole history. Pictures are exact up to
`EXACT` pixels. Layers are told to 1/255 of their range; of very large records, as means over blocks
of pixels.
"""

import base64
import io
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pixelrl.records.file import Recorded

EXACT = 2**19
"""Pixels up to which pictures are stored without loss."""
SMOOTH_SHARE = 99.5
"""Value and reward are shown up to this percentile of their size."""
ROOM = 4_000_000
"""Numbers of a layer that are kept, over all steps; of more, blocks of pixels are averaged."""
THUMBNAIL = 192
"""Longest side of a gallery picture, in pixels."""
SHOWN = ("entropy", "value", "reward", "doubt")
"""The layers that are shown; doubt is one for all steps."""
WEBP_SIDE = 16383
"""The longest side that WebP can have."""


@dataclass(frozen=True)
class Blob:
    """Hold one piece of an image's data.

    Attributes:
        kind: ``choices``, ``frames``, ``target``, or a layer of `SHOWN`.
        step: counted from zero.
        text: base64 of a picture's file, or of zlib's compressed bytes.
    """

    kind: str
    step: int
    text: str


def describe(recorded: Recorded) -> dict[str, Any]:
    """Tell the page what it needs to know of an image before its data is unpacked.

    Args:
        recorded: with its frames.

    Returns:
        Plain values: size, steps, shares of the edits ``(T,A)``, each layer's range and block, and
        a thumbnail as a data URI.
    """
    length, height, width = recorded.choices.shape
    actions = len(recorded.edits)
    flat = recorded.choices.reshape(length, -1)
    shares = [np.bincount(row, minlength=actions) / row.size for row in flat]
    return {
        "width": width,
        "height": height,
        "steps": length,
        "shares": [[round(float(share), 5) for share in row] for row in shares],
        "layers": {
            name: _range(name, recorded) for name in SHOWN if name in recorded.arrays
        },
        "target": "target" in recorded.arrays,
        "exact": height * width <= EXACT,
        "thumbnail": _thumbnail(recorded.arrays["frames"][-1]),
    }  # fmt: skip


def pack(recorded: Recorded) -> Iterator[Blob]:
    """Compress an image's data, piece by piece.

    Args:
        recorded: with its frames.

    Yields:
        The pieces; of choices and layers one per step, of frames one more.
    """
    for step, choice in enumerate(recorded.choices):
        yield Blob("choices", step, _squeezed(choice))
    for step, frame in enumerate(recorded.arrays["frames"]):
        yield Blob("frames", step, _picture(frame))
    if "target" in recorded.arrays:
        yield Blob("target", 0, _picture(recorded.arrays["target"]))
    for name in SHOWN:
        if name in recorded.arrays:
            about = _range(name, recorded)
            layers = recorded.arrays[name]
            for step, layer in enumerate(layers[None] if layers.ndim == 2 else layers):
                yield Blob(name, step, _squeezed(levels(layer, **about)))


def block(shape: tuple[int, ...]) -> int:
    """Choose the side of the blocks that a layer ``(T,H,W)`` is averaged over; 1 keeps all."""
    return max(1, math.ceil(math.sqrt(math.prod(shape) / ROOM)))


def levels(layer: NDArray[np.float16], low: float, high: float, block: int) -> NDArray[np.uint8]:
    """Express a layer in 256 levels.

    Args:
        layer: ``(H,W)``.
        low: what level 0 stands for; smaller numbers get it too.
        high: what level 255 stands for, above ``low``; larger numbers get it too.
        block: side of the blocks that are averaged; those at the right and lower border are filled
            up with the border's pixels.

    Returns:
        ``(ceil(H/block),ceil(W/block))``.
    """
    values = np.nan_to_num(layer.astype(np.float32), nan=0.0)
    height, width = values.shape
    filled = np.pad(values, ((0, -height % block), (0, -width % block)), "edge")
    rows, columns = filled.shape[0] // block, filled.shape[1] // block
    means = filled.reshape(rows, block, columns, block).mean((1, 3))
    share = (means.clip(low, high) - low) / (high - low)
    rounded: NDArray[np.uint8] = (share * 255 + 0.5).astype(np.uint8)
    return rounded


def _range(name: str, recorded: Recorded) -> dict[str, Any]:
    """Choose what levels 0 and 255 stand for: all of an entropy, or what is common of the rest."""
    layer = recorded.arrays[name]
    if name == "entropy":
        low, high = 0.0, math.log(len(recorded.edits))
    else:
        some = np.abs(layer.ravel()[:: max(1, layer.size // 1_000_000)].astype(np.float32))
        reached = float(np.nanpercentile(some, SMOOTH_SHARE))
        high = reached if math.isfinite(reached) and reached > 0 else 1.0
        low = 0.0 if name == "doubt" else -high
    return {"low": low, "high": high, "block": block(layer.shape)}


def _squeezed(array: NDArray[np.uint8]) -> str:
    return _text(zlib.compress(np.ascontiguousarray(array).tobytes(), 6))


def _picture(array: NDArray[np.uint8]) -> str:
    """Write ``(H,W,C)`` as a picture: WebP, without loss if it is small, or PNG if it is huge."""
    file = io.BytesIO()
    height, width = array.shape[:2]
    if max(height, width) > WEBP_SIDE:
        _image(array).save(file, "PNG")
    elif height * width <= EXACT:
        _image(array).save(file, "WEBP", lossless=True, quality=20, method=1)
    else:
        _image(array).save(file, "WEBP", quality=90, method=2)
    return _text(file.getvalue())


def _thumbnail(array: NDArray[np.uint8]) -> str:
    image = _image(array).convert("RGB")
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=80)
    return f"data:image/webp;base64,{_text(file.getvalue())}"


def _image(array: NDArray[np.uint8]) -> Image.Image:
    """Make ``(H,W,C)`` a picture; other than three channels are shown as their mean."""
    if array.shape[2] == 3:
        return Image.fromarray(array)
    gray = array[..., 0] if array.shape[2] == 1 else array.mean(2).round().astype(np.uint8)
    return Image.fromarray(gray)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
