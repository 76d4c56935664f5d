"""A record's arrays in few bytes: some in 256 levels, images by what changed since the last."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEASURES = ("entropy", "value", "doubt")
"""The arrays in levels. Rewards keep their 16 bits: they are summed up, and most lie near zero of a
wide range."""
ALIKE = ("entropy", "value", "reward", "doubt", "original")
"""The arrays of which a pixel's steps are laid side by side: they are alike, and so compress."""
Scale = tuple[float, float]
"""What the levels 0 and 255 stand for."""


def pack_arrays(
    arrays: Mapping[str, NDArray[Any]],
) -> tuple[dict[str, NDArray[Any]], dict[str, Scale]]:
    """Pack arrays as files hold them.

    Entropy, value and doubt become levels, off by at most a 510th of their range. Images of the
    steps become differences from the image before, which a pixel that nobody edits has none of.

    Args:
        arrays: by the names of `file.ARRAYS`, most of them ``(T,H,W)``.

    Returns:
        The arrays, and of each that was scaled what its levels stand for. Numbers that are not all
        finite are kept as they are.

    Example:
        >>> frames = np.array([[[[250]]], [[[251]]], [[[249]]]], np.uint8)
        >>> packed, scales = pack_arrays({"doubt": np.array([0, 0.6, 1]), "frames": frames})
        >>> packed["doubt"].tolist(), scales["doubt"], packed["frames"].ravel().tolist()
        ([0, 153, 255], (0.0, 1.0), [250, 1, 254])
    """
    packed: dict[str, NDArray[Any]] = dict(arrays)
    scales: dict[str, Scale] = {}
    for name in MEASURES:
        if name in arrays and arrays[name].size and np.isfinite(arrays[name]).all():
            packed[name], scales[name] = _to_levels(arrays[name])
    packed |= {name: np.asfortranarray(packed[name]) for name in ALIKE if name in packed}
    if "frames" in arrays:
        packed["frames"] = np.diff(arrays["frames"], axis=0, prepend=np.uint8(0))
        scales["frames"] = (0.0, 255.0)  # tells that these are differences
    return packed, scales


def unpack_arrays(
    packed: Mapping[str, NDArray[Any]], scales: Mapping[str, Scale]
) -> dict[str, NDArray[Any]]:
    """Unpack arrays of a file, most of them ``(T,H,W)``; without a scale, they are as they are.

    Raises:
        ValueError: what was scaled is not in levels, or its scale is none.

    Example:
        >>> doubt = np.array([0.25, 1.0], np.float16)
        >>> unpack_arrays(*pack_arrays({"doubt": doubt}))["doubt"]
        array([0.25, 1.  ], dtype=float16)
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in packed.items()}
    for name in packed.keys() & scales.keys():
        array, (low, high) = arrays[name], scales[name]
        if array.dtype != np.uint8 or not np.isfinite([low, high]).all():
            raise ValueError(f"{name}: not in levels")
        if name == "frames":
            arrays[name] = np.add.accumulate(array, axis=0, dtype=np.uint8)
        else:
            values = np.float32(low) + array * np.float32((high - low) / 255)
            arrays[name] = values.astype(np.float16)
    return arrays


def _to_levels(array: NDArray[Any]) -> tuple[NDArray[np.uint8], Scale]:
    values = array.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    room = (high - low) / 255
    levels = np.rint((values - low) / room) if room else np.zeros_like(values)
    return levels.astype(np.uint8), (low, high)
