"""Saliency models without weights: GBVS and Itti-Koch."""

from pixelrl_tasks.saliency_models.gbvs import Gbvs
from pixelrl_tasks.saliency_models.itti import Itti

__all__ = ["Gbvs", "Itti"]
