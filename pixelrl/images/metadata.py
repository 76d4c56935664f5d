"""What a picture's file says beside its pixels, so that an edit of it can say the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

import tifffile

from pixelrl.images.decoding import explain_decoding, open_picture
from pixelrl.images.deep import is_tiff, read_deep_kind
from pixelrl.images.exif import read_exif, read_tiff_exif
from pixelrl.images.files import read_embedded_profile
from pixelrl.images.limits import read_size
from pixelrl.images.notes import Texts, read_captions, read_texts
from pixelrl.images.tags import describe_tags, tiff_captions, tiff_resolution

Kind = Literal["uint8", "uint16", "float32"]
"""The samples of a file; the deeper ones are written as the deepest of these that they need."""

ORIENTATION = 0x0112
PALETTE, CMYK = "palette became full color", "CMYK and other colors became RGB"


@dataclass(frozen=True)
class Metadata:
    """Hold what a picture's file says beside its pixels.

    Attributes:
        format: ``PNG``, ``TIFF``, ``JPEG``, … as Pillow calls it.
        kind: of its samples.
        gray: whether it has no color.
        clear: whether it has transparency.
        turn: how it is stored, 1 to 8, as the orientation tag of EXIF says; 1 is upright.
        exif: as Pillow's writers take it; empty for none.
        xmp: as the file has it; empty for none.
        iptc: captions as the press has them (IPTC-IIM); empty for none.
        texts: keywords and what stands under them.
        dpi: horizontal and vertical resolution, in pixels per inch; None if it is not told.
        profile: the embedded ICC profile; empty for none.
        further: pages or frames beyond the first.
        reduced: what decoding alone changes, and blocks that no edit has, in words.

    Example:
        >>> Metadata("PNG", "uint16", gray=True, clear=False).turn
        1
    """

    format: str
    kind: Kind
    gray: bool
    clear: bool
    turn: int = 1
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    texts: Texts = ()
    dpi: tuple[float, float] | None = None
    profile: bytes = b""
    further: int = 0
    reduced: tuple[str, ...] = ()


def read_metadata(path: Path) -> Metadata:
    """Read what a file says beside its pixels.

    Raises:
        DataError: the file is missing, unreadable, damaged or no image.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> found = read_metadata(list_bundled("test")[0])
        >>> found.format, found.kind, found.gray, found.clear, found.further
        ('PNG', 'uint8', False, False, 0)
    """
    with explain_decoding(path):
        return _of_tiff(path) if is_tiff(path) else _of_other(path)


def measure_picture(path: Path) -> int:
    """Tell from a file's head how many pixels it has; 0 if that cannot be told.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> measure_picture(list_bundled("test")[0])
        262144
    """
    try:
        with explain_decoding(path):
            return prod(read_size(path))
    except ValueError:  # why is told when it is read
        return 0


def read_resolution(info: Mapping[Any, Any]) -> tuple[float, float] | None:
    """Read from what Pillow knows of an image its resolution, in pixels per inch; None for none.

    Example:
        >>> read_resolution({"dpi": (300, 300)}), read_resolution({"dpi": (0, 0)})
        ((300.0, 300.0), None)
    """
    told = info.get("dpi")
    if not (isinstance(told, tuple) and len(told) == 2 and all(told)):
        return None
    return float(told[0]), float(told[1])


def _of_other(path: Path) -> Metadata:
    with open_picture(path) as opened:
        mode, told = opened.mode, opened.info
        kind: Kind = "uint16" if read_deep_kind(path) else "uint8"
        gray = mode in {"1", "L", "LA", "La"} or mode.startswith("I")
        palette = mode in {"P", "PA"}
        reduced = PALETTE if palette else "" if gray or mode in {"RGB", "RGBA"} else CMYK
        iptc, left = read_captions(opened)
        return Metadata(
            "JPEG" if opened.format == "MPO" else opened.format or "",  # a JPEG and more behind it
            kind,
            gray,
            mode in {"LA", "PA", "RGBA", "La", "RGBa"} or "transparency" in told,
            int(opened.getexif().get(ORIENTATION, 1)),
            read_exif(opened),
            _bytes(told.get("xmp") or told.get("XML:com.adobe.xmp")),
            iptc,
            read_texts(opened),
            read_resolution(told),
            read_embedded_profile(path),
            int(getattr(opened, "n_frames", 1)) - 1,
            (*([reduced] if reduced else []), *left),
        )


def _of_tiff(path: Path) -> Metadata:
    with tifffile.TiffFile(path) as tiff:
        page: Any = tiff.pages[0]
        tags = page.tags
        bits, sort = page.bitspersample, "u" if page.dtype is None else page.dtype.kind
        kind: Kind = "float32" if sort == "f" else "uint16" if bits > 8 else "uint8"
        photometric = int(page.photometric)
        named = {0: "", 1: "", 2: "", 3: PALETTE, 6: ""}.get(photometric, CMYK)
        deep = ("32-bit whole numbers became 16 bits",) if sort == "u" and bits > 16 else ()
        # A thumbnail is a page too, but nothing of the user's.
        further = sum(
            not (isinstance(other, tifffile.TiffPage) and other.is_reduced)
            for other in list(tiff.pages)[1:]
        )
        return Metadata(
            "TIFF",
            kind,
            photometric in {0, 1},
            bool(page.extrasamples) and int(page.extrasamples[0]) in {1, 2},
            int(tags.valueof(274, default=1)),
            read_tiff_exif(path),
            _bytes(tags.valueof(700)),
            tiff_captions(tags),
            (),
            tiff_resolution(tags),
            read_embedded_profile(path),
            further,
            tuple(filter(None, (named, *deep, *describe_tags(tags)))),
        )


def _bytes(value: Any) -> bytes:  # noqa: ANN401 - whatever a file says
    return value.encode() if isinstance(value, str) else bytes(value or b"")
