"""Saliency models from elsewhere: a function, NumPy code, a TorchScript file, an ONNX file.

Each is found in the entry-point group ``pixelrl.saliency`` and made from plain settings, such as
``task.model=onnx task.options.path=net.onnx``.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pixelrl.discovery import load
from pixelrl.errors import ConfigError, MapError, PluginError
from pixelrl.saliency.model import SALIENCY, Kind

Network = Callable[[Tensor], Tensor]
"""From ``(B,3,h,w)`` to ``(B,1,h',w')`` or ``(B,h',w')``."""

Output = Literal["map", "log_density", "logit"]
"""What a network answers: numbers from 0 on, their logarithm, or the input of a sigmoid."""

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""The mean and deviation that most networks expect to be taken off."""


@dataclass(frozen=True)
class Frame:
    """Fit images to a network, and its answer to the images.

    Attributes:
        size: height and width that the network wants, in pixels.
        mean: what is taken off each channel.
        std: what each channel is divided by then.
        output: what the network answers.

    Raises:
        ConfigError: one of them cannot be.

    Example:
        >>> Frame(output="probability")
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: output: expected map, log_density, logit, got 'probability'.
    """

    size: Sequence[int] = (288, 384)
    mean: Sequence[float] = IMAGENET[0]
    std: Sequence[float] = IMAGENET[1]
    output: Output = "map"

    def __post_init__(self) -> None:
        if len(self.size) != 2 or min(self.size) < 1:
            raise ConfigError(
                f"size: expected height and width in pixels, such as [288,384], got {self.size}."
            )
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ConfigError(
                f"mean, std: expected three numbers each, std above 0, got {self.mean}, {self.std}."
            )
        if self.output not in get_args(Output):
            raise ConfigError(
                f"output: expected {', '.join(get_args(Output))}, got {self.output!r}."
            )

    def ask(self, network: Network, image: Tensor) -> Tensor:
        """Ask the network about images at its own size.

        Args:
            network: answers ``(B,3,*size)``.
            image: ``(B,3,H,W)`` in [0, 1].

        Returns:
            ``(B,H,W)`` float32, 0 or more.

        Raises:
            MapError: the answer is no map per image.

        Example:
            >>> frame = Frame(size=(8, 12), mean=(0, 0, 0), std=(1, 1, 1), output="logit")
            >>> answer = frame.ask(lambda small: 0 * small[:, :1], torch.rand(2, 3, 64, 96))
            >>> answer.shape, answer[0, 0, 0]  # the sigmoid of zero
            (torch.Size([2, 64, 96]), tensor(0.5000))
        """
        small = F.interpolate(image, tuple(self.size), mode="bilinear", antialias=True)
        mean, std = (small.new_tensor(each)[:, None, None] for each in (self.mean, self.std))
        answer = network((small - mean) / std).float()
        if answer.ndim == 3:
            answer = answer.unsqueeze(1)
        if answer.ndim != 4 or answer.shape[:2] != (image.shape[0], 1):
            raise MapError(
                f"saliency network: expected ({image.shape[0]}, 1, h, w) or"
                f" ({image.shape[0]}, h, w), got {tuple(answer.shape)}; export it so."
            )
        if self.output == "log_density":
            answer = (answer - answer.amax((-2, -1), keepdim=True)).exp()
        elif self.output == "logit":
            answer = answer.sigmoid()
        whole = F.interpolate(answer, image.shape[-2:], mode="bilinear").clamp(min=0)
        return whole.squeeze(1)


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
        stacked = np.stack([np.asarray(each, dtype=np.float32) for each in maps])
        return torch.from_numpy(stacked).to(image.device)


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
