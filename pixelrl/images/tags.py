"""What a TIFF's tags tell of the picture, beside its EXIF."""

from typing import Any

from pixelrl.images.exif import BELOW, TOLD
from pixelrl.images.notes import describe_blocks, parse_blocks

IPTC, PHOTOSHOP, XMP, PROFILE = 33723, 34377, 700, 34675
OF_THE_FILE = {
    *(254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283),
    *(284, 296, 297, 301, 317, 318, 319, 320, 322, 323, 324, 325, 330, 338, 339, 340, 341, 347),
    *(512, 513, 514, 529, 530, 531, 532),
}
"""The tags that tell how samples are stored, and where."""


def tiff_captions(tags: Any) -> bytes:  # noqa: ANN401 - tifffile's own
    """Read the IPTC block of a TIFF's tags; empty for none.

    Example:
        >>> import io
        >>> import numpy as np
        >>> import tifffile
        >>> file, held = io.BytesIO(), [(33723, "B", 6, b"abcdef", True)]
        >>> tifffile.imwrite(file, np.zeros((2, 2), np.uint8), extratags=held)
        >>> _ = file.seek(0)
        >>> tiff_captions(tifffile.TiffFile(file).pages[0].tags)
        b'abcdef'
    """
    block = tags.valueof(IPTC)
    return block if isinstance(block, bytes) else b""


def describe_tags(tags: Any) -> list[str]:  # noqa: ANN401 - tifffile's own
    """Say in words which tags tell something that no edit has.

    Example:
        >>> import io
        >>> import numpy as np
        >>> import tifffile
        >>> file, held = io.BytesIO(), [(33550, "d", 3, (1.0, 1.0, 0.0), True)]
        >>> tifffile.imwrite(file, np.zeros((2, 2), np.uint8), extratags=held)
        >>> _ = file.seek(0)
        >>> describe_tags(tifffile.TiffFile(file).pages[0].tags)
        ['TIFF tags left out (ModelPixelScaleTag)']
    """
    block = tags.valueof(PHOTOSHOP)
    told = describe_blocks(parse_blocks(block)) if isinstance(block, bytes) else []
    known = {*OF_THE_FILE, *TOLD, *BELOW, IPTC, PHOTOSHOP, XMP, PROFILE}
    others = sorted({tag.name or str(tag.code) for tag in tags if tag.code not in known})
    return [*told, *([f"TIFF tags left out ({', '.join(others)})"] if others else [])]


def tiff_resolution(tags: Any) -> tuple[float, float] | None:  # noqa: ANN401 - tifffile's own
    """Read pixels per inch from the rationals of a TIFF; None if it tells none.

    Example:
        >>> import io
        >>> import numpy as np
        >>> import tifffile
        >>> file = io.BytesIO()
        >>> tifffile.imwrite(file, np.zeros((2, 2), np.uint8), resolution=(300, 300))
        >>> _ = file.seek(0)
        >>> tiff_resolution(tifffile.TiffFile(file).pages[0].tags)
        (300.0, 300.0)
    """
    per_inch = {2: 1.0, 3: 2.54}.get(int(tags.valueof(296, default=2)))
    pair = [tags.valueof(number) for number in (282, 283)]
    if per_inch is None or not all(value and value[1] and value[0] for value in pair):
        return None
    x, y = (per_inch * value[0] / value[1] for value in pair)
    return None if (x, y) == (1, 1) else (x, y)  # 1/1 is what writers put that know none
