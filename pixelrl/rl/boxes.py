"""Rectangles of pixels, and how pictures are cut into them."""

from types import EllipsisType
from typing import NamedTuple


class Box(NamedTuple):
    """Name a rectangle of pixels, ends not included.

    Attributes:
        top: its first row.
        left: its first column.
        bottom: the row after its last.
        right: the column after its last.

    Example:
        >>> Box(4, 4, 8, 8).grow(3, Box(0, 0, 10, 9))
        Box(top=1, left=1, bottom=10, right=9)
    """

    top: int
    left: int
    bottom: int
    right: int

    @property
    def window(self) -> tuple[EllipsisType, slice, slice]:
        """What takes it out of maps ``(...,H,W)``.

        Example:
            >>> import torch
            >>> torch.arange(16).view(4, 4)[Box(0, 1, 2, 3).window].tolist()
            [[1, 2], [5, 6]]
        """
        return (..., slice(self.top, self.bottom), slice(self.left, self.right))

    @property
    def pixels(self) -> int:
        """How many there are.

        Example:
            >>> Box(0, 1, 2, 3).pixels
            4
        """
        return (self.bottom - self.top) * (self.right - self.left)

    def grow(self, pixels: int, limits: "Box") -> "Box":
        """Widen it on all sides, but not beyond its limits.

        Example:
            >>> Box(4, 4, 8, 8).grow(1, Box(0, 0, 8, 9))
            Box(top=3, left=3, bottom=8, right=9)
        """
        return Box(
            max(self.top - pixels, limits.top),
            max(self.left - pixels, limits.left),
            min(self.bottom + pixels, limits.bottom),
            min(self.right + pixels, limits.right),
        )

    def seen_from(self, outer: "Box") -> "Box":
        """Name the same pixels within a box that holds it.

        Example:
            >>> Box(4, 4, 8, 8).seen_from(Box(3, 2, 9, 9))
            Box(top=1, left=2, bottom=5, right=6)
        """
        top, left = outer.top, outer.left
        return Box(self.top - top, self.left - left, self.bottom - top, self.right - left)


def round_up(pixels: int, stride: int) -> int:
    """Widen to a whole multiple of a stride.

    Example:
        >>> round_up(33, 16), round_up(32, 16)
        (48, 32)
    """
    return -(-pixels // stride) * stride


def list_tiles(box: Box, tile: int) -> list[Box]:
    """Cut a box into tiles, row by row; those at its right and bottom may be smaller.

    Example:
        >>> list_tiles(Box(0, 0, 4, 6), 4)
        [Box(top=0, left=0, bottom=4, right=4), Box(top=0, left=4, bottom=4, right=6)]
    """
    return [
        Box(top, left, min(top + tile, box.bottom), min(left + tile, box.right))
        for top in range(box.top, box.bottom, tile)
        for left in range(box.left, box.right, tile)
    ]
