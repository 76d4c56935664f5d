"""TIFF, written whole or tile by tile."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from pixelrl.images.exif import append_directories, set_orientation, tiff_tags
from pixelrl.images.files import whole_picture
from pixelrl.images.metadata import Kind, Metadata

SMALL = 2**32 - 2**26
"""Pictures of more bytes become BigTIFF, whose places in the file have 64 bits instead of 32."""


def write_tiff(path: Path, array: NDArray[Any], told: Metadata) -> None:
    """Write samples ``(H,W,K)``, K from 1 to 4, as TIFF.

    Args:
        path: the file.
        array: gray or RGB, each perhaps with transparency, which comes last.
        told: its orientation, profile, EXIF, XMP, IPTC and resolution are written too.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> gray = Metadata("TIFF", "uint8", gray=True, clear=False)
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "a.tif")
        ...     write_tiff(file, np.full((2, 3, 1), 7, np.uint8), gray)
        ...     tifffile.imread(file).tolist()
        [[7, 7, 7], [7, 7, 7]]
    """
    channels = array.shape[2]
    tifffile.imwrite(path, array[..., 0] if channels == 1 else array, **_describe(channels, told))
    append_directories(path, told.exif)


def write_tiles(
    path: Path,
    tiles: Iterable[NDArray[Any]],
    side: int,
    shape: tuple[int, int, int],
    told: Metadata,
) -> None:
    """Write a picture as TIFF, tile by tile, whole or not at all; no more than a tile is held.

    Args:
        path: the file; its folder is made.
        tiles: samples ``(h,w,K)``, row by row; those at the right and at the bottom may be smaller.
        side: of a tile in pixels, a multiple of 16.
        shape: (H, W, K) of the picture.
        told: its kind of samples; and its profile, EXIF, XMP, IPTC and resolution are written too.
            The picture is stored upright.

    Raises:
        DataError: the file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> gray = Metadata("TIFF", "uint8", gray=True, clear=False)
        >>> tiles = (np.full((16, width, 1), width, np.uint8) for width in (16, 4))
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "a.tif")
        ...     write_tiles(file, tiles, 16, (16, 20, 1), gray)
        ...     tifffile.imread(file)[0, 14:18].tolist()
        [16, 16, 4, 4]
    """
    channels = shape[2]
    told = replace(told, turn=1, exif=set_orientation(told.exif, 1))
    big = is_big(shape, told.kind)
    with whole_picture(path) as part:
        tifffile.imwrite(
            part,
            (tile[..., 0] if channels == 1 else tile for tile in tiles),
            shape=shape[:2] if channels == 1 else shape,
            dtype=told.kind,
            tile=(side, side),
            bigtiff=big,
            maxworkers=1,  # others would gather tiles
            **_describe(channels, told, directories=not big),
        )
        if not big:
            append_directories(part, told.exif)


def is_big(shape: tuple[int, ...], kind: Kind) -> bool:
    """Tell whether a picture of samples ``(H,W,K)`` becomes a BigTIFF.

    Its tags tell what other TIFFs do, but for EXIF of exposure and place.

    Example:
        >>> is_big((20000, 20000, 3), "uint8"), is_big((40000, 40000, 3), "uint8")
        (False, True)
    """
    count = int(np.prod(shape, dtype=np.int64))
    return count * np.dtype(kind).itemsize > SMALL


def _describe(channels: int, told: Metadata, *, directories: bool = True) -> dict[str, Any]:
    """Name what a TIFF says of its picture, in tifffile's words."""
    more: dict[str, Any] = {"extrasamples": ["unassalpha"]} if channels in {2, 4} else {}
    if told.dpi:
        more |= {"resolution": told.dpi, "resolutionunit": "INCH"}
    return {
        "byteorder": "<",
        "photometric": "rgb" if channels > 2 else "minisblack",
        "planarconfig": "contig" if channels > 1 else None,
        "compression": "zlib",
        "iccprofile": told.profile or None,
        "metadata": None,
        "software": False,
        "extratags": tiff_tags(told.exif, told.turn, told.xmp, told.iptc, directories=directories),
        **more,
    }
