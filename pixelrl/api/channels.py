"""What agents see of a picture, and what becomes of its own colors by their edits."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from pixelrl.errors import MapError
from pixelrl.images.carrying import carry_change, lay_on_white, take_luminance
from pixelrl.images.photograph import Photograph

WHOLE = (19595, 38470, 7471)
"""`carrying.LUMA` in 65536ths, by which Pillow makes 8-bit color gray."""


class Restore(Protocol):
    """Make of samples ``(B,N,H,W)``, nominally in [0, 1], a picture of the kind that came in."""

    def __call__(self, samples: Tensor, /) -> Any:  # noqa: ANN401 - of any kind
        """Make it of ``(B,N,H,W)``."""


@dataclass(frozen=True)
class Picture:
    """Hold a picture as it came in.

    Attributes:
        samples: ``(B,N,H,W)`` on the CPU, nominally in [0, 1]; N is 1 for gray, 3 for RGB, and one
            more with transparency. float64 if it came so, else float32.
        restore: makes a picture of the kind that came in.
        eight_bit: whether samples are whole 255ths.
        name: what to call files that are written of it.
        notes: what is not as it may seem.
        batched: whether several came in, or may have.
        photograph: what its file holds beside the samples; None if it came from no file.
    """

    samples: Tensor
    restore: Restore
    eight_bit: bool = False
    name: str = "picture"
    notes: tuple[str, ...] = ()
    batched: bool = False
    photograph: Photograph | None = None

    @property
    def colors(self) -> Tensor:
        """The samples without transparency, ``(B,K,H,W)``, K 1 or 3."""
        return self.samples[:, : 1 if self.samples.shape[1] < 3 else 3]

    @property
    def alpha(self) -> Tensor | None:
        """How opaque it is, ``(B,1,H,W)`` in [0, 1]; None if it is so everywhere."""
        return self.samples[:, -1:] if self.samples.shape[1] in {2, 4} else None

    def take(self, index: int) -> "Picture":
        """Take one picture of a batch."""
        if not self.batched:
            return self
        chosen, restore = self.samples[index : index + 1], partial(_restore_first, self.restore)
        return replace(self, samples=chosen, restore=restore, batched=False)


def _restore_first(restore: Restore, samples: Tensor, /) -> Any:  # noqa: ANN401 - of any kind
    return restore(samples)[0]


def look(picture: Picture, channels: int) -> Tensor:
    """Show a picture to agents: transparency on white, as gray or RGB as they see.

    Args:
        picture: as it came in.
        channels: of what agents see, 1 or 3.

    Returns:
        ``(B,channels,H,W)`` float32, nominally in [0, 1].

    Raises:
        MapError: agents see another number of channels.

    Example:
        >>> red = Picture(torch.tensor([1.0, 0, 0])[None, :, None, None], restore=lambda it: it)
        >>> look(red, 1)
        tensor([[[[0.2990]]]])
    """
    if channels not in {1, 3}:
        raise MapError(
            f"these agents see {channels} channels; pictures have 1 (gray) or 3 (color)."
        )
    alpha = None if picture.alpha is None else picture.alpha.float()
    colors = lay_on_white(picture.colors.float(), alpha)
    if colors.shape[1] == channels:
        return colors
    if channels == 3:
        return colors.repeat(1, 3, 1, 1)
    return _round_luminance(colors) if picture.eight_bit else take_luminance(colors)


def finish(picture: Picture, seen: Tensor, edited: Tensor) -> Tensor:
    """Carry what agents changed over to the picture's own colors.

    `carry_change` tells how. Samples where nothing was changed stay exactly what they were.

    Args:
        picture: as it came in.
        seen: ``(B,C,H,W)``, what `look` gave.
        edited: ``(B,C,H,W)``, what agents made of it.

    Returns:
        The samples ``(B,N,H,W)`` of the finished picture; not clamped.

    Example:
        >>> color = Picture(torch.tensor([0.2, 0.4, 0.6])[None, :, None, None], lambda it: it)
        >>> gray = look(color, 1)
        >>> finish(color, gray, gray + 0.1).flatten()
        tensor([0.3000, 0.5000, 0.7000])
    """
    own = picture.colors
    if own.shape[1] == edited.shape[1] and picture.alpha is None:
        return torch.where(edited == seen, own, edited.to(own))
    colors = carry_change(own, picture.alpha, seen, edited)
    return colors if picture.alpha is None else torch.cat([colors, picture.alpha], 1)


def note_channels(picture: Picture, channels: int) -> tuple[str, ...]:
    """Tell in words where agents do not see the very picture that came in."""
    own, notes = picture.colors.shape[1], list(picture.notes)
    if own == 3 and channels == 1:
        notes.append(
            "The agents see gray: they edited the picture's luminance (Y of YCbCr); its color"
            " (Cb, Cr) is kept."
        )
    if own == 1 and channels == 3:
        notes.append(
            "The agents see color and the picture is gray: the luminance of what they did is kept."
        )
    if picture.alpha is not None:
        notes.append("The agents saw the picture on white; its transparency is kept.")
    return tuple(notes)


def _round_luminance(colors: Tensor) -> Tensor:
    """Take it rounded to 255ths, as a file of 8 bits is read by agents that see gray."""
    levels = (255 * colors).round().long()
    red, green, blue = levels.unbind(1)
    whole = WHOLE[0] * red + WHOLE[1] * green + WHOLE[2] * blue + (1 << 15)
    return (whole >> 16).unsqueeze(1) / 255
