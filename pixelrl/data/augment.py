"""Mirroring, rotation and cropping by Albumentations, the same for all maps of a sample."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
from numpy.typing import NDArray

from pixelrl.settings import Data

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import calls home otherwise
import albumentations as A

Arrays = Mapping[str, NDArray[Any]]
Augment = Callable[[Arrays, int], dict[str, NDArray[Any]]]
"""From maps ``(H,W,K)`` and a seed to maps ``(crop,crop,K)``."""

_BORDERS = {"constant": cv2.BORDER_CONSTANT, "reflect": cv2.BORDER_REFLECT_101}


def make_augmentation(data: Data, names: Sequence[str]) -> Augment:
    """Make the augmentation of training, in the official order: mirror, rotate, crop; then turn.

    Args:
        data: how much of it.
        names: the maps' names, ``image`` among them; a ``mask`` is not interpolated.

    Returns:
        A function that treats all maps of a sample alike, and as the seed says.
    """
    border = _BORDERS[data.border]
    steps: list[Any] = [A.RandomCrop(data.crop, data.crop)]
    if data.rotate:
        steps.insert(0, A.Rotate((-data.rotate, data.rotate), border_mode=border, p=0.5))
    if data.flip:
        steps.insert(0, A.HorizontalFlip(p=data.flip))
    if data.turn:
        steps.append(A.RandomRotate90(p=1.0))
    targets = {name: "mask" if name == "mask" else "image" for name in names if name != "image"}
    compose = A.Compose(steps, additional_targets=targets)

    def augment(maps: Arrays, seed: int) -> dict[str, NDArray[Any]]:
        compose.set_random_seed(seed)
        cut: dict[str, NDArray[Any]] = compose(**maps)
        return cut

    return augment
