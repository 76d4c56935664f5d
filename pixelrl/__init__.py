"""Per-pixel reinforcement learning for image editing.

Whoever edits pictures needs `load`; the author of a task needs `Task`, `Scene`, `Edit`, `ActionSet`
and `keep`. The names are handed on lazily, so that ``import pixelrl`` and the command line's help
cost no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pixelrl.actions import ActionSet, Edit, keep
    from pixelrl.api.loading import Agent, load
    from pixelrl.api.result import Result
    from pixelrl.maps import Scene
    from pixelrl.task import Task

__version__ = "0.1.0"
__all__ = [
    "ActionSet",
    "Agent",
    "Edit",
    "Result",
    "Scene",
    "Task",
    "__version__",
    "keep",
    "load",
]

_HOMES = {
    "ActionSet": "pixelrl.actions",
    "Agent": "pixelrl.api.loading",
    "Edit": "pixelrl.actions",
    "Result": "pixelrl.api.result",
    "keep": "pixelrl.actions",
    "Scene": "pixelrl.maps",
    "Task": "pixelrl.task",
    "load": "pixelrl.api.loading",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - hands on whatever bears the name
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'pixelrl' has no attribute '{name}'")
