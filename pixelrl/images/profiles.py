"""Color profiles: what the numbers of a file mean, and the same colors in other numbers."""

from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pixelrl.errors import ConfigError, DataError
from pixelrl.images.files import as_map, read_array, read_embedded_profile
from pixelrl.images.layers import fit_channels
from pixelrl.images.limits import measure_image
from pixelrl.images.masks import read_mask
from pixelrl.maps import map_channels
from pixelrl.settings import Profile

_CURVE = 1.8
_WHITE = (0.3457, 0.3585)
_PRIMARIES = (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001)
"""ProPhoto RGB (ROMM, ISO 22028-2) as chromaticities; its white is D50."""

RELATIVE = 1
"""The rendering intent: white becomes white, what does not fit is clipped."""


def read_profiled(path: Path, channels: int, profile: Profile) -> NDArray[Any]:
    """Read an image file, its colors converted by the profile that is embedded in it.

    A file without a profile counts as sRGB, as in browsers. Colors that the wanted numbers cannot
    express are clipped; white stays white (relative colorimetric).

    Args:
        path: the file.
        channels: 1 for gray, 3 for RGB.
        profile: ``ignore`` leaves all numbers as they are, as the authors' code does; ``srgb`` and
            ``prophoto`` say which numbers are wanted.

    Returns:
        ``(H,W,channels)``: as `images.read_array` does; float32 in [0, 1] after a conversion.

    Raises:
        ConfigError: a conversion is wanted and imagecodecs is not installed.
        DataError: the file or its profile is unreadable, or the profile is of no RGB or gray.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> camera = list_bundled("test")[1]  # gray, without a profile: it counts as sRGB
        >>> same, converted = (read_profiled(camera, 1, each) for each in ("ignore", "srgb"))
        >>> same.shape, int(same[0, 0, 0]), round(255 * float(converted[0, 0, 0]), 3)
        ((512, 512, 1), 200, 200.0)
    """
    if profile == "ignore":
        return read_array(path, channels)
    _codecs(profile)
    colors = convert_colors(path, as_map(read_array(path, 3)), channels, profile)
    return np.ascontiguousarray(colors.permute(1, 2, 0).numpy())


def convert_colors(path: Path, colors: Tensor, channels: int, profile: Profile) -> Tensor:
    """Convert a file's colors by the profile that is embedded in it.

    Args:
        path: the file.
        colors: ``(K,H,W)`` float32 in [0, 1], K 1 or 3, as the file has them.
        channels: 1 for gray, 3 for RGB.
        profile: ``srgb`` or ``prophoto``: which numbers are wanted.

    Returns:
        ``(channels,H,W)`` float32 in [0, 1].

    Raises:
        ConfigError: imagecodecs is not installed.
        DataError: the profile is unreadable, or of no RGB or gray.

    Example:
        >>> import torch
        >>> from pixelrl.images.folders import list_bundled
        >>> camera = list_bundled("test")[1]  # gray, without a profile: it counts as sRGB
        >>> convert_colors(camera, torch.full((1, 1, 1), 0.5), 1, "srgb")
        tensor([[[0.5000]]])
    """
    codecs = _codecs(profile)
    value = fit_channels(colors.permute(1, 2, 0).numpy(), 3)
    embedded = read_embedded_profile(path) or (b"" if profile == "srgb" else icc_profile("srgb"))
    if not embedded:  # sRGB to sRGB
        return as_map(fit_channels(value, channels))
    space = _space(embedded)
    if space not in {"rgb", "gray"}:
        raise DataError(
            f"{path}: its profile is of {space}; expected RGB or gray. Convert it, or take its"
            " numbers as they are (data.profile=ignore)."
        )
    if space == "gray":  # the three channels are equal
        value = np.ascontiguousarray(value[..., 0])
    try:
        found = codecs.cms_transform(
            value,
            embedded,
            icc_profile(profile),
            colorspace=space,
            outcolorspace="rgb",
            outdtype="float32",
            intent=RELATIVE,
        )
    except codecs.CmsError as error:
        raise DataError(
            f"{path}: its color profile cannot be used ({error}); embed another, or take its"
            " numbers as they are (data.profile=ignore)."
        ) from error
    return as_map(fit_channels(np.clip(found, 0, 1), channels))


def read_map(path: Path, name: str, channels: int, profile: Profile) -> NDArray[Any]:
    """Read a map's file, ``(H,W,K)``: a mask has one channel and no color, all else the task's.

    Args:
        path: the file.
        name: the map's.
        channels: the task's.
        profile: as in `read_profiled`.

    Raises:
        ConfigError: as `read_profiled` does.
        DataError: as `read_profiled` and `read_mask` do, or the image has too many pixels.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> astronaut = list_bundled("test")[0]
        >>> [read_map(astronaut, "image", channels, "ignore").shape for channels in (1, 3)]
        [(512, 512, 1), (512, 512, 3)]
    """
    if name == "mask":
        return read_mask(path)
    measure_image(path)
    return read_profiled(path, map_channels(name, channels), profile)


def find_profile(path: Path, profile: Profile, channels: int) -> bytes:
    """Find the ICC profile that an edit of a file has to carry; empty for none.

    Numbers taken as they are go on meaning what they meant, so the file's own profile is handed on
    where it fits; sRGB, which everybody assumes, needs none.

    Args:
        path: the file that was edited.
        profile: how it was read.
        channels: of the edited image.

    Raises:
        ConfigError: a conversion was wanted and imagecodecs is not installed.
        DataError: the file is missing or no image.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> astronaut = list_bundled("test")[0]
        >>> find_profile(astronaut, "ignore", 3)[16:20], find_profile(astronaut, "srgb", 3)
        (b'RGB ', b'')
    """
    if profile == "ignore":
        found = read_embedded_profile(path)
        return found if _space(found) == {1: "gray", 3: "rgb"}.get(channels) else b""
    return icc_profile(profile) if profile == "prophoto" and channels == 3 else b""


@cache
def icc_profile(profile: Profile) -> bytes:
    """Make the ICC profile of ``srgb`` or ``prophoto``.

    Raises:
        ConfigError: imagecodecs is not installed.

    Example:
        >>> profile = icc_profile("prophoto")
        >>> profile[16:20], profile[36:40]  # its color space, and the signature of every profile
        (b'RGB ', b'acsp')
    """
    codecs = _codecs(profile)
    if profile == "srgb":
        return bytes(codecs.cms_profile("srgb"))
    return bytes(codecs.cms_profile("rgb", whitepoint=_WHITE, primaries=_PRIMARIES, gamma=_CURVE))


def _space(profile: bytes) -> str:
    """Tell from a profile's header what color space its numbers are of, in lower case."""
    return profile[16:20].decode("latin-1").strip().lower()


def _codecs(profile: Profile) -> ModuleType:
    try:
        import imagecodecs  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            f"data.profile={profile} needs imagecodecs; pip install 'pixelrl[icc]'."
        ) from error
    module: ModuleType = imagecodecs
    return module
