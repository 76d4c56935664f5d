"""Mask files, read in one way for data, rules and the studio.

White is inside, black outside, gray in between: a share for what takes shares, and inside from one
half on for what takes yes or no. Whatever could mean several things is refused and never guessed:
colors, labels, transparency, and masks without a border between inside and outside.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pixelrl.errors import DataError
from pixelrl.images.decoding import hush_decoders, open_picture
from pixelrl.images.files import read_array
from pixelrl.images.limits import measure_image

HALF = 0.5
"""Pixels of this brightness and more are inside."""

COLORED = 24 / 255
"""Channels that differ by more are a color; JPEG makes gray differ by less."""


def read_mask(path: Path) -> NDArray[Any]:
    """Read a mask file.

    Returns:
        ``(H,W,1)``: uint8, or float32 in [0, 1] for files deeper than 8 bits.

    Raises:
        DataError: the file is unreadable, or none of the masks that have one meaning.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "mask.png")
        ...     Image.fromarray(np.array([[0, 255]], np.uint8)).save(file)
        ...     read_mask(file)[..., 0]
        array([[  0, 255]], dtype=uint8)
    """
    measure_image(path)
    array = read_array(path, 3)
    return check_mask(array, str(path), transparent=_is_transparent(path))


def check_mask(array: NDArray[Any], name: str, *, transparent: bool = False) -> NDArray[Any]:
    """Check that a picture is a mask of one meaning.

    Args:
        array: ``(H,W,K)`` uint8, or float32 in [0, 1].
        name: what to call it in errors, such as its file.
        transparent: whether the picture it comes from can be seen through.

    Returns:
        Its gray levels, ``(H,W,1)``, of the same type.

    Raises:
        DataError: it has colors or transparency, or nothing or everything is inside.

    Example:
        >>> labels = np.array([[[0], [1], [2]]], np.uint8)
        >>> check_mask(labels, "labels.png")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        pixelrl.errors.DataError: labels.png: nothing in this mask is white: its brightest ...
    """
    full = 255 if array.dtype == np.uint8 else 1
    if transparent:
        raise DataError(
            f"{name}: a mask with transparency, which may mean inside or outside; save it without,"
            " white where it holds and black elsewhere."
        )
    gray = array[..., array.shape[2] // 2, None]  # the middle channel is any of equal ones
    apart = max(float(np.ptp(row.astype(np.float32), axis=-1).max(initial=0)) for row in array)
    if apart > COLORED * full:
        raise DataError(
            f"{name}: a mask with colors, such as labels; save one region, white on black."
        )
    check_border(gray >= HALF * full, name, float(gray.max(initial=0)) / full)
    return gray


def check_border(inside: NDArray[np.bool_], name: str, brightest: float) -> None:
    """Check that something is inside and something outside.

    Args:
        inside: of any shape.
        name: what to call the mask in errors.
        brightest: its brightest pixel, in [0, 1].

    Raises:
        DataError: it is not so.

    Example:
        >>> check_border(np.zeros((2, 2), bool), "mask.png", 0.0)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        pixelrl.errors.DataError: mask.png: nothing in this mask is white: its brightest pixel ...
    """
    if not inside.any():
        labels = brightest and brightest < 0.25
        told = "; labels are to be spread to 255" if labels else ""
        raise DataError(
            f"{name}: nothing in this mask is white: its brightest pixel is"
            f" {255 * brightest:.0f} of 255{told}. Paint the region white on black."
        )
    if inside.all():
        raise DataError(
            f"{name}: everything in this mask is white, so that it tells nothing; leave black what"
            " is outside."
        )


def is_clear(picture: Image.Image) -> bool:
    """Tell whether something can be seen through a picture.

    Example:
        >>> is_clear(Image.new("RGBA", (2, 2), "white")), is_clear(Image.new("RGBA", (2, 2)))
        (False, True)
    """
    if not picture.has_transparency_data:
        return False
    alpha = picture.convert("RGBA").getchannel("A")
    return alpha.getextrema() != (255, 255)


def _is_transparent(path: Path) -> bool:
    try:
        with hush_decoders(), open_picture(path) as opened:
            return is_clear(opened)
    except Exception:  # what Pillow does not open, or stumbles over, is laid on white when read
        return False
