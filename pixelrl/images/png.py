"""PNG of 16 bits a sample, which Pillow writes in gray alone."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelrl.images.metadata import Metadata
from pixelrl.images.notes import png_texts

COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's numbers for gray, gray with transparency, RGB, RGB with transparency."""


def write_deep_png(path: Path, array: NDArray[Any], told: Metadata) -> None:
    """Write samples ``(H,W,K)`` uint16, K from 1 to 4, as PNG (ISO/IEC 15948).

    Args:
        path: the file.
        array: gray or RGB, each perhaps with transparency, which comes last.
        told: its profile, EXIF, XMP, IPTC, texts and resolution are written too.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "a.png")
        ...     deep = Metadata("PNG", "uint16", gray=True, clear=False)
        ...     write_deep_png(file, np.full((2, 3, 1), 300, np.uint16), deep)
        ...     Image.open(file).getpixel((0, 0))
        300
    """
    height, width, channels = array.shape
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, COLOR_TYPES[channels], 0, 0, 0))]
    if told.profile:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(told.profile)))
    if told.dpi:
        meter = [round(each / 0.0254) for each in told.dpi]
        chunks.append((b"pHYs", struct.pack(">IIB", *meter, 1)))
    texts = png_texts(told.texts, told.iptc, told.xmp).chunks
    chunks += [(bytes(kind), bytes(body)) for kind, body, *_ in texts]
    if told.exif:
        chunks.append((b"eXIf", told.exif.removeprefix(b"Exif\0\0")))
    chunks += [(b"IDAT", zlib.compress(_filter_rows(array), 6)), (b"IEND", b"")]
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, body in chunks:
            checked = zlib.crc32(kind + body)
            file.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checked))


def _filter_rows(array: NDArray[Any]) -> bytes:
    """Tell each byte by its difference from that of the pixel before, which compresses better."""
    height, width, channels = array.shape
    rows = array.astype(">u2").view(np.uint8).reshape(height, width * channels * 2)
    told = np.empty((height, 1 + rows.shape[1]), np.uint8)
    told[:, 0] = 1  # the filter called Sub
    told[:, 1:] = rows
    told[:, 1 + 2 * channels :] -= rows[:, : -2 * channels]
    return told.tobytes()
