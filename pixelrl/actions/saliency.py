"""Edits that ask a saliency model where to act."""

import torch
from torch import Tensor

from pixelrl.actions.core import Edit
from pixelrl.saliency.model import Saliency, as_unit


def where_salient(saliency: Saliency, edit: Edit, *, inverted: bool = False) -> Edit:
    """Do an edit as much as a place is salient: whole at the image's peak, not at all at zero.

    Several such edits of one image share one evaluation of the model.

    Args:
        saliency: the model.
        edit: what is done.
        inverted: whether it is done where nobody looks instead.

    Returns:
        An edit from ``(B,C,H,W)`` to ``(B,C,H,W)``.

    Example:
        >>> from pixelrl.actions import scale
        >>> from pixelrl.saliency import CallableSaliency
        >>> bright = Saliency(CallableSaliency(lambda image: image.mean(1)))
        >>> where_salient(bright, scale(0))(torch.tensor([[[[0.2, 0.4, 0.8]]]]))
        tensor([[[[0.1500, 0.2000, 0.0000]]]])
    """

    def weighted(image: Tensor) -> Tensor:
        weight = as_unit(saliency(image)).to(image.dtype)
        return torch.lerp(image, edit(image), 1 - weight if inverted else weight)

    return weighted
