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
from pixelrl.images.regions import Region, Regions
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

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> original = open_original(list_bundled("test")[1], channels=1)
        >>> original.metadata.gray, original.read(original.whole).shape
        (True, (512, 512, 1))
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
        """The region that is the whole picture.

        Example:
            >>> from pixelrl.images.folders import list_bundled
            >>> open_original(list_bundled("test")[0], channels=3).whole
            (0, 0, 512, 512)
        """
        return (0, 0, *self.size)


def open_original(
    path: Path, channels: int, profile: Profile = "ignore", regions: Regions | None = None
) -> Original:
    """Open a picture.

    Args:
        path: the file.
        channels: of what agents see: 1 for gray, 3 for RGB.
        profile: what becomes of the color profile that is embedded, as in `read_profiled`.
        regions: reads each region from the file when it is asked for; None to decode the picture
            here and now.

    Raises:
        ConfigError: a conversion is wanted and imagecodecs is not installed.
        DataError: the file is missing, unreadable, damaged, no image, or too large.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> original = open_original(list_bundled("test")[0], channels=3)
        >>> original.size, original.read((500, 0, 512, 512)).shape
        ((512, 512), (12, 512, 3))
    """
    metadata = read_metadata(path)
    found = find_profile(path, profile, 1 if metadata.gray else 3)
    if regions:
        return Original(path, channels, profile, regions.size, metadata, found, regions.read)
    measure_image(path)
    layers = read_layers(path)
    height, width = layers.shape[:2]
    return Original(
        path, channels, profile, (height, width), metadata, found, partial(_cut, layers)
    )


def _cut(layers: NDArray[Any], region: Region) -> NDArray[Any]:
    top, left, bottom, right = region
    return layers[top:bottom, left:right]
