"""Files and tensors: every kind of picture that a camera or tool writes, in; PNG out."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixelrl.errors import DataError, MapError
from pixelrl.files import whole_file
from pixelrl.images.decoding import hush_decoders, open_picture
from pixelrl.images.deep import is_tiff
from pixelrl.images.layers import as_picture, read_layers, show_layers


def read_array(path: Path, channels: int) -> NDArray[Any]:
    """Read an image file.

    Rotation by EXIF is applied; transparency is laid on white; color becomes gray by Rec. 601.

    Args:
        path: the file.
        channels: 1 for gray, 3 for RGB.

    Returns:
        ``(H,W,channels)``: uint8, or float32 in [0, 1] for files deeper than 8 bits.

    Raises:
        DataError: the file is missing, unreadable, damaged or no image.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> array = read_array(list_bundled("test")[0], channels=3)
        >>> array.shape, str(array.dtype)
        ((512, 512, 3), 'uint8')
    """
    return show_layers(read_layers(path), channels)


def read_image(path: Path, channels: int) -> Tensor:
    """Read an image file as a map, ``(channels,H,W)`` float32 in [0, 1].

    Raises:
        DataError: as `read_array` does.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> image = read_image(list_bundled("test")[0], channels=1)
        >>> image.shape, image.dtype, float(image.max()) <= 1
        (torch.Size([1, 512, 512]), torch.float32, True)
    """
    return as_map(read_array(path, channels))


def read_embedded_profile(path: Path) -> bytes:
    """Find the ICC profile embedded in an image file; empty if there is none.

    Raises:
        DataError: the file is missing or no image.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> read_embedded_profile(list_bundled("test")[0])[16:20]  # the color space in its header
        b'RGB '
    """
    try:
        with hush_decoders():
            if is_tiff(path):  # Pillow does not open all of those that are read here
                with tifffile.TiffFile(path) as tiff:
                    page: Any = tiff.pages[0]
                    return bytes(page.tags.valueof(34675, default=b""))
            with open_picture(path) as opened:
                return opened.info.get("icc_profile") or b""
    except (OSError, ValueError, tifffile.TiffFileError) as error:
        raise DataError(f"{path}: cannot be read for its color profile ({error}).") from error


def as_map(array: NDArray[Any]) -> Tensor:
    """Turn an array ``(H,W,K)`` into a map ``(K,H,W)`` float32 in [0, 1].

    Example:
        >>> picture = np.zeros((4, 6, 3), np.uint8)
        >>> picture[..., 0] = 51
        >>> as_map(picture).shape, as_map(picture)[:, 0, 0]
        (torch.Size([3, 4, 6]), tensor([0.2000, 0.0000, 0.0000]))
    """
    value = torch.tensor(array.transpose(2, 0, 1))
    return value.float().div_(255) if value.dtype == torch.uint8 else value


def as_bytes(image: Tensor) -> NDArray[np.uint8]:
    """Turn images ``(...,C,H,W)`` into bytes ``(...,H,W,C)``, clamped and rounded as PNGs are.

    Example:
        >>> as_bytes(torch.tensor([[[-0.2, 0.3, 1.4]]])).tolist()
        [[[0], [77], [255]]]
    """
    levels = (image.detach().nan_to_num(0.0).clamp(0, 1) * 255 + 0.5).to(torch.uint8)
    array: NDArray[np.uint8] = levels.movedim(-3, -1).contiguous().cpu().numpy()
    return array


def write_image(path: Path, image: Tensor, profile: bytes = b"") -> None:
    """Write an image as an 8-bit PNG, whole or not at all.

    Args:
        path: the file; its folder is made.
        image: ``(C,H,W)``, C 1 or 3; clamped to [0, 1] and rounded.
        profile: ICC profile to embed; empty for none.

    Raises:
        DataError: the file cannot be written.
        MapError: the image has another shape.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "new", "gray.png")
        ...     write_image(file, torch.tensor([[[-0.2, 0.3, 1.4]]]))
        ...     255 * read_image(file, channels=1)
        tensor([[[  0.,  77., 255.]]])
    """
    if image.ndim != 3 or image.shape[0] not in {1, 3}:
        raise MapError(f"{path}: expected (C H W) with C 1 or 3, got {tuple(image.shape)}.")
    array = as_bytes(image)
    with whole_picture(path) as part:
        as_picture(array).save(part, "PNG", icc_profile=profile or None)


@contextmanager
def whole_picture(path: Path) -> Iterator[Path]:
    """Give a place to write a picture to, as `whole_file` does, and explain what is in the way.

    Args:
        path: the file; its folder is made.

    Yields:
        Where to write.

    Raises:
        DataError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> path = Path(tempfile.mkdtemp()) / "deep" / "picture.png"
        >>> with whole_picture(path) as part:
        ...     Image.new("L", (2, 1)).save(part)
        >>> [each.name for each in path.parent.iterdir()]
        ['picture.png']
    """
    try:
        with whole_file(path) as part:
            yield part
    except OSError as error:
        why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise DataError(
            f"{path}: cannot be written: {why}; make room or name another folder."
        ) from error
