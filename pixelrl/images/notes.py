"""What people and programs wrote into a picture's file: captions of the press (IPTC), and texts."""

import struct
from collections.abc import Iterator

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile, PngInfo

Texts = tuple[tuple[str, str], ...]
"""Keywords and what stands under them; Pillow's `iTXt` tells languages too."""

COMMENT = "Comment"
"""What PNG calls the text that JPEG and GIF have without a name."""
PHOTOSHOP = b"Photoshop 3.0\0"
IPTC = 0x0404
CARRIED = {IPTC, 0x03ED, 0x0409, 0x040C, 0x040F, 0x0422, 0x0423, 0x0424, 0x0425}
"""Photoshop's blocks of what is kept in other ways or made anew: captions and their digest,
resolution, thumbnails, color profile, EXIF, XMP."""
RAW = "Raw profile type "
"""How PNG's texts begin that hold, in hexadecimals, what PNG had no place for."""
TOLD = {"XML:com.adobe.xmp", f"{RAW}exif", f"{RAW}iptc"}
"""The texts of a PNG that are read as what they are."""
SEGMENTS = {
    "APP0": (b"JF",),
    "APP1": (b"Exif\0", b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"),
    "APP2": (b"ICC_PROFILE\0", b"MPF\0"),
    "APP13": (PHOTOSHOP,),
    "APP14": (b"Adobe",),
    "COM": (b"",),
}
"""How the segments of a JPEG begin that are told of otherwise, or tell of the file alone."""


def read_texts(opened: Image.Image) -> Texts:
    """Read the texts of an opened file; of a PNG's, its pixels are decoded too.

    Example:
        >>> import io
        >>> info, file = PngInfo(), io.BytesIO()
        >>> info.add_text("Title", "A gate")
        >>> Image.new("L", (2, 2)).save(file, "PNG", pnginfo=info)
        >>> read_texts(Image.open(file))
        (('Title', 'A gate'),)
    """
    if isinstance(opened, PngImageFile):
        return tuple((key, text) for key, text in opened.text.items() if key not in TOLD)
    comment = opened.info.get("comment")
    if not comment:
        return ()
    text = comment if isinstance(comment, str) else comment.decode("utf-8", "surrogateescape")
    return ((COMMENT, text.rstrip("\0")),)


def read_captions(opened: Image.Image) -> tuple[bytes, tuple[str, ...]]:
    """Read the IPTC block of an opened file, and which blocks beside it nobody writes again.

    Returns:
        The block, empty for none, and what is left out, in words.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> Image.new("L", (2, 2)).save(file, "JPEG", extra=make_segment(b"abc"))
        >>> read_captions(Image.open(file))
        (b'abc', ())
    """
    if isinstance(opened, PngImageFile):
        return _parse_raw(opened.text.get(f"{RAW}iptc", "")), ()
    if not isinstance(opened, JpegImageFile):  # what Pillow adopts as MPO is one too
        return b"", ()
    joined = b"".join(
        block[len(PHOTOSHOP) :]
        for name, block in opened.applist
        if name == "APP13" and block.startswith(PHOTOSHOP)
    )
    blocks = parse_blocks(joined)
    others = sorted(
        {name for name, block in opened.applist if not block.startswith(SEGMENTS.get(name, ()))}
    )
    extended = any(block.startswith(SEGMENTS["APP1"][2]) for _, block in opened.applist)
    return blocks.get(IPTC, b""), (
        *describe_blocks(blocks),
        *(["extended XMP left out"] if extended else []),
        *([f"JPEG segments left out ({', '.join(others)})"] if others else []),
    )


def parse_blocks(joined: bytes) -> dict[int, bytes]:
    """Take Photoshop's blocks apart, by their numbers; what is damaged ends them.

    Example:
        >>> parse_blocks(pack_captions(b"abc"))
        {1028: b'abc'}
    """
    return dict(_blocks(joined))


def _blocks(joined: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while joined[at : at + 4] == b"8BIM" and len(joined) >= at + 12:
        (number,) = struct.unpack_from(">H", joined, at + 4)
        at += 6 + (2 + joined[at + 6]) // 2 * 2  # a name, its length before it, of even size
        if len(joined) < at + 4:
            return
        (size,) = struct.unpack_from(">I", joined, at)
        yield number, joined[at + 4 : at + 4 + size]
        at += 4 + size + size % 2


def describe_blocks(blocks: dict[int, bytes]) -> list[str]:
    """Say in words that Photoshop's blocks are left out, unless all are carried otherwise.

    Example:
        >>> describe_blocks({0x0404: b"", 0x07D0: b"a path"})
        ["Photoshop's own blocks left out"]
    """
    return ["Photoshop's own blocks left out"] if blocks.keys() - CARRIED else []


def pack_captions(iptc: bytes) -> bytes:
    r"""Put IPTC into a block as Photoshop has it.

    Example:
        >>> pack_captions(b"abc")
        b'8BIM\x04\x04\x00\x00\x00\x00\x00\x03abc\x00'
    """
    return b"8BIM" + struct.pack(">HHI", IPTC, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)


def make_segment(iptc: bytes) -> bytes:
    r"""Make the segment of a JPEG that holds IPTC; of none, nothing.

    Example:
        >>> make_segment(b"abc")[:6]
        b'\xff\xed\x00 Ph'
    """
    if not iptc:
        return b""
    body = PHOTOSHOP + pack_captions(iptc)
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def png_texts(texts: Texts, iptc: bytes, xmp: bytes) -> PngInfo:
    """Make the texts of a PNG. IPTC has no place of its own; it stands where others look for it.

    Example:
        >>> [name for name, *_ in png_texts((("Title", "A gate"),), b"abc", b"<x/>").chunks]
        [b'tEXt', b'zTXt', b'iTXt']
    """
    info = PngInfo()
    for key, text in texts:
        if any("\ud800" <= letter <= "\udfff" for letter in text):  # was no UTF-8
            info.add_text(key, text.encode("utf-8", "surrogateescape").decode("latin-1"))
        else:
            info.add_text(key, text)
    if iptc:
        block = pack_captions(iptc)
        rows = [block.hex()[at : at + 72] for at in range(0, 2 * len(block), 72)]
        info.add_text(f"{RAW}iptc", "\n".join(["", "iptc", f"{len(block):8}", *rows, ""]), zip=True)
    if xmp:
        info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
    return info


def comment_of(texts: Texts) -> bytes:
    """Take the comment from texts as JPEG has it; empty for none.

    Example:
        >>> comment_of((("Title", "A gate"), ("Comment", "mine")))
        b'mine'
    """
    return dict(texts).get(COMMENT, "").encode("utf-8", "surrogateescape")


def _parse_raw(text: str) -> bytes:
    """Read IPTC from a text of a PNG: a name, a length, hexadecimals."""
    try:
        block = bytes.fromhex("".join(text.split()[2:]))
    except ValueError:
        return b""
    return block if block.startswith(b"\x1c") else parse_blocks(block).get(IPTC, b"")
