"""Kinds of pictures: paths, Pillow's images, arrays and tensors become samples, and back."""

import os
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pixelrl.api.channels import Picture, look
from pixelrl.api.pillow import read_file, take_image
from pixelrl.errors import MapError
from pixelrl.images.files import as_map
from pixelrl.images.profiles import read_map
from pixelrl.intervention.regions import Region, region_of
from pixelrl.maps import map_channels
from pixelrl.settings import Profile

Kind: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[Any] | Tensor
"""What a picture may come as."""

TOPS = {torch.uint8: 255, torch.uint16: 65535}
"""The white of whole numbers."""
FLOATS = {torch.float16, torch.bfloat16, torch.float32, torch.float64}
LEAST, MOST = -3.0, 4.0
"""Floats may leave [0, 1], as noisy pictures do, but not as far as pictures of 0 to 255."""
EXPECTED = (
    "expected a path, a PIL image, a NumPy array (H W) or (H W C), or a tensor (C H W) or (B C H W)"
)


def take_picture(value: Kind, channels: int, profile: Profile = "ignore") -> Picture:
    """Take a picture of any kind.

    Args:
        value: a path, an image of Pillow's, an array ``(H,W)`` or ``(H,W,C)``, or a tensor
            ``(C,H,W)`` or ``(B,C,H,W)``; numbers are uint8, uint16, or floats with white at 1.
        channels: of what the agents see.
        profile: how the numbers of files are to be read, see `Data`.

    Returns:
        Its samples, and the way back.

    Raises:
        DataError: a file is missing, unreadable or no image.
        MapError: it is of another kind, shape, type or range.

    Example:
        >>> gray = take_picture(np.full((4, 6), 51, np.uint8), channels=1)
        >>> gray.samples.shape, gray.samples[0, 0, 0, 0], gray.restore(gray.samples).dtype
        (torch.Size([1, 1, 4, 6]), tensor(0.2000), dtype('uint8'))
    """
    if isinstance(value, str | os.PathLike):
        return read_file(Path(value), channels, profile)
    if isinstance(value, Image.Image):
        return take_image(value)
    if isinstance(value, np.ndarray):
        return _take_array(value)
    if isinstance(value, Tensor):
        return _take_tensor(value)
    raise MapError(f"a picture of type {type(value).__name__}: {EXPECTED}.")


def take_map(name: str, value: Kind, channels: int, profile: Profile = "ignore") -> Tensor:
    """Take another map of a scene, such as a mask, ``(B,K,H,W)``.

    Args:
        name: the map's.
        value: as in `take_picture`; of bool too.
        channels: of what the agents see.
        profile: as in `take_picture`.

    Raises:
        DataError: a file is missing, unreadable or no image.
        MapError: it is of another kind, shape, type or range.

    Example:
        >>> take_map("mask", np.eye(4, dtype=bool), channels=3).shape
        torch.Size([1, 1, 4, 4])
    """
    wanted = map_channels(name, channels)
    if isinstance(value, str | os.PathLike):
        return as_map(read_map(Path(value), name, channels, profile))[None]
    if isinstance(value, np.ndarray) and value.dtype == bool:
        value = value.astype(np.float32)
    if isinstance(value, Tensor) and value.dtype == torch.bool:
        value = value.float()
    if isinstance(value, Tensor) and value.ndim == 2:
        value = value[None]
    return look(take_picture(value, wanted), wanted)


def take_region(where: Region | Kind) -> Region:
    """Take a region from a mask of any kind: white, or true, is inside.

    Raises:
        DataError: nothing in it is white, or its file cannot be read.
        MapError: it is of another kind, shape, type or range, or more than one.

    Example:
        >>> take_region(np.eye(4, dtype=bool)).inside.sum()
        tensor(4)
    """
    if isinstance(where, Region):
        return where
    mask = take_map("mask", where, 1)
    if len(mask) != 1:
        raise MapError(f"a mask of shape {tuple(mask.shape)}: expected one, for all pictures.")
    named = str(where) if isinstance(where, str | os.PathLike) else "the mask"
    return region_of(mask[0, 0], named)


def _take_array(array: NDArray[Any]) -> Picture:
    """Take ``(H,W)`` or ``(H,W,C)``."""
    shape, dtype = array.shape, array.dtype
    if array.ndim not in {2, 3} or (array.ndim == 3 and not 1 <= shape[2] <= 4):
        first = array.ndim == 3 and 1 <= shape[0] <= 4
        cure = " Move its channels last: np.moveaxis(picture, 0, -1)." if first else ""
        raise MapError(
            f"an array of shape {shape}: expected (H W), or (H W C) with 1 to 4 channels.{cure}"
        )
    native = np.ascontiguousarray(array, dtype=dtype.newbyteorder("="))
    try:
        numbers = torch.from_numpy(native.copy())
    except TypeError as error:
        raise _wrong_type(str(dtype)) from error
    samples = _scale(numbers if array.ndim == 3 else numbers.unsqueeze(-1)).movedim(-1, 0)[None]
    restore = partial(_restore_array, dtype=dtype, kind=numbers.dtype, flat=array.ndim == 2)
    return Picture(samples.contiguous(), restore, numbers.dtype == torch.uint8)


def _restore_array(
    samples: Tensor, /, *, dtype: np.dtype[Any], kind: torch.dtype, flat: bool
) -> NDArray[Any]:
    whole = quantize(samples[0].movedim(0, -1).contiguous(), kind)
    array: NDArray[Any] = whole.numpy().astype(dtype)
    return array[..., 0] if flat else array


def _take_tensor(tensor: Tensor) -> Picture:
    """Take ``(C,H,W)`` or ``(B,C,H,W)``."""
    shape = tuple(tensor.shape)
    if tensor.ndim not in {3, 4} or not 1 <= shape[-3] <= 4:
        last = tensor.ndim in {3, 4} and 1 <= shape[-1] <= 4
        cure = " Move its channels first: picture.movedim(-1, -3)." if last else ""
        raise MapError(
            f"a tensor of shape {shape}: expected (C H W) or (B C H W) with 1 to 4 channels.{cure}"
        )
    samples = _scale(tensor.detach().cpu())
    restore = partial(
        _restore_tensor, kind=tensor.dtype, device=tensor.device, single=tensor.ndim == 3
    )
    whole = samples if tensor.ndim == 4 else samples[None]
    eight = tensor.dtype == torch.uint8
    return Picture(whole.clone(), restore, eight, batched=tensor.ndim == 4)


def _restore_tensor(
    samples: Tensor, /, *, kind: torch.dtype, device: torch.device, single: bool
) -> Tensor:
    whole = quantize(samples, kind).to(device)
    return whole[0] if single else whole


def _scale(numbers: Tensor) -> Tensor:
    """Scale numbers of any shape so that white is 1, as float64 if they are, else float32."""
    if not numbers.numel():
        raise MapError(f"a picture of shape {tuple(numbers.shape)}: there is no pixel in it.")
    if numbers.dtype in TOPS:
        return numbers.to(torch.float32) / TOPS[numbers.dtype]
    if numbers.dtype not in FLOATS:
        raise _wrong_type(str(numbers.dtype).removeprefix("torch."))
    value = numbers if numbers.dtype == torch.float64 else numbers.float()
    if not value.isfinite().all():
        raise MapError("a picture of floats: some are no finite number; replace them.")
    low, high = float(value.min()), float(value.max())
    if low < LEAST or high > MOST:
        raise MapError(
            f"a picture of floats from {low:.4g} to {high:.4g}: expected black at 0 and white at 1;"
            " divide by 255, or by what white is."
        )
    return value


def quantize(samples: Tensor, kind: torch.dtype) -> Tensor:
    """Give samples a type, any shape: whole numbers are clamped and rounded, floats are neither.

    Example:
        >>> quantize(torch.tensor([-0.1, 0.5, 1.2]), torch.uint8)
        tensor([  0, 128, 255], dtype=torch.uint8)
    """
    if kind not in TOPS:
        return samples.to(kind)
    levels = samples.nan_to_num(0.0).clamp(0, 1) * TOPS[kind] + 0.5
    return levels.to(torch.int32).to(kind)


def _wrong_type(kind: str) -> MapError:
    return MapError(f"a picture of {kind}: expected uint8, uint16, or floats with white at 1.")
