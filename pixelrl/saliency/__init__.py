"""Saliency models: the one way to ask them, and files that hold them."""

from pixelrl.saliency.files import (
    CallableSaliency,
    NetworkFile,
    NumpySaliency,
    OnnxSaliency,
    TorchScriptSaliency,
    existing,
)
from pixelrl.saliency.model import (
    SALIENCY,
    Ensemble,
    Kind,
    Saliency,
    SaliencyModel,
    as_density,
    as_unit,
)

__all__ = [
    "SALIENCY",
    "CallableSaliency",
    "Ensemble",
    "Kind",
    "NetworkFile",
    "NumpySaliency",
    "OnnxSaliency",
    "Saliency",
    "SaliencyModel",
    "TorchScriptSaliency",
    "as_density",
    "as_unit",
    "existing",
]
