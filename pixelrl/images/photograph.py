"""A photograph as agents see it, and the photograph that their edits of it make."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from pixelrl.images.carrying import carry_change
from pixelrl.images.files import as_map
from pixelrl.images.layers import show_layers
from pixelrl.images.metadata import Metadata
from pixelrl.images.original import Original, open_original
from pixelrl.images.profiles import convert_colors
from pixelrl.images.regions import Region
from pixelrl.settings import Profile


@dataclass(frozen=True)
class Photograph:
    """Hold a picture and all that has to be kept of it.

    Attributes:
        image: ``(C,H,W)`` float32 in [0, 1], upright, what the agents see: transparency on white.
        base: ``(K,H,W)``, K 1 or 3: the picture's own colors, where they are not what agents see;
            else None.
        alpha: ``(1,H,W)``, 1 where it is opaque; None if it is everywhere.
        metadata: what the file says beside its pixels.
        profile: ICC profile that an edit has to carry; empty for none.

    Example:
        >>> import torch
        >>> color = Metadata("PNG", "uint8", gray=False, clear=False)
        >>> Photograph(torch.zeros(1, 2, 2), torch.zeros(3, 2, 2), None, color).luminance_alone
        True
    """

    image: Tensor
    base: Tensor | None
    alpha: Tensor | None
    metadata: Metadata
    profile: bytes = b""

    @property
    def luminance_alone(self) -> bool:
        """Whether agents see the luminance of a picture that has color.

        Example:
            >>> import torch
            >>> gray = Metadata("PNG", "uint8", gray=True, clear=False)
            >>> Photograph(torch.zeros(1, 2, 2), None, None, gray).luminance_alone
            False
        """
        return self.image.shape[0] == 1 and not self.metadata.gray


def read_photograph(path: Path, channels: int, profile: Profile = "ignore") -> Photograph:
    """Read a picture with all that has to be kept of it.

    Args:
        path: the file.
        channels: of what agents see: 1 for gray, 3 for RGB.
        profile: what becomes of the color profile that is embedded, as in `read_profiled`.

    Raises:
        ConfigError: a conversion is wanted and imagecodecs is not installed.
        DataError: the file is missing, unreadable, damaged or no image.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> photograph = read_photograph(list_bundled("test")[0], channels=1)
        >>> photograph.image.shape, photograph.base.shape, photograph.alpha
        (torch.Size([1, 512, 512]), torch.Size([3, 512, 512]), None)
    """
    original = open_original(path, channels, profile)
    return see_region(original, original.whole)


def see_region(original: Original, region: Region) -> Photograph:
    """See a region of a picture as agents do, with all that has to be kept of it.

    Args:
        original: the picture.
        region: a part of it, upright.

    Raises:
        ConfigError: a conversion is wanted and imagecodecs is not installed.
        DataError: the file or its profile is damaged.

    Example:
        >>> from pixelrl.images.folders import list_bundled
        >>> original = open_original(list_bundled("test")[0], channels=1)
        >>> see_region(original, (0, 0, 8, 16)).image.shape
        torch.Size([1, 8, 16])
    """
    path, channels, metadata = original.path, original.channels, original.metadata
    convert = partial(convert_colors, path, profile=original.converted)
    layers, converts = original.read(region), original.converted != "ignore"
    shown = as_map(show_layers(layers, 3 if converts else channels))
    image = convert(shown, channels) if converts else shown
    own = 1 if metadata.gray else 3
    if channels == own and not metadata.clear:
        return Photograph(image, None, None, metadata, original.profile)
    value = as_map(layers)
    colors, alpha = (value[:-1], value[-1:]) if len(value) in {2, 4} else (value, None)
    if converts:
        colors = convert(colors, own)
    return Photograph(image, colors, alpha, metadata, original.profile)


def finish_photograph(photograph: Photograph, edited: Tensor) -> Tensor:
    """Make of edits the picture they are meant for; where nothing was edited, it stays exactly.

    Where agents do not see its own colors, `carry_change` tells what becomes of these.

    Args:
        photograph: what was edited.
        edited: ``(C,H,W)``, as agents left its ``image``.

    Returns:
        ``(K,H,W)``, K 1 or 3, without transparency.

    Example:
        >>> import torch
        >>> metadata = Metadata("PNG", "uint8", gray=False, clear=False)
        >>> red = torch.tensor([0.75, 0.25, 0.25])[:, None, None]
        >>> photograph = Photograph(torch.full((1, 1, 1), 0.4), red, None, metadata)
        >>> finish_photograph(photograph, torch.full((1, 1, 1), 0.5)).flatten()
        tensor([0.8500, 0.3500, 0.3500])
    """
    if photograph.base is None:
        return edited
    return carry_change(photograph.base, photograph.alpha, photograph.image, edited)
