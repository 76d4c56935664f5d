"""Archives of arrays (``.npz``): how much they hold, told before anything is unpacked."""

import stat
import zipfile
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

MOST_BYTES = 16 * 1024**3
"""The most that an archive may hold unpacked: records of the largest images hold less."""
MOST_MEMBERS = 1000
"""More arrays than any archive of ours has."""
MOST_HEAD = 10_000
"""The longest head of an array, in bytes, as NumPy itself has it."""


class TooLargeError(ValueError):
    """Report a file that claims more than any of ours holds.

    Example:
        >>> raise TooLargeError("it would unpack to 40 GB, more than any holds")
        Traceback (most recent call last):
        pixelrl.images.archives.TooLargeError: it would unpack to 40 GB, more than any holds
    """


class Head(NamedTuple):
    """Tell what an array is, before it is read.

    Attributes:
        shape: of the array.
        dtype: of its numbers.

    Example:
        >>> Head((3, 4), np.dtype("f4")).bytes
        48
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """How much memory the array takes.

        Example:
            >>> Head((3, 4), np.dtype("f4")).bytes
            48
        """
        return prod(self.shape) * self.dtype.itemsize


def read_heads(path: Path, most: int = MOST_BYTES) -> dict[str, Head]:
    """Read what an archive's arrays are, and check that they are that and no more than is read.

    Args:
        path: the file.
        most: bytes that all of it may unpack to.

    Returns:
        By the arrays' names.

    Raises:
        OSError: it cannot be read.
        TooLargeError: it holds more than ``most``, or more than `MOST_MEMBERS`.
        ValueError: it is no file, encrypted, or an array claims more than its member holds.
        zipfile.BadZipFile: it is no archive.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "a.npz")
        ...     np.savez_compressed(file, frames=np.zeros((2, 1000, 1000), np.uint8))
        ...     print(read_heads(file)["frames"].bytes)
        ...     read_heads(file, most=10**6)
        Traceback (most recent call last):
        pixelrl.images.archives.TooLargeError: it would unpack to 0.002 GB, of 0.001 that are read
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("a folder, pipe or device, not a file")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise TooLargeError(f"it holds {len(members)} arrays, more than {MOST_MEMBERS}")
        total = sum(member.file_size for member in members)
        if total > most:
            raise TooLargeError(
                f"it would unpack to {total / 1e9:.3g} GB, of {most / 1e9:.3g} that are read"
            )
        found = {member.filename.removesuffix(".npy"): member for member in members}
        if len(found) < len(members):
            raise ValueError("it holds an array twice")
        return {name: _head(archive, member) for name, member in found.items()}


def _head(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Head:
    """Read what an array is; its member must hold as many bytes as it claims."""
    if member.flag_bits & 1:
        raise ValueError("it is encrypted")
    with archive.open(member) as file:
        head = Head(*_parse(file, member.filename))
    if min(head.shape, default=0) < 0 or head.bytes > member.file_size:
        raise ValueError(f"{member.filename}: claims more numbers than it holds")
    return head


def _parse(file: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read an array's head, once it is known to be short."""
    read = {
        (1, 0): (2, np.lib.format.read_array_header_1_0),
        (2, 0): (4, np.lib.format.read_array_header_2_0),
    }
    if file.read(6) != np.lib.format.MAGIC_PREFIX:
        raise ValueError(f"{name}: not an array")
    version = tuple(file.read(2))
    if version not in read:
        raise ValueError(f"{name}: written in another format")
    size, parse = read[version]
    start = file.tell()
    if int.from_bytes(file.read(size), "little") > MOST_HEAD:
        raise TooLargeError(f"{name}: its head is longer than {MOST_HEAD} bytes")
    file.seek(start)
    shape, _, dtype = parse(file)
    return shape, dtype
