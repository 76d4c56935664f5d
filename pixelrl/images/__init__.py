"""Image files and folders of them. The names are handed on lazily: finding files costs no torch."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pixelrl.images.files import as_bytes, as_map, read_image, write_image
    from pixelrl.images.folders import list_images

__all__ = ["as_bytes", "as_map", "list_images", "read_image", "write_image"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - hands on whatever bears the name
    if name in __all__:
        home = "folders" if name == "list_images" else "files"
        return getattr(importlib.import_module(f"pixelrl.images.{home}"), name)
    raise AttributeError(f"module 'pixelrl.images' has no attribute '{name}'")
