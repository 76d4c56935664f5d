"""Archives of arrays (``.npz``): how much they hold, told before anything is unpacked."""

import zipfile
from math import prod
from pathlib import Path

import numpy as np

MOST_BYTES = 16 * 1024**3
"""The most that an archive may hold unpacked: records of the largest images hold less."""


class TooLargeError(ValueError):
    """Report an archive that claims more than any of ours holds.

    Example:
        >>> raise TooLargeError("it would unpack to 40 GB, more than any holds")
        Traceback (most recent call last):
        pixelrl.images.archives.TooLargeError: it would unpack to 40 GB, more than any holds
    """


def check_archive(path: Path) -> None:
    """Check that an archive's arrays are what they claim, and not more than is read.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be read.
        TooLargeError: it holds more than `MOST_BYTES`.
        ValueError: it is no file, encrypted, or an array claims more than its member holds.
        zipfile.BadZipFile: it is no archive.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "bomb.npz")
        ...     with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        ...         for name in "abc":
        ...             archive.writestr(f"{name}.npy", bytes(10**6))
        ...     check_archive(file)
        Traceback (most recent call last):
        ValueError: a.npy: not an array
    """
    if path.exists() and not path.is_file():
        raise ValueError("a folder, pipe or device, not a file")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        total = sum(member.file_size for member in members)
        if total > MOST_BYTES:
            raise TooLargeError(f"it would unpack to {total / 1e9:.0f} GB, more than any holds")
        for member in members:
            if member.flag_bits & 1:
                raise ValueError("it is encrypted")
            _check_header(archive, member)


def _check_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Check that a member holds as many bytes as the array in it claims."""
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    with archive.open(member) as file:
        if file.read(6) != np.lib.format.MAGIC_PREFIX:
            raise ValueError(f"{member.filename}: not an array")
        version = (file.read(1)[0], file.read(1)[0])
        if version not in read:
            raise ValueError(f"{member.filename}: written in another format")
        shape, _, kind = read[version](file)
    if prod(shape) * kind.itemsize > member.file_size:
        raise ValueError(f"{member.filename}: claims more numbers than it holds")
