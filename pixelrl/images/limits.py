"""How large an image may be, told from the head of its file before anything is decoded."""

import warnings
from pathlib import Path
from typing import Any

import tifffile
from PIL import Image

from pixelrl.errors import DataError
from pixelrl.images.decoding import hush_decoders, open_picture
from pixelrl.images.deep import is_tiff
from pixelrl.images.folders import explain_refusal

MOST_PIXELS = 2**26
"""The most pixels of an image that is decoded whole: 67 million, a square of 8192."""


def measure_image(path: Path) -> tuple[int, int] | None:
    """Read an image's width and height from the head of its file.

    Returns:
        The sides in pixels, as they lie in the file; None if the head does not tell, which decoders
        then explain better.

    Raises:
        DataError: the file is missing, unreadable, no regular file, or larger than `MOST_PIXELS`.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> measure_image(list_bundled("test")[1])
        (512, 512)
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for
            raise DataError(f"{path}: a pipe or device; expected an image file.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            size = read_size(path)
    except (Image.DecompressionBombError, MemoryError) as error:
        raise DataError(f"{path}: {_too_large()}") from error
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise explain_refusal(path, error) from error
    except DataError:
        raise
    except Exception:  # on damaged files decoders raise whatever they stumble over
        return None
    if size[0] * size[1] > MOST_PIXELS:
        raise DataError(f"{path}: {size[0]}x{size[1]} pixels, {_too_large()}")
    return size


def is_beyond(path: Path) -> bool:
    """Tell whether a file is a TIFF of more pixels than are read at once.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> is_beyond(list_bundled("test")[1])
        False
    """
    try:
        with hush_decoders():
            if not (path.is_file() and is_tiff(path)):
                return False
            width, height = read_size(path)
    except Exception:  # what is wrong with it is told when it is read
        return False
    return width * height > MOST_PIXELS


def read_size(path: Path) -> tuple[int, int]:
    """Read width and height, in pixels, from the head of an image file.

    Raises:
        Exception: whatever decoders raise of damaged files.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> read_size(list_bundled("test")[1])
        (512, 512)
    """
    if is_tiff(path):
        with tifffile.TiffFile(path) as tiff:
            page: Any = tiff.pages[0]
            return int(page.imagewidth), int(page.imagelength)
    with open_picture(path) as opened:
        return opened.size


def _too_large() -> str:
    return f"more than the {MOST_PIXELS / 1e6:.0f} million that are read; cut or reduce it."
