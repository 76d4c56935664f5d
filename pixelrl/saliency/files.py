"""Saliency models from elsewhere: a function, NumPy code, a TorchScript file, an ONNX file.

Each is found in the entry-point group ``pixelrl.saliency`` and made from plain settings, such as
``task.model=onnx task.options.path=net.onnx``.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixelrl.discovery import load
from pixelrl.errors import ConfigError, PluginError
from pixelrl.saliency.frame import IMAGENET, Frame, Network, Output
from pixelrl.saliency.model import SALIENCY, Kind


class CallableSaliency:
    """Ask a function of tensors.

    Args:
        function: from ``(B,3,H,W)`` in [0, 1] to ``(B,H,W)``, or where to find one:
            ``module:attribute``.
        kind: what it predicts.
        name: what to call it.

    Example:
        >>> model = CallableSaliency(lambda image: image.amax(1), name="bright")
        >>> model.name, model(torch.ones(2, 3, 4, 6)).shape
        ('bright', torch.Size([2, 4, 6]))
    """

    def __init__(
        self, function: Network | str, kind: Kind = "fixation", name: str = "callable"
    ) -> None:
        self.function: Network = resolve_function(function)
        self.kind, self.name = kind, name

    def __call__(self, image: Tensor) -> Tensor:
        """Compute saliency, ``(B,3,H,W)`` to ``(B,H,W)``."""
        return self.function(image)


class NumpySaliency:
    """Ask a function of one picture, such as those that OpenCV has, on the CPU.

    Args:
        function: from ``(H,W,3)`` uint8 RGB to ``(H,W)``, or where to find one:
            ``module:attribute``.
        kind: what it predicts.
        name: what to call it.

    Example:
        >>> model = NumpySaliency(lambda picture: picture.max(axis=2))
        >>> answer = model(torch.full((2, 3, 4, 6), 0.2))
        >>> answer.shape, answer[0, 0, 0]
        (torch.Size([2, 4, 6]), tensor(51.))
    """

    def __init__(
        self,
        function: Callable[[NDArray[np.uint8]], NDArray[Any]] | str,
        kind: Kind = "contrast",
        name: str = "numpy",
    ) -> None:
        self.function: Callable[[NDArray[np.uint8]], NDArray[Any]] = resolve_function(function)
        self.kind, self.name = kind, name

    def __call__(self, image: Tensor) -> Tensor:
        """Compute saliency, ``(B,3,H,W)`` to ``(B,H,W)``, one image after the other."""
        pictures = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
        maps = [self.function(picture) for picture in pictures.cpu().numpy()]
        answer = np.stack([np.asarray(each, dtype=np.float32) for each in maps])
        return torch.from_numpy(answer).to(image.device)


class NetworkFile(ABC):
    """Ask a network from a file; what kinds of file have in common.

    Args:
        path: the file.
        size: height and width that the network wants, in pixels.
        mean: what is taken off each channel.
        std: what each channel is divided by then.
        output: ``map``, ``log_density`` or ``logit``.
        kind: what it predicts.

    Raises:
        ConfigError: there is no such file, or a setting cannot be.
        PluginError: the file is not of this kind.

    Example:
        >>> class Flat(NetworkFile):  # a kind of its own: a file whose name is the answer
        ...     def open(self, path): self.level = float(path)
        ...     def network(self, device): return lambda batch: 0 * batch[:, :1] + self.level
        >>> answer = Flat("0.25", size=(8, 12))(torch.rand(2, 3, 64, 96))
        >>> answer.shape, answer[0, 0, 0]
        (torch.Size([2, 64, 96]), tensor(0.2500))
    """

    def __init__(
        self,
        path: str,
        *,
        size: Sequence[int] = (288, 384),
        mean: Sequence[float] = IMAGENET[0],
        std: Sequence[float] = IMAGENET[1],
        output: Output = "map",
        kind: Kind = "fixation",
    ) -> None:
        self.frame = Frame(size, mean, std, output)
        self.kind, self.name = kind, Path(path).stem
        self.open(path)

    @abstractmethod
    def open(self, path: str) -> None:
        """Open the file, which may be missing or of another kind."""

    @abstractmethod
    def network(self, device: torch.device) -> Network:
        """Hand out the network for images on a device."""

    def __call__(self, image: Tensor) -> Tensor:
        """Compute saliency, ``(B,3,H,W)`` to ``(B,H,W)``."""
        return self.frame.ask(self.network(image.device), image)


class TorchScriptSaliency(NetworkFile):
    """Ask a network from a file that ``torch.jit.save`` has written.

    Example:
        >>> TorchScriptSaliency(__file__)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        pixelrl.errors.PluginError: ...files.py: no TorchScript file; write it with torch.jit...
    """

    def open(self, path: str) -> None:
        """Load it, on the CPU.

        Raises:
            ConfigError: there is no such file.
            PluginError: it is no TorchScript file.
        """
        file = existing(path)
        try:
            with warnings.catch_warnings():  # torch deprecates what it will read for years
                warnings.simplefilter("ignore", DeprecationWarning)
                self.module = torch.jit.load(  # type: ignore[no-untyped-call]
                    file, map_location="cpu"
                ).eval()
        except RuntimeError as error:
            raise PluginError(
                f"{path}: no TorchScript file; write it with torch.jit.save, or install"
                " pixelrl-saliency-exported for files of torch.export."
            ) from error

    def network(self, device: torch.device) -> Network:
        """Let the module follow the images."""
        moved: Network = self.module.to(device)
        return moved


class OnnxSaliency(NetworkFile):
    """Ask a network from an ONNX file, on the CPU (``pip install 'pixelrl[onnx]'``).

    The file's first input takes the image, its first output is the answer; a batch dimension that
    is fixed to one is asked image by image.
    """

    def open(self, path: str) -> None:
        """Begin a session on it.

        Raises:
            ConfigError: there is no such file.
            PluginError: onnxruntime is not installed, or it is no ONNX file that can be run.
        """
        try:
            import onnxruntime  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise PluginError(
                "ONNX files need onnxruntime, which is not installed; pip install 'pixelrl[onnx]'."
            ) from error
        file = existing(path)
        try:
            self.session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no common parent
            reason = " ".join(str(error).split())
            raise PluginError(f"{path}: no ONNX file that can be run ({reason}).") from error

    def network(self, device: torch.device) -> Network:
        """Run the session, wherever the images are."""
        return self._run

    def _run(self, batch: Tensor) -> Tensor:
        given = self.session.get_inputs()[0]
        parts = batch.unsqueeze(1) if given.shape[0] == 1 else batch.unsqueeze(0)
        answers = [self.session.run(None, {given.name: part.cpu().numpy()})[0] for part in parts]
        return torch.from_numpy(np.concatenate(answers)).to(batch.device)


def resolve_function(function: Callable[..., Any] | str) -> Callable[..., Any]:
    """Take a function as it is, or find it by ``module:attribute``.

    Raises:
        PluginError: there is none.

    Example:
        >>> resolve_function("math:hypot")(3, 4)
        5.0
    """
    function = load(SALIENCY, function) if isinstance(function, str) else function
    if not callable(function):
        raise PluginError(f"function: expected one, or module:attribute, got {function!r}.")
    return function


def existing(path: str) -> str:
    """Check that there is a file of that name, and return it.

    Raises:
        ConfigError: there is none.

    Example:
        >>> existing("no/net.onnx")
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: no/net.onnx: no such file; give the model's file as path.
    """
    if not Path(path).is_file():
        raise ConfigError(f"{path}: no such file; give the model's file as path.")
    return path
