"""Edits of super-resolution: enlargers, sharpeners, and the step towards consistency.

All carry gradient. None clips: an overshoot is for a later edit to take back, and what is written
and scored is clipped anyway.
"""

from collections.abc import Callable

from torch import Tensor

from pixelrl.actions import Edit, gaussian
from pixelrl_superres.resize import Kernel, resize

Guided = Callable[[Tensor, Tensor], Tensor]
"""From the image ``(B,C,H,W)`` as it stands and the small image ``(B,C,h,w)`` to an image."""


def enlarged(kernel: Kernel) -> Guided:
    """Take the enlargement of the small image, whatever the image has become."""
    return lambda image, small: resize(small, _size(image), kernel)


def back_projected(kernel: Kernel = "bicubic") -> Guided:
    """Add what the reduced image lacks of the small one, enlarged (Irani and Peleg 1991).

    ``x + up(small - down(x))``: a photograph whose reduction is not the small image cannot be the
    one that was reduced. ``down`` is antialiased bicubic, as in the problem.
    """

    def edit(image: Tensor, small: Tensor) -> Tensor:
        lacking = small - resize(image, _size(small))
        return image + resize(lacking, _size(image), kernel)

    return edit


def unsharp(size: int, sigma: float, amount: float) -> Edit:
    """Sharpen by adding what a Gaussian blur takes away: ``x + amount * (x - blur(x))``.

    Args:
        size: side of the blur's window, odd, in pixels.
        sigma: standard deviation of the blur, in pixels: the scale of what is sharpened.
        amount: how much of it is added; negative amounts blur.

    Returns:
        An edit from ``(B,C,H,W)`` to ``(B,C,H,W)``.

    Raises:
        ValueError: ``size`` is even or smaller than three.
    """
    blur = gaussian(size, sigma)
    return lambda image: image + amount * (image - blur(image))


def unguided(edit: Edit) -> Guided:
    """Let an edit of the image alone be asked like the others."""
    return lambda image, small: edit(image)


def _size(image: Tensor) -> tuple[int, int]:
    height, width = image.shape[-2:]
    return height, width
