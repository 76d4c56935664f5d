"""Files and tensors: every kind of picture that a camera or tool writes, in; PNG out."""

import errno
import hashlib
import logging
import os
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from pixelrl.errors import DataError

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".pgm", ".ppm"}
)
"""The files of a folder that count as images; case does not matter."""

BOXED = {
    "train": (
        "brick.png",
        "chelsea.png",
        "coins.png",
        "gravel.png",
        "hubble_deep_field.jpg",
        "ihc.png",
        "moon.png",
        "motorcycle_left.png",
        "retina.jpg",
        "rocket.jpg",
    ),
    "val": ("coffee.png", "grass.png"),
    "test": ("astronaut.png", "camera.png"),
}
"""The photographs that scikit-image ships in its wheel, split by image."""


_DAMAGED = (
    OSError,
    ValueError,
    IndexError,
    SyntaxError,
    Image.DecompressionBombError,
    cv2.error,
    tifffile.TiffFileError,
)
logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what is wrong is raised


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
    """
    try:
        deep = _deep(path)
        return _shallow(path, channels) if deep is None else _channels(deep, channels)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file.") from error
    except PermissionError as error:
        raise DataError(f"{path}: no permission to read it.") from error
    except UnidentifiedImageError as error:
        what = "an empty file" if path.stat().st_size == 0 else "not an image"
        raise DataError(f"{path}: {what}; remove it or replace it.") from error
    except _DAMAGED as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: a damaged or unknown image ({reason}); remove it or replace it."
        ) from error


def read_image(path: Path, channels: int) -> Tensor:
    """Read an image file as a map, ``(channels,H,W)`` float32 in [0, 1].

    Raises:
        DataError: as `read_array` does.
    """
    array = read_array(path, channels)
    value = torch.tensor(array.transpose(2, 0, 1))
    return value.float() / 255 if value.dtype == torch.uint8 else value


def write_image(path: Path, image: Tensor) -> None:
    """Write an image as an 8-bit PNG, whole or not at all.

    Args:
        path: the file; its folder is made.
        image: ``(C,H,W)``, C 1 or 3; clamped to [0, 1] and rounded.

    Raises:
        DataError: the file cannot be written.
    """
    rounded = torch.floor(image.detach().clamp(0, 1) * 255 + 0.5).to(torch.uint8)
    array = rounded.permute(1, 2, 0).cpu().numpy()
    picture = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            try:
                picture.save(file, "PNG")
                file.close()
                Path(file.name).chmod(0o666 & ~_umask())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise DataError(f"{path}: cannot be written: {why}.") from error


def list_images(path: Path) -> list[Path]:
    """List a folder's image files by name, or take one file for itself.

    Raises:
        DataError: there is no such folder, or no image in it.
    """
    if path.is_file():
        return [path]
    try:
        found = sorted(
            item
            for item in path.iterdir()
            if item.suffix.lower() in SUFFIXES and not item.name.startswith(".")
        )
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such folder.") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}.") from error
    if not found:
        raise DataError(f"no images in {path}; expected files like NAME.png or NAME.jpg.")
    return found


def photographs(split: Literal["train", "val", "test"]) -> list[Path]:
    """List the photographs in the box, those that scikit-image ships.

    Raises:
        DataError: this scikit-image lacks one.
    """
    import skimage.data  # noqa: PLC0415 - only those who use its photographs pay for it

    folder = Path(skimage.data.__file__).parent
    found = [folder / name for name in BOXED[split]]
    for path in found:
        if not path.is_file():
            raise DataError(f"{path}: missing from scikit-image; reinstall it, or name folders.")
    return found


def digest(paths: Sequence[Path]) -> str:
    """Digest a set of files, names and bytes, to twelve hexadecimal digits."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]


def _deep(path: Path) -> NDArray[Any] | None:
    """Read what is deeper than 8 bits, ``(H,W,K)`` float32; None for anything else.

    OpenCV reads it, since Pillow keeps 8 bits of a color image's 16.
    """
    if path.suffix.lower() in {".tif", ".tiff"}:
        with path.open("rb") as file:
            if not file.read(1):
                raise UnidentifiedImageError
        with tifffile.TiffFile(path) as tiff:
            kind = tiff.pages[0].dtype
        if kind is None or kind.itemsize == 1:
            return None
    elif path.suffix.lower() == ".png" and _sixteen(path):
        with Image.open(path) as opened:
            opened.load()  # OpenCV fills up truncated files without a word
    else:
        return None
    read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if read is None:
        raise ValueError("it cannot be decoded")
    array: NDArray[Any] = np.asarray(read)
    array = array if array.ndim == 3 else array[..., None]
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(array.shape[2])
    return _unit(array if order is None else array[..., order])


def _sixteen(path: Path) -> bool:
    """Tell from a PNG's header whether it has 16 bits per sample."""
    with path.open("rb") as file:
        head = file.read(25)
    return len(head) == 25 and head[24] == 16


def _unit(array: NDArray[Any]) -> NDArray[Any]:
    """Scale whole numbers to [0, 1]; floats are there already."""
    if np.issubdtype(array.dtype, np.unsignedinteger):
        return (array / np.float32(np.iinfo(array.dtype).max)).astype(np.float32)
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"samples of type {array.dtype} have no known range")
    return array.astype(np.float32)


def _channels(array: NDArray[Any], channels: int) -> NDArray[Any]:
    """Lay transparency on white and turn 1 to 4 channels into those asked for."""
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


def _shallow(path: Path, channels: int) -> NDArray[Any]:
    mode = "L" if channels == 1 else "RGB"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of EXIF and size; what matters is raised
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened)
            if picture.mode in {"LA", "PA", "RGBA", "La", "RGBa"} or "transparency" in picture.info:
                whole = picture.convert("RGBA")
                white = Image.new("RGBA", whole.size, "white")
                picture = Image.alpha_composite(white, whole).convert("RGB")
            elif picture.mode in {"I", "F", "I;16", "I;16B"}:
                raise ValueError(f"mode {picture.mode} of unknown range")
            array = np.asarray(picture.convert(mode))
    return array[..., None] if channels == 1 else array


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
