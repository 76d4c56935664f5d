"""Parts of a picture and stretches of an episode: where and when a person has a say."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pixelrl.errors import ConfigError, DataError, MapError
from pixelrl.images.files import as_map
from pixelrl.images.masks import HALF, check_border, read_mask

OPEN = 1_000_000
"""More steps than any episode has: the end of a stretch that has none."""


@dataclass(frozen=True, eq=False)
class Region:
    """Hold a part of a picture.

    Attributes:
        inside: ``(H,W)`` bool, true where the region is.
        name: what to call it in errors and records, such as its mask's path.

    Raises:
        MapError: ``inside`` has another shape or type.
    """

    inside: Tensor
    name: str

    def __post_init__(self) -> None:
        if self.inside.ndim != 2 or self.inside.dtype != torch.bool:
            kind = str(self.inside.dtype).removeprefix("torch.")
            raise MapError(
                f"{self.name}: expected a region (H W) of bool, got {kind}"
                f" {tuple(self.inside.shape)}."
            )

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that tell regions apart by size and pixels."""
        packed = np.packbits(self.inside.cpu().numpy())
        size = "x".join(map(str, self.inside.shape))
        return hashlib.sha256(size.encode() + packed.tobytes()).hexdigest()[:12]

    def outside(self) -> "Region":
        """Take the rest of the picture instead."""
        return Region(~self.inside, f"outside {self.name}")

    def check_size(self, size: tuple[int, int]) -> None:
        """Check that the region is as large as the picture, ``(H, W)``.

        Raises:
            DataError: it is not.
        """
        height, width = self.inside.shape
        if (height, width) != size:
            raise DataError(
                f"{self.name}: the mask is {width}x{height} pixels, the picture is"
                f" {size[1]}x{size[0]}; they must be equal."
            )


def region_of(mask: Tensor, name: str) -> Region:
    """Take the region from a mask ``(H,W)`` in [0, 1]: its pixels from one half on.

    Raises:
        DataError: there is no such pixel, or no other.
    """
    inside = mask >= HALF
    check_border(inside.numpy(), name, float(mask.max()))
    return Region(inside, name)


def read_region(path: Path) -> Region:
    """Read a region from a mask file: white is inside, black outside.

    Raises:
        DataError: as `read_mask` does.
    """
    return region_of(as_map(read_mask(path))[0], str(path))


def read_steps(text: str) -> range:
    """Read the steps that people count from one: ``3``, ``2-4``, or ``2-`` for the rest.

    Returns:
        The steps, counted from zero; a rest's range ends at `OPEN`.

    Raises:
        ConfigError: it is none of these.

    Example:
        >>> read_steps("2-4")
        range(1, 4)
    """
    found = re.fullmatch(r"([0-9]+)(?:-([0-9]*))?", text)
    first, last = (found[1], found[2]) if found else ("0", "0")
    start = int(first)
    stop = OPEN if last == "" else int(last or first)
    if not 1 <= start <= stop:
        raise ConfigError(f"steps '{text}': expected such as 3, 2-4 or 2-, counted from 1.")
    return range(start - 1, stop)


def write_steps(steps: range) -> str:
    """Write steps as `read_steps` reads them."""
    first = steps.start + 1
    if steps.stop >= OPEN:
        return f"{first}-"
    return str(first) if len(steps) == 1 else f"{first}-{steps.stop}"


def describe_steps(written: str) -> str:
    """Tell steps as `write_steps` wrote them to a person: ``step 3``, ``steps 2-4``."""
    return f"{'step' if written.isdigit() else 'steps'} {written}"


def check_steps(steps: range, length: int) -> None:
    """Check that steps begin, and end unless they are open, within an episode.

    Raises:
        ConfigError: they do not.
    """
    last = steps.start + 1 if steps.stop >= OPEN else steps.stop
    if last > length:
        raise ConfigError(f"{describe_steps(write_steps(steps))}: the episode has {length} steps.")
