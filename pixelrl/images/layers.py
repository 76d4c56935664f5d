"""The samples of a picture as its file has them, and what of them is shown: layers ``(H,W,K)``.

They are uint8, or float32 in [0, 1] for files deeper than 8 bits. K is 1 for gray or 3 for RGB, and
one more where there is transparency, which comes last.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pixelrl.images.decoding import explain_decoding, open_picture
from pixelrl.images.deep import read_deep


def read_layers(path: Path) -> NDArray[Any]:
    """Read an image file as it is, but upright.

    Args:
        path: the file.

    Returns:
        ``(H,W,K)``, as above.

    Raises:
        DataError: the file is missing, unreadable, damaged or no image.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> [read_layers(path).shape for path in list_bundled("test")]
        [(512, 512, 3), (512, 512, 1)]
    """
    with explain_decoding(path):
        deep = read_deep(path)
        layers = as_layers(open_upright(path)) if deep is None else deep
        return np.ascontiguousarray(layers)


def show_layers(layers: NDArray[Any], channels: int) -> NDArray[Any]:
    """Lay what `read_layers` gives on white, and make it gray or RGB.

    Args:
        layers: ``(H,W,K)``.
        channels: 1 for gray, 3 for RGB.

    Returns:
        ``(H,W,channels)`` of the same type.

    Example:
        >>> half_clear_black = np.array([[[0, 51]]], np.uint8)  # gray, transparency
        >>> show_layers(half_clear_black, 3).tolist()
        [[[204, 204, 204]]]
    """
    if layers.dtype != np.uint8:
        return fit_channels(layers, channels)
    if layers.shape[2] == channels:
        return layers
    picture = as_picture(layers)
    if picture.mode in {"LA", "RGBA"}:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return as_layers(picture.convert("L" if channels == 1 else "RGB"))


def as_layers(picture: Image.Image) -> NDArray[Any]:
    """Turn Pillow's L, LA, RGB or RGBA into ``(H,W,K)`` uint8.

    Example:
        >>> as_layers(Image.new("L", (3, 2))).shape
        (2, 3, 1)
    """
    return np.atleast_3d(np.asarray(picture))


def as_picture(layers: NDArray[Any]) -> Image.Image:
    """Turn ``(H,W,K)`` uint8 into Pillow's L, LA, RGB or RGBA.

    Example:
        >>> as_picture(np.zeros((2, 3, 2), np.uint8)).mode
        'LA'
    """
    return Image.fromarray(layers[..., 0] if layers.shape[2] == 1 else layers)


def fit_channels(array: NDArray[Any], channels: int) -> NDArray[Any]:
    """Lay transparency on white and turn 1 to 4 channels into those asked for, 1 or 3.

    Args:
        array: ``(H,W,K)`` float32 in [0, 1]: gray or RGB, each perhaps with transparency.
        channels: 1 for gray (Rec. 601), 3 for RGB.

    Raises:
        ValueError: there are no or more than four channels.

    Example:
        >>> half_clear_black = np.array([[[0, 0.5]]], np.float32)  # gray, transparency
        >>> fit_channels(half_clear_black, 3).tolist()
        [[[0.5, 0.5, 0.5]]]
    """
    count = array.shape[2]
    if count in {2, 4}:
        alpha = array[..., -1:]
        array = array[..., :-1] * alpha + (1 - alpha)
    if array.shape[2] == channels:
        return np.ascontiguousarray(array)
    if channels == 1 and array.shape[2] == 3:
        return (array @ np.array([[0.299], [0.587], [0.114]], np.float32)).astype(np.float32)
    if array.shape[2] == 1:
        return np.repeat(array, channels, axis=2)
    raise ValueError(f"{count} channels")


def open_upright(path: Path) -> Image.Image:
    """Decode a file of 8 bits as Pillow's L, LA, RGB or RGBA, turned as EXIF says.

    Raises:
        ValueError: its numbers have no known range; decoders raise more than that.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> [open_upright(path).mode for path in list_bundled("test")]
        ['RGB', 'L']
    """
    with open_picture(path) as opened:
        # Else Pillow maps plain TIFFs into memory, and those that lie on their side wrongly.
        opened.filename = ""
        picture = ImageOps.exif_transpose(opened)
        if picture.mode in {"I", "F", "I;16", "I;16B"}:
            raise ValueError(f"mode {picture.mode} of unknown range")
        gray = picture.mode in {"1", "L", "LA", "La"}
        clear = picture.mode in {"LA", "PA", "RGBA", "La", "RGBa"}
        if clear or "transparency" in picture.info:
            whole = picture.convert("RGBA")
            return whole.convert("LA") if gray else whole
        return picture.convert("L" if gray else "RGB")
