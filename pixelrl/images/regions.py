"""Pictures larger than memory: regions of a TIFF, each read when it is asked for.

Of tiles and strips, those that a region meets are unpacked; where samples lie in a row as they are,
the region's own are read and no others. So what is held is a region and one tile or strip.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pixelrl.errors import DataError
from pixelrl.images.decoding import explain_decoding
from pixelrl.images.deep import MOST_SAMPLES, check_length, is_deep, scale_samples, turn_upright
from pixelrl.images.layers import as_layers

Region = tuple[int, int, int, int]
"""First row, first column, row after the last, column after the last: as `rl.boxes.Box`."""

LARGEST = 2**24
"""The most pixels of a packed tile or strip, which is unpacked whole: 16 million."""

MODES: dict[tuple[int, int, tuple[int, ...]], tuple[str, str]] = {
    (0, 1, ()): ("L", "L;I"),
    (1, 1, ()): ("L", "L"),
    (1, 2, (2,)): ("LA", "LA"),
    (2, 3, ()): ("RGB", "RGB"),
    (2, 4, (0,)): ("RGB", "RGBX"),
    (2, 4, (1,)): ("RGBA", "RGBa"),
    (2, 4, (2,)): ("RGBA", "RGBA"),
}
"""What Pillow makes of 8-bit pages, by photometric interpretation, samples of a pixel and the
meaning of those that are no color: its mode, and how the samples lie."""


class Regions(NamedTuple):
    """Hold a file that is open to be read by regions.

    Attributes:
        size: height and width of the upright picture, in pixels.
        read: reads the layers ``(h,w,K)`` of a region, upright, exactly as `read_layers` has them.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "a.tif")
        ...     tifffile.imwrite(file, np.zeros((5, 7), np.uint8))
        ...     with open_regions(file) as regions:
        ...         regions.size
        (5, 7)
    """

    size: tuple[int, int]
    read: Callable[[Region], NDArray[Any]]


@contextmanager
def open_regions(path: Path) -> Iterator[Regions]:
    """Open a TIFF to read it by regions.

    Args:
        path: the file.

    Yields:
        The file.

    Raises:
        DataError: it is missing, damaged, no TIFF, or a TIFF of a kind that cannot be read so.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "a.tif")
        ...     samples = np.arange(6, dtype=np.uint8).reshape(2, 3)
        ...     tifffile.imwrite(file, samples, extratags=[(274, "H", 1, 3, True)])  # upside down
        ...     with open_regions(file) as regions:
        ...         regions.read((0, 1, 2, 3))[..., 0]
        array([[4, 3],
               [1, 0]], dtype=uint8)
    """
    with ExitStack() as stack:
        with explain_decoding(path):
            page: Any = stack.enter_context(tifffile.TiffFile(path)).pages[0]
            _check(page, path)

        def read(region: Region) -> NDArray[Any]:
            with explain_decoding(path):
                return _read(page, region)

        yield Regions(_size(page), read)


def _check(page: Any, path: Path) -> None:  # noqa: ANN401 - tifffile's own
    """Check that a page can be read by regions.

    Raises:
        DataError: it cannot.
        ValueError: it is damaged.
    """
    if why := _refuse(page):
        raise DataError(
            f"{path}: {page.imagewidth}x{page.imagelength} pixels, so many that it is read by"
            f" regions, and {why}; save it as an 8-bit, 16-bit or float TIFF of gray or RGB, in"
            " tiles, or reduce it."
        )
    check_length(page, path)
    try:
        _read(page, (0, 0, 1, 1))
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        named = getattr(page.compression, "name", page.compression)
        raise DataError(
            f"{path}: unpacking {named} needs imagecodecs; pip install 'pixelrl[icc]'."
        ) from error


def _refuse(page: Any) -> str:  # noqa: ANN401 - tifffile's own
    """Say why a page cannot be read by regions; empty if it can."""
    if page.photometric not in {0, 1, 2}:
        return f"its colors are {getattr(page.photometric, 'name', page.photometric)}"
    if page.dtype is None or page.bitspersample not in {8, 16, 32, 64}:
        return f"it has {page.bitspersample} bits a sample"
    if page.axes not in {"YX", "YXS", "SYX"} or page.samplesperpixel > MOST_SAMPLES:
        return f"it has {page.samplesperpixel} samples a pixel ({page.axes})"
    if not is_deep(page) and _layout(page) not in MODES:
        return f"it has {page.samplesperpixel} samples a pixel, of unknown meaning"
    height, width = _segment(page)
    if not page.is_contiguous and height * width > LARGEST:
        return f"it is packed in pieces of {width}x{height} pixels, more than are unpacked at once"
    return ""


def _read(page: Any, region: Region) -> NDArray[Any]:  # noqa: ANN401 - tifffile's own
    """Read a region's layers ``(h,w,K)``, upright."""
    turn = _turn(page)
    samples = _read_lying(page, _lay(region, _size(page), turn))
    layers = scale_samples(samples, page) if is_deep(page) else _unpack(samples, page)
    return np.ascontiguousarray(turn_upright(layers, turn))


def _layout(page: Any) -> tuple[int, int, tuple[int, ...]]:  # noqa: ANN401 - tifffile's own
    further = tuple(int(meaning) for meaning in page.extrasamples or ())
    return int(page.photometric), int(page.samplesperpixel), further


def _unpack(samples: NDArray[Any], page: Any) -> NDArray[Any]:  # noqa: ANN401 - tifffile's own
    """Give 8-bit samples ``(h,w,S)`` the meaning that Pillow gives them."""
    mode, lying = MODES[_layout(page)]
    size = (samples.shape[1], samples.shape[0])
    return as_layers(Image.frombytes(mode, size, samples.tobytes(), "raw", lying))


def _turn(page: Any) -> int:  # noqa: ANN401 - tifffile's own
    return int(page.tags.valueof(274, default=1))


def _size(page: Any) -> tuple[int, int]:  # noqa: ANN401 - tifffile's own
    """Tell height and width, upright."""
    lying = (int(page.imagelength), int(page.imagewidth))
    return lying[::-1] if _turn(page) in {5, 6, 7, 8} else lying


def _lay(region: Region, size: tuple[int, int], turn: int) -> Region:
    """Tell where a region of the upright picture, of this size, lies in the file."""
    top, left, bottom, right = region
    if turn in {3, 4, 7, 8}:
        top, bottom = size[0] - bottom, size[0] - top
    if turn in {2, 3, 6, 7}:
        left, right = size[1] - right, size[1] - left
    return (left, top, right, bottom) if turn in {5, 6, 7, 8} else (top, left, bottom, right)


def _read_lying(page: Any, region: Region) -> NDArray[Any]:  # noqa: ANN401 - tifffile's own
    """Read samples ``(h,w,S)`` as they lie in the file."""
    top, left, bottom, right = region
    planes, _, _, _, together = page.shaped
    found = np.zeros((planes, bottom - top, right - left, together), page.dtype)
    for plane, row, column, piece in _read_pieces(page, region):
        # Where piece and region overlap, counted from the region's corner and from the piece's.
        above, aside = max(row, top), max(column, left)
        below = min(row + piece.shape[0], bottom)
        beyond = min(column + piece.shape[1], right)
        found[plane, above - top : below - top, aside - left : beyond - left] = piece[
            above - row : below - row, aside - column : beyond - column
        ]
    return found[0] if planes == 1 else np.ascontiguousarray(np.moveaxis(found[..., 0], 0, -1))


def _read_pieces(
    page: Any,  # noqa: ANN401 - tifffile's own
    region: Region,
) -> Iterator[tuple[int, int, int, NDArray[Any]]]:
    """Read what a region meets: plane, first row and first column, and samples ``(h,w,S)``."""
    if page.is_contiguous:
        yield from _read_rows(page, region)
        return
    top, left, bottom, right = region
    height, width = _segment(page)
    down, across = -(-page.imagelength // height), -(-page.imagewidth // width)
    tables = {"jpegtables": page.jpegtables} if page.jpegtables else {}
    file = page.parent.filehandle
    for plane in range(page.shaped[0]):
        for y in range(top // height, -(-bottom // height)):
            for x in range(left // width, -(-right // width)):
                index = (plane * down + y) * across + x
                count = page.databytecounts[index]
                if not count:  # it was never written
                    continue
                file.seek(page.dataoffsets[index])
                piece, _, _ = page.decode(file.read(count), index, **tables)
                if piece is not None:
                    rest = page.imagelength - y * height, page.imagewidth - x * width
                    yield plane, y * height, x * width, piece[0, : rest[0], : rest[1]]


def _read_rows(
    page: Any,  # noqa: ANN401 - tifffile's own
    region: Region,
) -> Iterator[tuple[int, int, int, NDArray[Any]]]:
    """Read rows of samples that lie one after the other, not packed."""
    top, left, bottom, right = region
    planes, _, length, width, together = page.shaped
    kind = np.dtype(page.parent.byteorder + page.dtype.char)
    file, start = page.parent.filehandle, page.dataoffsets[0]
    for plane in range(planes):
        for row in range(top, bottom):
            first = ((plane * length + row) * width + left) * together
            file.seek(start + first * kind.itemsize)
            read = file.read((right - left) * together * kind.itemsize)
            yield plane, row, left, np.frombuffer(read, kind).reshape(1, right - left, together)


def _segment(page: Any) -> tuple[int, int]:  # noqa: ANN401 - tifffile's own
    """Tell height and width of a tile or strip."""
    if page.is_tiled:
        return int(page.tilelength), int(page.tilewidth)
    return min(int(page.rowsperstrip), int(page.imagelength)), int(page.imagewidth)
