"""The one data shape everyone speaks: per-pixel tensors ``(B,K,H,W)`` aligned with the image."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite

import torch
from torch import Tensor

from pixelrl.errors import MapError

Scene = Mapping[str, Tensor]
"""The maps that do not change during an episode, by name: ``image``, ``target``, ``mask``, …"""


def check_map(name: str, value: Tensor, shape: str, **sizes: int) -> Tensor:
    """Check that a map has the shape it should have and is float32.

    Args:
        name: what to call the map in the error.
        value: the map, of any shape.
        shape: one word per dimension, a letter or a number: ``"B 1 H W"``.
        sizes: the letters' sizes; letters without one may have any size.

    Returns:
        ``value`` itself.

    Raises:
        MapError: the shape or the dtype differs.

    Example:
        >>> check_map("reward", torch.zeros(2, 1, 4, 4), "B 1 H W", B=2).shape
        torch.Size([2, 1, 4, 4])

    Example:
        >>> check_map("reward", torch.zeros(2, 3), "B 1 H W", B=2)
        Traceback (most recent call last):
        pixelrl.errors.MapError: reward: expected (B 1 H W) with B=2, got (2, 3).
    """
    words = shape.split()
    wanted = [int(word) if word.isdigit() else sizes.get(word) for word in words]
    fits = value.ndim == len(wanted) and all(
        size is None or size == actual for size, actual in zip(wanted, value.shape, strict=True)
    )
    if not fits:
        known = ", ".join(f"{letter}={size}" for letter, size in sizes.items())
        raise MapError(
            f"{name}: expected ({shape}){f' with {known}' if known else ''},"
            f" got {tuple(value.shape)}."
        )
    if value.dtype != torch.float32:
        raise MapError(f"{name}: expected float32, got {str(value.dtype).removeprefix('torch.')}.")
    return value


def check_scene(scene: Scene, channels: int) -> Scene:
    """Check that the maps of a batch are aligned with its image.

    Args:
        scene: maps ``(B,K,H,W)`` float32, ``image`` among them.
        channels: channels of the image.

    Returns:
        ``scene`` itself.

    Raises:
        MapError: ``image`` is missing or a map differs in B, H or W.

    Example:
        >>> scene = {"image": torch.zeros(2, 3, 4, 4), "mask": torch.zeros(2, 1, 4, 5)}
        >>> check_scene(scene, channels=3)
        Traceback (most recent call last):
        pixelrl.errors.MapError: mask: expected (B K H W) with B=2, H=4, W=4, got (2, 1, 4, 5).
    """
    if "image" not in scene:
        raise MapError(f"scene: expected a map named image, got {', '.join(scene) or 'none'}.")
    batch, _, height, width = check_map("image", scene["image"], "B C H W", C=channels).shape
    for name, value in scene.items():
        check_map(name, value, "B K H W", B=batch, H=height, W=width)
    return scene


NEAR = 16.0
"""So far an image that noise was added to may leave [0, 1]; 0 to 255 does not lie within."""


def check_values(scene: Scene) -> Scene:
    """Check that a scene holds numbers, and an image of values in or near [0, 1].

    Args:
        scene: maps of any shape, ``image`` among them.

    Returns:
        ``scene`` itself.

    Raises:
        MapError: a map holds NaN or infinity, or the image is not scaled to [0, 1].

    Example:
        >>> check_values({"image": torch.full((1, 1, 2, 2), 200.0)})
        Traceback (most recent call last):
        pixelrl.errors.MapError: image: expected values in [0, 1], got 200 to 200; divide by 255?
    """
    for name, value in scene.items():
        if not value.numel():
            raise MapError(f"{name}: expected a map of pixels, got {tuple(value.shape)}.")
        least, most = (float(bound) for bound in torch.aminmax(value))
        if not (isfinite(least) and isfinite(most)):
            raise MapError(f"{name}: holds NaN or infinity; expected numbers.")
        if name == "image" and not -NEAR <= least <= most <= NEAR:
            hint = " divide by 255?" if least >= 0 and most <= 255 else " scale it."
            raise MapError(
                f"{name}: expected values in [0, 1], got {least:.4g} to {most:.4g};{hint}"
            )
    return scene


def map_channels(name: str, channels: int) -> int:
    """Tell how many channels a map file is read with: a mask has one, all else the task's.

    Example:
        >>> map_channels("target", channels=3), map_channels("mask", channels=3)
        (3, 1)
    """
    return 1 if name == "mask" else channels


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Keep float32 inside, whatever the trainer's precision.

    Under bfloat16 autocast a blur would be off by nearly a whole ±1 edit, and TensorFloat-32, which
    cuDNN's convolutions take by default, has no more bits; so only the network runs in them.

    Example:
        >>> ones = torch.ones(1, 1)
        >>> with torch.autocast("cpu", torch.bfloat16):
        ...     rough = ones @ ones
        ...     with exact(ones.device):
        ...         fine = ones @ ones
        >>> rough.dtype, fine.dtype
        (torch.bfloat16, torch.float32)
    """
    if torch.compiler.is_exporting():  # nothing is computed, and graphs are of float32
        yield
        return
    tf32 = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        if torch.amp.is_autocast_available(device.type):
            with torch.autocast(device.type, enabled=False):
                yield
        else:  # such as meta
            yield
    finally:
        torch.backends.cudnn.allow_tf32 = tf32
