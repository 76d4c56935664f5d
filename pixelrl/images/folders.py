"""Folders of image files, and the images that are bundled (scikit-image ships them)."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pixelrl.errors import DataError

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".pgm", ".ppm"}
)
"""The files of a folder that count as images; case does not matter."""

BUNDLED = {
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
"""The bundled images, photographs that scikit-image ships in its wheel, split by image."""


def list_images(path: Path) -> list[Path]:
    """List a folder's image files by name, or take one file for itself.

    Raises:
        DataError: there is no such folder, or no image in it.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     for name in ("b.PNG", "a.jpg", "notes.txt"):
        ...         Path(folder, name).touch()
        ...     [path.name for path in list_images(Path(folder))]
        ['a.jpg', 'b.PNG']
    """
    try:
        if path.is_file():
            return [path]
        found = sorted(
            item
            for item in path.iterdir()
            if item.suffix.lower() in SUFFIXES and not item.name.startswith(".") and item.is_file()
        )
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such folder; expected one of images.") from error
    except OSError as error:
        raise explain_refusal(path, error) from error
    if not found:
        raise DataError(f"no images in {path}; expected files like NAME.png or NAME.jpg.")
    return found


def list_bundled(split: Literal["train", "val", "test"]) -> list[Path]:
    """List the bundled images of a split.

    Raises:
        DataError: this scikit-image lacks one.

    Example:
        >>> [path.name for path in list_bundled("test")]
        ['astronaut.png', 'camera.png']
    """
    import skimage.data  # noqa: PLC0415 - only those who use its images wait for it

    folder = Path(skimage.data.__file__).parent
    found = [folder / name for name in BUNDLED[split]]
    for path in found:
        if not path.is_file():
            raise DataError(f"{path}: missing from scikit-image; reinstall it, or name folders.")
    return found


def digest(paths: Sequence[Path]) -> str:
    """Digest a set of files, names and bytes, to twelve hexadecimal digits.

    Raises:
        DataError: one cannot be read.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "a.png")
        ...     _ = file.write_bytes(b"1")
        ...     digest([file])
        '09f8066ec9b1'
    """
    total = hashlib.sha256()
    for path in sorted(paths):
        try:
            total.update(path.name.encode() + b"\0" + path.read_bytes())
        except OSError as error:
            raise explain_refusal(path, error) from error
    return total.hexdigest()[:12]


def explain_refusal(path: Path, error: OSError) -> DataError:
    """Phrase what the system says about a path that cannot be read.

    Example:
        >>> print(explain_refusal(Path("photo.png"), FileNotFoundError()))
        photo.png: no such file; expected an image.
    """
    told = {
        FileNotFoundError: "no such file; expected an image",
        IsADirectoryError: "a folder; expected an image file",
        PermissionError: "no permission to read it; change that or name another",
    }.get(type(error), f"cannot be read: {error.strerror or error}; name another")
    return DataError(f"{path}: {told}.")
