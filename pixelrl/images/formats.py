"""The file formats that photographs are written in, and what each of them can hold."""

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal

from pixelrl.images.metadata import Kind, Metadata
from pixelrl.images.notes import COMMENT

MOST_OF_SEGMENT = 65_500
"""The most bytes of a block in a JPEG."""
BITS: dict[Kind, int] = {"uint8": 8, "uint16": 16, "float32": 32}


@dataclass(frozen=True)
class Format:
    """Tell what a file format can hold.

    Attributes:
        name: as Pillow calls it.
        deepest: the deepest samples.
        clear: whether it holds transparency.
        tells: whether it holds color profiles, EXIF and XMP.
        iptc: whether it holds captions as the press has them.
        texts: whether it holds texts under any keyword, a comment alone, or none.
        dpi: whether it holds a resolution.

    Example:
        >>> JPEG.deepest, JPEG.clear
        ('uint8', False)
    """

    name: str
    deepest: Kind
    clear: bool
    tells: bool
    dpi: bool
    iptc: bool = False
    texts: Literal["any", "comment", "none"] = "none"


PNG = Format("PNG", "uint16", clear=True, tells=True, dpi=True, iptc=True, texts="any")
TIFF = Format("TIFF", "float32", clear=True, tells=True, dpi=True, iptc=True)
JPEG = Format("JPEG", "uint8", clear=False, tells=True, dpi=True, iptc=True, texts="comment")
WEBP = Format("WEBP", "uint8", clear=True, tells=True, dpi=False)
BMP = Format("BMP", "uint8", clear=False, tells=False, dpi=True)
PNM = Format("PPM", "uint16", clear=False, tells=False, dpi=False)

BY_SUFFIX = {
    ".png": PNG,
    ".tif": TIFF,
    ".tiff": TIFF,
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".webp": WEBP,
    ".bmp": BMP,
    ".pgm": PNM,
    ".ppm": PNM,
}
"""The formats that are written; pictures in any other become PNG."""

CHOICES = ("png", "tif", "jpg", "webp", "bmp")
"""What ``--format`` may ask for."""


def suffix_for(name: PurePath, wanted: str | None = None) -> str:
    """Tell the suffix of what is written for a picture.

    Args:
        name: the picture's.
        wanted: one of `CHOICES`; None for the picture's own format.

    Example:
        >>> suffix_for(PurePath("a.JPG")), suffix_for(PurePath("a.gif"))
        ('.JPG', '.png')
        >>> suffix_for(PurePath("a.JPG"), "tif"), suffix_for(PurePath("a.jpeg"), "jpg")
        ('.tif', '.jpeg')
    """
    own = BY_SUFFIX.get(name.suffix.lower())
    if wanted is None:
        return name.suffix if own else ".png"
    asked = f".{wanted}"
    return name.suffix if own is BY_SUFFIX[asked] else asked


def format_of(path: PurePath) -> Format:
    """Tell the format of a file by its suffix; PNG if that says nothing.

    Example:
        >>> format_of(PurePath("a.JPG")).name
        'JPEG'
    """
    return BY_SUFFIX.get(path.suffix.lower(), PNG)


def kind_in(target: Format, kind: Kind) -> Kind:
    """Tell the samples a picture is written with: its own, or the deepest the format has.

    Example:
        >>> kind_in(JPEG, "uint16"), kind_in(PNG, "float32"), kind_in(TIFF, "uint8")
        ('uint8', 'uint16', 'uint8')
    """
    return kind if BITS[kind] <= BITS[target.deepest] else target.deepest


def keep_notes(metadata: Metadata, target: Format) -> Metadata:
    """Leave out the EXIF, XMP, IPTC and texts that a format cannot hold.

    Example:
        >>> photograph = Metadata("JPEG", "uint8", gray=False, clear=False, iptc=b"captions")
        >>> keep_notes(photograph, PNG).iptc, keep_notes(photograph, WEBP).iptc
        (b'captions', b'')
    """
    most = MOST_OF_SEGMENT if target is JPEG else float("inf")
    exif, xmp = (
        block if target.tells and len(block) <= most else b""
        for block in (metadata.exif, metadata.xmp)
    )
    texts = {
        "any": metadata.texts,
        "comment": tuple(each for each in metadata.texts if each[0] == COMMENT)[:1],
        "none": (),
    }[target.texts]
    iptc = metadata.iptc if target.iptc and len(metadata.iptc) <= most else b""
    return replace(metadata, exif=exif, xmp=xmp, iptc=iptc, texts=texts)


def list_reductions(
    metadata: Metadata, profile: bytes, target: Format, *, converted: bool = False
) -> list[str]:
    """List what of a picture is not in its edit, in words.

    Args:
        metadata: what the picture's file says.
        profile: the profile that the edit has to carry.
        target: the format of the edit.
        converted: whether colors were converted, so that the picture's own profile has done its
            work; sRGB, which they may have become, needs none.

    Example:
        >>> deep = Metadata("PNG", "uint16", gray=True, clear=True)
        >>> list_reductions(deep, b"", JPEG)
        ['16 bits became 8', 'transparency left out: laid on white']
        >>> list_reductions(deep, b"", TIFF)
        []
    """
    told = list(metadata.reduced)
    kind = kind_in(target, metadata.kind)
    if kind != metadata.kind:
        told.append(f"{BITS[metadata.kind]} bits became {BITS[kind]}")
    if metadata.clear and not target.clear:
        told.append("transparency left out: laid on white")
    if metadata.profile and not (converted or (profile and target.tells)):
        told.append("color profile left out")
    told += _list_lost_notes(metadata, target)
    if metadata.dpi and not target.dpi:
        told.append("resolution left out")
    if metadata.further:
        what = "page or frame" if metadata.further == 1 else "pages or frames"
        told.append(f"{metadata.further} further {what} left out")
    return told


def _list_lost_notes(metadata: Metadata, target: Format) -> list[str]:
    kept = keep_notes(metadata, target)
    blocks = {
        "EXIF": (metadata.exif, kept.exif),
        "XMP": (metadata.xmp, kept.xmp),
        "IPTC": (metadata.iptc, kept.iptc),
    }
    told = [f"{name} left out" for name, (block, there) in blocks.items() if block and not there]
    if lost := [key for key, text in metadata.texts if (key, text) not in kept.texts]:
        told.append(f"texts left out ({', '.join(dict.fromkeys(lost))})")
    return told
