"""What decoders say about files they stumble over, as one line that names the file."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import (  # what `FORMATS` needs; Pillow would look through all that it has
    Image,
    ImageFile,
    Jpeg2KImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from pixelrl.errors import DataError
from pixelrl.images.folders import explain_refusal

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000")
"""What is read, whatever a file's suffix says. Not PostScript: Pillow has another program run it,
and a file of that kind may be named like a photograph."""


def open_picture(path: Path) -> ImageFile.ImageFile:
    """Open an image file of a kind in `FORMATS`, without decoding it.

    Raises:
        OSError: it is missing, unreadable or of no such kind; what Pillow raises of damaged files
            may be anything.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> with open_picture(list_bundled("test")[0]) as picture:
        ...     picture.format, picture.size
        ('PNG', (512, 512))
    """
    return Image.open(path, formats=FORMATS)


@contextmanager
def explain_decoding(path: Path) -> Iterator[None]:
    """Turn whatever decoding a file raises into one line.

    Args:
        path: the file.

    Raises:
        DataError: the file is missing, unreadable, damaged or no image.

    Example:
        >>> with explain_decoding(Path("photo.png")):
        ...     raise ValueError("it is cut short")
        Traceback (most recent call last):
        pixelrl.errors.DataError: photo.png: a damaged or unknown image (it is cut short); remove \
it or replace it.
    """
    try:
        with hush_decoders():
            yield
    except DataError:
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise explain_refusal(path, error) from error
    except UnidentifiedImageError as error:
        what = "an empty file" if path.stat().st_size == 0 else "not an image"
        raise DataError(f"{path}: {what}; remove it or replace it.") from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: too large an image ({error}); cut or reduce it.") from error
    except Exception as error:  # on damaged files decoders raise whatever they stumble over
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: a damaged or unknown image ({reason}); remove it or replace it."
        ) from error


@contextmanager
def hush_decoders() -> Iterator[None]:
    """Keep in what decoders warn of and log; what matters, they raise.

    Example:
        >>> with hush_decoders():
        ...     warnings.warn("a strange tag", stacklevel=1)
    """
    loggers = [logging.getLogger(name) for name in ("PIL", "tifffile")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
