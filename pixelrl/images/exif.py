"""EXIF: read from every kind of file, and put into TIFF, whose tags it is made of."""

import io
import struct
from pathlib import Path
from typing import Any

import tifffile
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from pixelrl.images.decoding import hush_decoders

ORIENTATION = 0x0112
BELOW = (0x8769, 0x8825)
"""The tags that point to directories of further tags: of the exposure, and of the place."""
TOLD = (270, 271, 272, 305, 306, 315, 33432)
"""Tags of a TIFF's own directory that tell of the picture and not of the file: texts, all of them:
description, make, model, software, date, artist, copyright."""
HEADER = b"Exif\0\0"
STANDING_IN = {0x8769: 0x876A, 0x8825: 0x8824}
"""Neighbors that nobody uses, in place of `BELOW` at first, which tifffile does not write."""


def read_exif(opened: Image.Image) -> bytes:
    """Take the EXIF block of an opened file, as Pillow's writers take it; empty for none.

    Example:
        >>> exif = Image.Exif()
        >>> exif[271] = "Maker"
        >>> file = io.BytesIO()
        >>> Image.new("L", (2, 2)).save(file, "JPEG", exif=exif)
        >>> load_exif(read_exif(Image.open(file)))[271]
        'Maker'
    """
    block = opened.info.get("exif")
    if not block:  # PNG knows an older way to keep it, as text
        found = opened.getexif()
        block = found.tobytes() if found else b""
    return bytes(block) if block[:6] == HEADER or not block else HEADER + bytes(block)


def read_tiff_exif(path: Path) -> bytes:
    """Take from a TIFF's tags what tells of the picture, as an EXIF block; empty for none.

    Raises:
        OSError: the file cannot be read.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "a.tif")
        ...     Image.new("L", (2, 2)).save(file, tiffinfo={271: "Maker"})
        ...     load_exif(read_tiff_exif(file))[271]
        'Maker'
    """
    found, kept = Image.Exif(), Image.Exif()
    with path.open("rb") as file:
        try:
            found.load_from_fp(file)
            kept.update({tag: found[tag] for tag in (*TOLD, ORIENTATION) if tag in found})
            for tag in BELOW:
                kept.get_ifd(tag).update(found.get_ifd(tag))
        except (struct.error, SyntaxError, ValueError, KeyError, TypeError):
            return b""  # a layout that Pillow does not follow, such as BigTIFF's
    told = set(kept) - {ORIENTATION, *BELOW} or any(kept.get_ifd(tag) for tag in BELOW)
    return kept.tobytes() if told else b""


def load_exif(block: bytes) -> Image.Exif:
    """Parse an EXIF block; a damaged one tells nothing.

    Example:
        >>> len(load_exif(Image.Exif().tobytes())), len(load_exif(b"noise"))
        (0, 0)
    """
    exif = Image.Exif()
    try:
        with hush_decoders():
            exif.load(block)
    except Exception:  # of a damaged one Pillow raises whatever it stumbles over
        return Image.Exif()
    return exif


def set_orientation(block: bytes, turn: int) -> bytes:
    """State in an EXIF block how its picture is stored; one that says so already stays as it is.

    Example:
        >>> exif = Image.Exif()
        >>> exif[ORIENTATION] = 6
        >>> load_exif(set_orientation(exif.tobytes(), 1))[ORIENTATION]
        1
    """
    if not block:
        return block
    exif = load_exif(block)
    if exif.get(ORIENTATION, 1) == turn:
        return block
    exif[ORIENTATION] = turn
    return exif.tobytes()


def tiff_tags(
    block: bytes, turn: int, xmp: bytes, iptc: bytes = b"", *, directories: bool = True
) -> list[tuple[int, str, int, Any, bool]]:
    """List the tags of a TIFF that EXIF, an orientation, XMP and IPTC come to, for tifffile.

    Those that point to directories point nowhere yet: `append_directories` sees to them.

    Args:
        block: the EXIF block; empty for none.
        turn: the orientation, 1 to 8.
        xmp: empty for none.
        iptc: empty for none.
        directories: whether there will be directories.

    Example:
        >>> tiff_tags(b"", 6, b"")
        [(274, 'H', 1, 6, True)]
    """
    exif = load_exif(block) if block else Image.Exif()
    tags: list[tuple[int, str, int, Any, bool]] = [
        (tag, "s", 0, str(exif[tag]).encode("utf-8") + b"\0", True) for tag in TOLD if tag in exif
    ]
    if directories:
        tags += [(STANDING_IN[tag], "I", 1, 0, True) for tag in BELOW if exif.get_ifd(tag)]
    if turn != 1:
        tags.append((ORIENTATION, "H", 1, turn, True))
    blocks = ((700, xmp), (33723, iptc))
    return [*tags, *((tag, "B", len(held), held, True) for tag, held in blocks if held)]


def append_directories(path: Path, block: bytes) -> None:
    """Append to a TIFF of ours, little-endian, the directories that its tags have to point to.

    Example:
        >>> append_directories(Path("a.tif"), b"")  # none
    """
    exif = load_exif(block) if block else Image.Exif()
    for tag in BELOW:
        if not (held := exif.get_ifd(tag)):
            continue
        directory = ImageFileDirectory_v2(prefix=b"II")
        for key, value in held.items():
            if not isinstance(value, dict):  # such as the one of interoperability
                directory[key] = value
        with tifffile.TiffFile(path) as tiff:
            page: Any = tiff.pages[0]
            entry = page.tags[STANDING_IN[tag]].offset
        with path.open("r+b") as file:
            end = file.seek(0, io.SEEK_END)
            start = end + file.write(b"\0" * (end % 2))
            file.write(directory.tobytes(start))
            file.seek(entry)
            file.write(struct.pack("<HHII", tag, 4, 1, start))
