"""Per-pixel reinforcement learning for image editing.

What the author of a task needs stands here: `Task`, `Scene`, `Edit`, `ActionSet`, `keep`. The names
are handed on lazily, so that ``import pixelrl`` and the command line's help cost no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pixelrl.actions import ActionSet, Edit, keep
    from pixelrl.maps import Scene
    from pixelrl.task import Task

__version__ = "0.1.0"
__all__ = ["ActionSet", "Edit", "Scene", "Task", "__version__", "keep"]

_HOMES = {
    "ActionSet": "pixelrl.actions",
    "Edit": "pixelrl.actions",
    "keep": "pixelrl.actions",
    "Scene": "pixelrl.maps",
    "Task": "pixelrl.task",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - hands on whatever bears the name
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'pixelrl' has no attribute '{name}'")
