"""Files deeper than 8 bits: PNG, PNM and TIFF, which Pillow cuts to 8 bits or does not open."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pixelrl.images.decoding import open_picture

PNG = b"\x89PNG\r\n\x1a\n"
"""The first eight bytes of a PNG."""

TIFF = frozenset({b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"})
"""The first four bytes of a TIFF, in either order of bytes, small or big."""

MOST_SAMPLES = 8
"""The most samples of a pixel: colors, transparency, and what a tool puts beside them."""


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(512)


def is_tiff(path: Path) -> bool:
    """Tell from a file's first bytes whether it is a TIFF.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> is_tiff(list_bundled("test")[0])
        False
    """
    return _head(path)[:4] in TIFF


def read_deep(path: Path) -> NDArray[Any] | None:
    """Read what is deeper than 8 bits, ``(H,W,K)`` float32 in [0, 1]; None for anything else.

    K is 1 for gray or 3 for RGB, and one more where there is transparency, which comes last.

    The file's first bytes decide, not its suffix.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is damaged or its numbers have no known range; decoders of damaged files may
            raise whatever they stumble over.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "deep.png")
        ...     _ = cv2.imwrite(str(file), np.full((4, 6), 13107, np.uint16))
        ...     read_deep(file).shape, round(float(read_deep(file)[0, 0, 0]), 4)
        ((4, 6, 1), 0.2)
    """
    if is_tiff(path):
        return _deep_tiff(path)
    top = read_deep_kind(path)
    return _deep_other(path, top) if top else None


def read_deep_kind(path: Path) -> int:
    """Tell from a file's first bytes the largest sample of a deep PNG or PNM; 0 for all else.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> read_deep_kind(list_bundled("test")[0])
        0
    """
    head = _head(path)
    if head.startswith(PNG) and head[24:25] == b"\x10":
        return 65535
    levels = re.match(rb"P[56](?:\s+(?:#[^\n]*\n\s*)*(\d+)){3}\s", head)
    # The last of width, height and maximum.
    return int(levels[1]) if levels and int(levels[1]) > 255 else 0


def _deep_other(path: Path, top: int) -> NDArray[Any]:
    """Read PNG and PNM through OpenCV, since Pillow keeps 8 bits of a color image's 16."""
    with open_picture(path) as opened:
        opened.load()  # OpenCV fills up truncated files without a word
        turn, clear = opened.getexif().get(0x0112, 1), opened.info.get("transparency")
    array = _opencv(path)
    if array.shape[2] == 1 and isinstance(clear, int):  # the one gray level that is transparent
        array = np.concatenate([array, np.where(array == clear, 0, top)], axis=2)
    return turn_upright((array / np.float32(top)).astype(np.float32), turn)


def _opencv(path: Path) -> NDArray[Any]:
    """Read samples as they are, ``(H,W,K)``, in the order RGBA."""
    file = path.read_bytes()
    if file.startswith(PNG):
        file = b"".join(_samples_alone(file))
    read = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    if read is None:
        raise ValueError("it cannot be decoded")
    array: NDArray[Any] = np.atleast_3d(np.asarray(read))
    return array if array.shape[2] == 1 else array[..., [2, 1, 0, 3][: array.shape[2]]]


def _samples_alone(png: bytes) -> Iterator[bytes]:
    """Leave out chunks that say nothing of the samples: libpng prints warnings of odd ones."""
    yield PNG
    start = len(PNG)
    while start + 12 <= len(png):
        end = start + 12 + int.from_bytes(png[start : start + 4])
        if png[start + 4 : start + 8] in {b"IHDR", b"tRNS", b"IDAT", b"IEND"}:
            yield png[start:end]
        start = end


def _deep_tiff(path: Path) -> NDArray[Any] | None:
    """Read TIFF through tifffile: OpenCV gets planes, white at zero and orientation wrong."""
    with tifffile.TiffFile(path) as tiff:
        page: Any = tiff.pages[0]
        if not is_deep(page):
            return None
        plain = page.axes in {"YX", "YXS", "SYX"} and page.samplesperpixel <= MOST_SAMPLES
        if page.photometric not in {0, 1, 2} or not plain:
            told = f"{page.photometric!s}, {page.axes}, {page.samplesperpixel} samples a pixel"
            raise ValueError(f"neither gray nor RGB: {told}")
        most = 2 * (Image.MAX_IMAGE_PIXELS or page.imagewidth * page.imagelength)
        if page.imagewidth * page.imagelength > most:
            raise Image.DecompressionBombError(f"more than {most} pixels")
        check_length(page, path)
        turn = int(page.tags.valueof(274, default=1))
        plain = page.axes != "SYX" and turn == 1 and page.photometric != 0
        if page.compression == 5 and plain:  # LZW, which tifffile alone cannot unpack
            array = _opencv(path)
        else:
            read = page.asarray()
            array = np.moveaxis(read, 0, -1) if page.axes == "SYX" else np.atleast_3d(read)
        return turn_upright(scale_samples(array, page), turn)


def is_deep(page: Any) -> bool:  # noqa: ANN401 - tifffile's own
    """Tell whether a TIFF's page has samples that Pillow does not open, or cuts.

    Example:
        >>> from io import BytesIO
        >>> held = BytesIO()
        >>> tifffile.imwrite(held, np.array([[0, 13107]], np.uint16), photometric="minisblack")
        >>> _ = held.seek(0)
        >>> with tifffile.TiffFile(held) as tiff:
        ...     is_deep(tiff.pages[0])
        True
    """
    return page.dtype is not None and (page.dtype.itemsize > 1 or page.dtype.kind == "i")


def check_length(page: Any, path: Path) -> None:  # noqa: ANN401 - tifffile's own
    """Check that a TIFF's file holds all of its page.

    Raises:
        ValueError: it does not.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "a.tif")
        ...     tifffile.imwrite(file, np.zeros((4, 6), np.uint16))
        ...     with tifffile.TiffFile(file) as tiff:
        ...         check_length(tiff.pages[0], file)
    """
    ends = (a + b for a, b in zip(page.dataoffsets, page.databytecounts, strict=True))
    if max(ends, default=0) > path.stat().st_size:
        raise ValueError("it is cut short")


def scale_samples(array: NDArray[Any], page: Any) -> NDArray[Any]:  # noqa: ANN401 - tifffile's own
    """Make of a deep page's samples, or some of them, what `read_deep` answers.

    Args:
        array: ``(h,w,S)`` as they lie in the file.
        page: tells what they mean.

    Returns:
        ``(h,w,K)`` float32 in [0, 1], not turned.

    Raises:
        ValueError: numbers have no known range.

    Example:
        >>> from io import BytesIO
        >>> held = BytesIO()
        >>> tifffile.imwrite(held, np.array([[0, 13107]], np.uint16), photometric="minisblack")
        >>> _ = held.seek(0)
        >>> with tifffile.TiffFile(held) as tiff:
        ...     page = tiff.pages[0]
        ...     scale_samples(page.asarray()[..., None], page)[0, :, 0].round(3).tolist()
        [0.0, 0.20000000298023224]
    """
    array = _unit(array, page.bitspersample)
    colors = 3 if page.photometric == 2 else 1
    value = 1 - array[..., :1] if page.photometric == 0 else array[..., :colors]
    if page.extrasamples and page.extrasamples[0] in {1, 2}:
        alpha = array[..., colors : colors + 1]
        if page.extrasamples[0] == 1:  # premultiplied
            value = np.divide(value, alpha, out=np.zeros_like(value), where=alpha > 0)
        value = np.concatenate([value, alpha], axis=2)
    return value.clip(0, 1)


def _unit(array: NDArray[Any], bits: int) -> NDArray[Any]:
    """Scale whole numbers to [0, 1]; floats have to be there already."""
    if array.dtype.kind == "u":
        return (array / np.float32(2**bits - 1)).astype(np.float32)
    if array.dtype.kind != "f":
        raise ValueError(f"samples of type {array.dtype} have no known range")
    if not (array.min() >= 0 and array.max() <= 1):  # phrased so that NaN fails
        raise ValueError("samples outside [0, 1]")
    return array.astype(np.float32)


def turn_upright(array: NDArray[Any], turn: int) -> NDArray[Any]:
    """Turn ``(H,W,K)`` as the orientation tag of EXIF and TIFF says, 1 to 8.

    Example:
        >>> lying = np.array([[[1], [2]]])
        >>> turn_upright(lying, 6)[..., 0].tolist(), turn_upright(lying, 8)[..., 0].tolist()
        ([[1], [2]], [[2], [1]])
    """
    if turn in {5, 6, 7, 8}:
        array = array.swapaxes(0, 1)
    if turn in {2, 3, 6, 7}:
        array = array[:, ::-1]
    return array[::-1] if turn in {3, 4, 7, 8} else array
