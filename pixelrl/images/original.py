"""A picture as its file has it, read whole or by regions: what photographs are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pixelrl.images.layers import read_layers
from pixelrl.images.limits import measure_image
from pixelrl.images.metadata import Metadata, read_metadata
from pixelrl.images.profiles import find_profile
from pixelrl.images.regions import Region, check_regions, measure_upright, read_region
from pixelrl.settings import Profile


@dataclass(frozen=True)
class Original:
    """Hold a picture as its file has it.

    Attributes:
        path: the file.
        channels: of what agents see: 1 for gray, 3 for RGB.
        converted: what becomes of the color profile that is embedded, as in `read_profiled`.
        size: height and width in pixels, upright.
        metadata: what the file says beside its pixels.
        profile: ICC profile that an edit has to carry; empty for none.
        read: reads the layers ``(h,w,K)`` of a region, upright, as `read_layers` does of the whole.
    """

    path: Path
    channels: int
    converted: Profile
    size: tuple[int, int]
    metadata: Metadata
    profile: bytes
    read: Callable[[Region], NDArray[Any]]

    @property
    def whole(self) -> Region:
        """The region that is the whole picture."""
        return (0, 0, *self.size)


def open_original(
    path: Path, channels: int, profile: Profile = "ignore", *, by_regions: bool = False
) -> Original:
    """Open a picture.

    Args:
        path: the file.
        channels: of what agents see: 1 for gray, 3 for RGB.
        profile: what becomes of the color profile that is embedded, as in `read_profiled`.
        by_regions: whether each region is read from the file when it is asked for; else the
            picture is decoded here and now.

    Raises:
        ConfigError: a conversion is wanted and imagecodecs is not installed.
        DataError: the file is missing, unreadable, damaged or no image; or it is too large, or
            cannot be read by regions.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> original = open_original(list_bundled("test")[0], channels=3)
        >>> original.size, original.read((500, 0, 512, 512)).shape
        ((512, 512), (12, 512, 3))
    """
    metadata = read_metadata(path)
    found = find_profile(path, profile, 1 if metadata.gray else 3)
    if by_regions:
        check_regions(path)
        size, read = measure_upright(path), partial(read_region, path)
        return Original(path, channels, profile, size, metadata, found, read)
    measure_image(path)
    layers = read_layers(path)
    height, width = layers.shape[:2]
    return Original(
        path, channels, profile, (height, width), metadata, found, partial(_cut, layers)
    )


def _cut(layers: NDArray[Any], region: Region) -> NDArray[Any]:
    top, left, bottom, right = region
    return layers[top:bottom, left:right]
