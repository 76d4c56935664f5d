"""The pictures that episodes begin with, and where they are cut."""

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pixelrl.data.module import Crops
from pixelrl.data.reading import pose
from pixelrl.data.sampling import seed_sample
from pixelrl.errors import ConfigError, DataError, MapError
from pixelrl.images.files import as_map
from pixelrl.maps import Scene, exact, map_channels
from pixelrl.settings import Data
from pixelrl.task import Task, reward_map

Array = NDArray[Any]
Pictures = Data | str | PathLike[str] | Array | Mapping[str, Array] | None
"""Where pictures come from; see `find_scenes`."""

Observe = Literal["agents", "image"]
"""What an algorithm sees: what the task's agents see, or the picture as it stands."""

SEEDS = 2**31
"""So many scenes are cut from a picture, each of its own number."""
LEAST = 16
"""The smallest side of an episode's picture, in pixels: scores look at windows of eleven."""


class Scenes(Protocol):
    """Name what episodes are drawn from."""

    def __len__(self) -> int:
        """How many pictures there are."""

    def __getitem__(self, key: tuple[int, int]) -> Mapping[str, Tensor]:
        """Cut a scene, maps ``(K,H,W)``, for a number that seeds it and a picture's index."""


def find_scenes(task: Task, pictures: Pictures, size: int) -> Scenes:
    """Find what episodes are drawn from: crops of pictures, in which the task poses its problem.

    Args:
        task: poses the problem.
        pictures: None for the bundled images, a folder, an array ``(H,W)`` or ``(H,W,C)`` (uint8,
            or floats with white at 1), arrays by map name for tasks that learn from more than an
            image, or `Data`, which cuts and augments as a training does.
        size: side of a crop, in pixels; it stands for ``data.crop``.

    Raises:
        ConfigError: the size is too small.
        DataError: a file is missing or unreadable, a map is missing, or a picture is smaller than
            a crop.
        MapError: an array is no picture.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> scenes = find_scenes(Denoising(), np.full((40, 50), 128, np.uint8), size=32)
        >>> {name: tuple(value.shape) for name, value in scenes[7, 0].items()}
        {'image': (1, 32, 32), 'target': (1, 32, 32)}
    """
    if size < LEAST:
        raise ConfigError(f"size: expected pixels from {LEAST} on, got {size}.")
    if isinstance(pictures, np.ndarray):
        return ArrayCrops(task, {"image": pictures}, size)
    if isinstance(pictures, Mapping):
        return ArrayCrops(task, pictures, size)
    if isinstance(pictures, Data):
        return Crops(task, replace(pictures, crop=size), 0)
    if pictures is not None and not isinstance(pictures, str | PathLike):
        raise MapError(
            f"pictures of type {type(pictures).__name__}: expected a folder, an array or Data."
        )
    train = {} if pictures is None else {"image": str(Path(pictures))}
    return Crops(task, Data(train=train, crop=size, rotate=0.0), 0)


def see(task: Task, image: Tensor, scene: Scene, observe: Observe) -> Tensor:
    """Tell what an algorithm sees, ``(B,K,H,W)``, of an image ``(B,C,H,W)`` as it stands."""
    if observe == "image":
        return image
    with exact(image.device):
        return task.observe(image, scene)


def count_seen(task: Task, observe: Observe) -> int:
    """Count the channels K of what an algorithm sees."""
    return task.channels if observe == "image" else task.observation_channels


def step_and_pay(task: Task, image: Tensor, choice: Tensor, scene: Scene) -> tuple[Tensor, Tensor]:
    """Let each pixel take its choice ``(B,H,W)``; returns the next image and the reward map."""
    with exact(image.device):
        after = task.step(image, choice, scene)
        return after, reward_map(task, image, after, scene)


class ArrayCrops:
    """Cut crops of one picture that is given as arrays, and pose the task's problem.

    Args:
        task: poses the problem.
        arrays: by map name, ``(H,W)`` or ``(H,W,K)``.
        size: side of a crop, in pixels.

    Raises:
        DataError: a map that the task learns from is missing, or the picture is too small.
        MapError: an array is no picture, or sizes differ.
    """

    def __init__(self, task: Task, arrays: Mapping[str, Array], size: int) -> None:
        for name in task.learns_from:
            if name not in arrays:
                raise DataError(
                    f"{type(task).__name__} learns from {', '.join(task.learns_from)};"
                    f" no array is given for {name}."
                )
        self.task, self.size = task, size
        self.posed = "target" in arrays and "target" not in task.learns_from
        self.maps = {name: _as_map(name, value, task) for name, value in arrays.items()}
        self.shape = self.maps["image"].shape[-2:]
        for name, value in self.maps.items():
            if value.shape[-2:] != self.shape:
                raise MapError(
                    f"{name}: expected {self.shape[1]}x{self.shape[0]} pixels as the image has,"
                    f" got {value.shape[-1]}x{value.shape[-2]}."
                )
        if min(self.shape) < size:
            raise DataError(
                f"image: {self.shape[1]}x{self.shape[0]} pixels are fewer than a crop of {size};"
                " give a larger picture or a smaller size."
            )

    def __len__(self) -> int:
        return 1

    def __getitem__(self, key: tuple[int, int]) -> Mapping[str, Tensor]:
        rng, seed = seed_sample(0, key[0])
        places = np.random.default_rng(seed)
        top, left = (int(places.integers(side - self.size + 1)) for side in self.shape)
        window = (..., slice(top, top + self.size), slice(left, left + self.size))
        maps = {name: value[window].clone() for name, value in self.maps.items()}
        return pose(self.task, maps, None if self.posed else rng)


def _as_map(name: str, array: Array, task: Task) -> Tensor:
    """Turn an array into a map ``(K,H,W)``."""
    whole = array[..., None] if array.ndim == 2 else array
    wanted = map_channels(name, task.channels)
    if whole.ndim != 3 or whole.shape[2] != wanted:
        raise MapError(
            f"{name}: expected an array (H W {wanted}){' or (H W)' if wanted == 1 else ''},"
            f" got {array.shape}."
        )
    if whole.dtype == np.uint8:
        return as_map(whole)
    if whole.dtype.kind != "f" or not np.isfinite(whole).all():
        raise MapError(f"{name}: expected uint8, or finite floats with white at 1.")
    return as_map(whole.astype(np.float32))
