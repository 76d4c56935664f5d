"""What an agent may do to its pixel: edits, and sets of them."""

from pixelrl.actions.color import brightness, contrast, saturation, scale, shift
from pixelrl.actions.core import ActionSet, Edit, FusedEdit, changes, keep, pick
from pixelrl.actions.filters import bilateral, box, gaussian, median

__all__ = [
    "ActionSet",
    "Edit",
    "FusedEdit",
    "bilateral",
    "box",
    "brightness",
    "changes",
    "contrast",
    "gaussian",
    "keep",
    "median",
    "pick",
    "saturation",
    "scale",
    "shift",
]
