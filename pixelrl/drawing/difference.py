"""How two outcomes differ, once they are files."""

from typing import NamedTuple

from torch import Tensor

from pixelrl.drawing.filmstrip import draw_change
from pixelrl.images.files import as_bytes, as_map


class Difference(NamedTuple):
    """Hold how two images differ as 8-bit files.

    Attributes:
        pixels: how many pixels do.
        largest: by how many gray levels at most.
        picture: ``(3,H,W)``: orange where the second is brighter, blue where darker, white where
            they are equal; the largest difference has the full color.
    """

    pixels: int
    largest: int
    picture: Tensor


def draw_difference(before: Tensor, after: Tensor) -> Difference:
    """Compare two images ``(C,H,W)`` as 8-bit files."""
    one, other = as_bytes(before), as_bytes(after)
    pixels = int((one != other).any(-1).sum())
    largest = int(abs(one.astype(int) - other).max())
    picture = draw_change(as_map(one)[None], as_map(other)[None], 255 / max(largest, 1))[0]
    return Difference(pixels, largest, picture)
