"""Colors for edits that everybody can tell apart."""

from collections.abc import Sequence

import torch
from torch import Tensor

# The colors of Okabe and Ito, ordered so that neighbors differ most; then, one by one, the
# color farthest from all before it, from light gray and from white (CIEDE2000, the least of normal
# vision, protanopia and deuteranopia).
PALETTE = (
    "0072B2 E69F00 56B4E9 D55E00 CC79A7 F0E442 009E73 222222 112277 663300"
    " 446666 CCCC99 226644 0000DD 3388FF 224455 CCAAAA FF5577 99DDFF BB1144"
)
LIGHT_GRAY = "DDDDDD"


def palette(count: int) -> Tensor:
    """List categorical colors that color-blind readers can tell apart as well.

    Args:
        count: how many; from the 21st on, they are darker repetitions.

    Returns:
        ``(count,3)`` RGB in [0, 1].
    """
    table, index = rgb(PALETTE).view(-1, 3), torch.arange(count)
    return table[index % len(table)] * 0.7 ** (index // len(table))[:, None]


def color_edits(names: Sequence[str], noop: str | None = None) -> Tensor:
    """Give each edit its color: light gray to the one that does nothing, the palette to the rest.

    Args:
        names: the edits' names, in order.
        noop: which of them does nothing, if one does (`ActionSet.noop`).

    Returns:
        ``(A,3)`` RGB in [0, 1], no two alike.

    Example:
        >>> color_edits(["keep", "blur"], noop="keep")[0]
        tensor([0.8667, 0.8667, 0.8667])
    """
    table = palette(len(names))
    if noop is None or noop not in names:
        return table
    index, rest = list(names).index(noop), table[: len(names) - 1]
    return torch.cat([rest[:index], rgb(LIGHT_GRAY)[None], rest[index:]])


def ink_edits(names: Sequence[str], noop: str | None = None) -> list[str]:
    """Write the edits' colors as Pillow and CSS want them, such as ``#0072b2``."""
    return [
        f"#{bytes(row).hex()}" for row in (color_edits(names, noop) * 255).round().int().tolist()
    ]


def rgb(code: str) -> Tensor:
    """Read hexadecimal colors as a flat row of numbers in [0, 1], ``(3 * colors,)``."""
    return torch.tensor([*bytes.fromhex(code)]) / 255
