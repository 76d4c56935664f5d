"""Photographs as files: what came in goes out, as far as the format holds it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixelrl.images.carrying import lay_on_white
from pixelrl.images.deep import turn_upright
from pixelrl.images.exif import set_orientation
from pixelrl.images.files import as_bytes, whole_picture
from pixelrl.images.formats import (
    BMP,
    JPEG,
    PNG,
    PNM,
    TIFF,
    WEBP,
    Format,
    format_of,
    keep_notes,
    kind_in,
)
from pixelrl.images.layers import as_picture
from pixelrl.images.metadata import Kind, Metadata
from pixelrl.images.notes import comment_of, make_segment, png_texts
from pixelrl.images.photograph import Photograph, finish_photograph
from pixelrl.images.png import write_deep_png
from pixelrl.images.tiff import write_tiff

QUALITY = 95
"""Of JPEG, in color as fine as in brightness."""
ROWS = 256
"""So many are rounded at a time, so that a large picture is not held in several copies."""
BACK = {6: 8, 8: 6}
"""The orientations that undo these; all others undo themselves."""


def write_photograph(path: Path, photograph: Photograph, edited: Tensor) -> None:
    """Write an edit of a photograph, whole or not at all.

    The suffix chooses the format. As far as it can, the file has the photograph's size, depth,
    transparency, color profile, EXIF, XMP, IPTC, texts and resolution; in the photograph's own
    format its pixels lie as the photograph's, turned or not.

    Args:
        path: the file; its folder is made.
        photograph: what was edited.
        edited: ``(C,H,W)``, as agents left its ``image``.

    Raises:
        DataError: the file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> from pixelrl.images.metadata import read_metadata
        >>> from pixelrl.images.photograph import read_photograph
        >>> with TemporaryDirectory() as folder:
        ...     file, again = Path(folder, "a.png"), Path(folder, "b.png")
        ...     deep = np.full((2, 3), 300, np.uint16)
        ...     Image.fromarray(deep).save(file, dpi=(96, 96))
        ...     photograph = read_photograph(file, channels=3)
        ...     write_photograph(again, photograph, photograph.image)
        ...     found = read_metadata(again)
        ...     round(65535 * float(read_photograph(again, 1).image[0, 0, 0])), found.kind
        (300, 'uint16')
    """
    samples = finish_samples(photograph, edited.detach().cpu(), format_of(path))
    write_samples(path, samples, photograph.metadata, photograph.profile)


def finish_samples(photograph: Photograph, edited: Tensor, target: Format) -> NDArray[Any]:
    """Make of edits the samples of the picture they are meant for, as a format holds them.

    Args:
        photograph: what was edited, a picture or a region of one.
        edited: ``(C,H,W)``, as agents left its ``image``.
        target: the format.

    Returns:
        ``(H,W,K)``, upright.

    Example:
        >>> gray = Metadata("PNG", "uint8", gray=True, clear=False)
        >>> photograph = Photograph(torch.zeros(1, 1, 2), None, None, gray)
        >>> finish_samples(photograph, torch.full((1, 1, 2), 0.2), PNG)[..., 0]
        array([[51, 51]], dtype=uint8)
    """
    picture, alpha = finish_photograph(photograph, edited), photograph.alpha
    if not target.clear:
        picture, alpha = lay_on_white(picture, alpha), None
    layers = picture if alpha is None else torch.cat([picture, alpha])
    return quantize(layers, kind_in(target, photograph.metadata.kind))


def write_samples(path: Path, samples: NDArray[Any], metadata: Metadata, profile: bytes) -> None:
    """Write a picture and what its file has to say, whole or not at all.

    Args:
        path: the file; its folder is made.
        samples: ``(H,W,K)``, upright, as `finish_samples` makes them.
        metadata: what the picture's own file says.
        profile: ICC profile to embed; empty for none.

    Raises:
        DataError: the file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from pixelrl.images.layers import read_layers
        >>> gray = Metadata("PNG", "uint8", gray=True, clear=False)
        >>> with TemporaryDirectory() as folder:
        ...     write_samples(Path(folder, "a.png"), np.zeros((2, 3, 1), np.uint8), gray, b"")
        ...     read_layers(Path(folder, "a.png")).shape
        (2, 3, 1)
    """
    target = format_of(path)
    # A format that tells nothing cannot say how its pixels lie, and not everyone asks another's.
    same = target.tells and target.name == metadata.format
    turn = metadata.turn if same else 1
    array = np.ascontiguousarray(turn_upright(samples, BACK.get(turn, turn)))
    kept = keep_notes(metadata, target)
    told = replace(kept, turn=turn, exif=set_orientation(kept.exif, turn), profile=profile)
    with whole_picture(path) as part:
        WRITERS[target](part, array, told)


def quantize(picture: Tensor, kind: Kind) -> NDArray[Any]:
    """Turn ``(K,H,W)`` into samples ``(H,W,K)``, clamped and rounded.

    Example:
        >>> quantize(torch.tensor([[[-0.2, 0.3, 1.4]]]), "uint16").flatten().tolist()
        [0, 19661, 65535]
    """
    channels, height, width = picture.shape
    array = np.empty((height, width, channels), kind)
    for top in range(0, height, ROWS):
        array[top : top + ROWS] = _quantize(picture[:, top : top + ROWS], kind)
    return array


def _quantize(picture: Tensor, kind: Kind) -> NDArray[Any]:
    if kind == "uint8":
        return as_bytes(picture)
    value = picture.nan_to_num(0.0).clamp(0, 1).movedim(0, -1).contiguous()
    if kind == "float32":
        return np.asarray(value.numpy())
    return np.asarray((value * 65535 + 0.5).to(torch.int32).numpy().astype(np.uint16))


def _write_png(path: Path, array: NDArray[Any], told: Metadata) -> None:
    if array.dtype == np.uint16:
        write_deep_png(path, array, told)
        return
    texts = png_texts(told.texts, told.iptc, told.xmp)
    as_picture(array).save(path, "PNG", pnginfo=texts, **_common(told))


def _write_jpeg(path: Path, array: NDArray[Any], told: Metadata) -> None:
    notes = {
        "xmp": told.xmp,
        "extra": make_segment(told.iptc),
        "comment": comment_of(told.texts),
    }
    more = {"quality": QUALITY, "subsampling": 0, **_common(told)}
    more |= {name: value for name, value in notes.items() if value}
    as_picture(array).save(path, "JPEG", **more)


def _write_webp(path: Path, array: NDArray[Any], told: Metadata) -> None:
    more = {"lossless": True, "exact": True, "xmp": told.xmp, **_common(told)}
    as_picture(array).save(path, "WEBP", **{name: each for name, each in more.items() if each})


def _write_bmp(path: Path, array: NDArray[Any], told: Metadata) -> None:
    as_picture(array).save(path, "BMP", **({"dpi": told.dpi} if told.dpi else {}))


def _write_pnm(path: Path, array: NDArray[Any], told: Metadata) -> None:
    height, width, channels = array.shape
    top = 255 if array.dtype == np.uint8 else 65535
    head = f"P{5 if channels == 1 else 6}\n{width} {height}\n{top}\n".encode()
    path.write_bytes(head + array.astype(">u2" if top > 255 else "u1").tobytes())


def _common(told: Metadata) -> dict[str, Any]:
    """Name what PNG, JPEG and WebP hold, in Pillow's words, where there is any."""
    found = {"icc_profile": told.profile, "exif": told.exif, "dpi": told.dpi}
    return {name: value for name, value in found.items() if value}


WRITERS: dict[Format, Callable[[Path, NDArray[Any], Metadata], None]] = {
    PNG: _write_png,
    TIFF: write_tiff,
    JPEG: _write_jpeg,
    WEBP: _write_webp,
    BMP: _write_bmp,
    PNM: _write_pnm,
}
