"""Pictures of Pillow's, and those of files, which are given back as such."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pixelrl.api.channels import Picture
from pixelrl.errors import MapError
from pixelrl.images.files import as_bytes, as_map
from pixelrl.images.photograph import read_photograph
from pixelrl.settings import Profile

OWN = ("L", "LA", "RGB", "RGBA")
"""The modes that are given back as they came."""
NEAREST = {"1": "L", "P": "RGB", "PA": "RGBA", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB"}
NEAREST |= dict.fromkeys(("CMYK", "YCbCr", "LAB", "HSV"), "RGB")
"""The modes that become another, which tells as much of their colors."""
DEEP = ("I;16", "I;16L", "I;16B")


def take_image(image: Image.Image) -> Picture:
    """Take an image of Pillow's; what is told beside its pixels is handed on.

    Raises:
        MapError: it is empty, or its numbers have no known range.

    Example:
        >>> picture = take_image(Image.new("LA", (6, 4)))
        >>> picture.samples.shape, picture.restore(picture.samples).mode
        (torch.Size([1, 2, 4, 6]), 'LA')
    """
    mode = image.mode
    info: dict[Any, Any] = dict(image.info)
    if not image.width * image.height:
        raise MapError(f"a PIL image of size {image.size}: there is no pixel in it.")
    if mode in DEEP:
        numbers = torch.from_numpy(np.array(image).astype(np.int32))
        return Picture(numbers[None, None] / 65535, partial(_restore_deep, info=info))
    wanted = mode if mode in OWN else NEAREST.get(mode)
    if wanted is None:
        raise MapError(
            f"a PIL image of mode {mode}, whose numbers have no known range: expected"
            f" {', '.join(OWN)}; convert it, or pass an array."
        )
    if "transparency" in info and mode != "RGBA":
        wanted = "RGBA" if wanted == "RGB" else "LA"
        del info["transparency"]
    notes: tuple[str, ...] = ()
    if mode != wanted:
        notes = (f"A picture of mode {mode} came in; the result's is {wanted}.",)
        if mode in {"CMYK", "LAB"}:
            info.pop("icc_profile", None)  # it is of other colors
    array = np.array(image.convert(wanted) if mode != wanted else image)
    samples = as_map(np.atleast_3d(array))[None]
    return Picture(samples, partial(_restore, info=info), eight_bit=True, notes=notes)


def read_file(path: Path, channels: int, profile: Profile) -> Picture:
    """Read a picture from its file; it is given back as an image of Pillow's, of 8 bits.

    What else the file holds, depth, EXIF and the like, is kept for `Result.save`.

    Args:
        path: the file.
        channels: of what the agents see.
        profile: how its numbers are to be read, see `Data`.

    Raises:
        ConfigError: a conversion is wanted and imagecodecs is not installed.
        DataError: the file is missing, unreadable, damaged or no image.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> read_file(list_bundled("test")[0], channels=1, profile="ignore").samples.shape
        torch.Size([1, 3, 512, 512])
    """
    found = read_photograph(path, channels, profile)
    colors = found.image if found.base is None else found.base
    layers = colors if found.alpha is None else torch.cat([colors, found.alpha])
    info = {"icc_profile": found.profile} if found.profile else {}
    eight = found.metadata.kind == "uint8"
    deep = f"{path.name} is deeper than 8 bits: the image here has 8, the one that save writes all."
    return Picture(
        layers[None],
        partial(_restore, info=info),
        eight_bit=eight and profile == "ignore",
        name=path.stem,
        notes=() if eight else (deep,),
        photograph=found,
    )


def _restore(samples: Tensor, /, *, info: dict[Any, Any]) -> Image.Image:
    array = as_bytes(samples[0])
    image = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
    image.info.update(info)
    return image


def _restore_deep(samples: Tensor, /, *, info: dict[Any, Any]) -> Image.Image:
    levels = (samples[0, 0].nan_to_num(0.0).clamp(0, 1) * 65535 + 0.5).to(torch.int32)
    image = Image.fromarray(levels.numpy().astype(np.uint16))
    image.info.update(info)
    return image
