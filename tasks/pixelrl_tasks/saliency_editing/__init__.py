"""Draw the eye to a region of a photograph, or away from it, by color alone."""

from pixelrl_tasks.saliency_editing.task import SaliencyEditing

__all__ = ["SaliencyEditing"]
