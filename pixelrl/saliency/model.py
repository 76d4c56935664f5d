"""The one door to models of visual saliency: where in an image people would look first.

A model is whatever answers ``(B,3,H,W)`` with ``(B,H,W)``; it may be a formula, a network from a
file, or a call into another library, and it need not be differentiable. `Saliency` adds what every
caller needs. What a model computes is a prediction, not eye tracking.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol, get_args, runtime_checkable

import torch
from torch import Tensor, nn

from pixelrl.discovery import load
from pixelrl.errors import ConfigError, MapError, PixelRLError, PluginError
from pixelrl.maps import check_map, exact

SALIENCY = "pixelrl.saliency"
"""The entry-point group of saliency models; a value is called with options and returns a model."""

Kind = Literal["contrast", "fixation", "object"]
"""What a model predicts: low-level contrast, where eyes rest, or where an object is."""

KEPT = 4
"""So many maps are remembered: of an episode's first image, a step's before and after, one more."""
MOST_BYTES = 2 * 1024**3
"""So many bytes of images and maps are remembered; of larger ones fewer, but always the last."""


@runtime_checkable
class SaliencyModel(Protocol):
    """Name what a saliency model has.

    It is deterministic, treats the images of a batch one by one, and writes into none of them.

    Attributes:
        name: what scores and errors call it.
        kind: what it predicts. Models of objects make poor rewards: they hardly react to color.

    Example:
        >>> class Bright:
        ...     name, kind = "bright", "contrast"
        ...     def __call__(self, image): return image.mean(1)
        >>> isinstance(Bright(), SaliencyModel), Bright()(torch.ones(2, 3, 4, 6)).shape
        (True, torch.Size([2, 4, 6]))
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see the class

    @property
    def kind(self) -> Kind: ...  # noqa: D102

    def __call__(self, image: Tensor, /) -> Tensor:
        """Compute saliency.

        Args:
            image: ``(B,3,H,W)`` float32 sRGB in [0, 1].

        Returns:
            ``(B,H,W)`` float32, finite, 0 or more, on the image's device; of any scale.
        """


class Saliency:
    """Ask a saliency model, without gradient, for maps of any episode's images.

    Gray images become RGB, values are clamped to [0, 1], the network's precision does not reach the
    model, a model that is an `nn.Module` follows the image's device, and the answer is checked. The
    last images' maps are remembered, by identity, so that an episode of T steps costs T + 1
    evaluations, whoever asks how often.

    Args:
        model: the model.

    Example:
        >>> from pixelrl_tasks.saliency_models.gbvs import Gbvs
        >>> Saliency(Gbvs())(torch.rand(2, 1, 24, 32)).shape
        torch.Size([2, 1, 24, 32])
    """

    def __init__(self, model: SaliencyModel) -> None:
        self.model = model
        self._kept: deque[_Kept] = deque(maxlen=KEPT)

    @classmethod
    def named(cls, name: str, options: Mapping[str, Any] | None = None) -> "Saliency":
        """Find a model by name and make it.

        Args:
            name: an entry point of ``pixelrl.saliency``, ``module:attribute``, or several joined
                by ``+``, whose densities are averaged.
            options: what the model is made with.

        Raises:
            PluginError: there is no such model, or it cannot be made with these options.

        Example:
            >>> Saliency.named("gbvs", {"grid": 16}).model.grid
            16
            >>> Saliency.named("gbvs+itti").name
            'gbvs+itti'
        """
        options = dict(options or {})
        names = name.split("+")
        if len(names) == 1:
            return cls(_made(name, options))
        if options:
            raise PluginError(
                f"'{name}': models joined by + take no options, got {', '.join(options)}."
            )
        return cls(Ensemble(tuple(_made(each, {}) for each in names)))

    @property
    def name(self) -> str:
        """What the model is called.

        Example:
            >>> Saliency.named("itti").name
            'itti'
        """
        return self.model.name

    @property
    def kind(self) -> Kind:
        """What the model predicts.

        Example:
            >>> Saliency.named("itti").kind
            'contrast'
        """
        return self.model.kind

    def __call__(self, image: Tensor) -> Tensor:
        """Compute saliency, from an image ``(B,C,H,W)``, C 1 or 3, to ``(B,1,H,W)``.

        It carries gradient if the image does (``learning.estimator=pathwise``).

        Raises:
            ConfigError: the image carries gradient, and the model cannot.
            MapError: the model's answer is not what the contract says.
        """
        version = -1 if image.is_inference() else image._version  # noqa: SLF001 - tells of writing
        for place, kept in enumerate(self._kept):
            known = kept.saliency.requires_grad or not _tracked(image)
            if kept.image is image and kept.version == version and known:
                del self._kept[place]  # the one asked for last is forgotten last
                self._kept.append(kept)
                return kept.saliency
        saliency = self._computed(image)
        self._kept.append(_Kept(image, version, saliency))
        while len(self._kept) > 1 and sum(kept.bytes for kept in self._kept) > MOST_BYTES:
            self._kept.popleft()
        return saliency

    def _computed(self, image: Tensor) -> Tensor:
        if isinstance(self.model, nn.Module):
            self.model.to(image.device)
        batch, channels, height, width = image.shape
        if channels not in {1, 3}:
            raise MapError(f"image: expected 1 or 3 channels for saliency, got {channels}.")
        tracked = _tracked(image)
        with torch.set_grad_enabled(tracked), exact(image.device):
            answer = self.model(image.float().clamp(0, 1).expand(-1, 3, -1, -1))
        check_map(f"saliency of '{self.name}'", answer, "B H W", B=batch, H=height, W=width)
        # On an accelerator looking at values would wait for it.
        if answer.device.type == "cpu" and not bool((answer.isfinite() & (answer >= 0)).all()):
            raise MapError(
                f"saliency of '{self.name}': expected finite numbers from 0 on; got others."
            )
        if tracked and not answer.requires_grad:
            raise ConfigError(
                f"saliency model '{self.name}' carries no gradient, which"
                " learning.estimator=pathwise needs; choose learning.estimator=sampled."
            )
        return (answer if tracked else answer.detach()).unsqueeze(1)


class Ensemble:
    """Average the densities of several models.

    Args:
        models: the models.

    Example:
        >>> from pixelrl.saliency import CallableSaliency
        >>> left = CallableSaliency(lambda image: torch.tensor([[[1.0, 0.0]]]))
        >>> right = CallableSaliency(lambda image: torch.tensor([[[0.0, 9.0]]]))
        >>> Ensemble((left, right))(torch.rand(1, 3, 1, 2))  # scales do not matter
        tensor([[[0.5000, 0.5000]]])
    """

    def __init__(self, models: tuple[SaliencyModel, ...]) -> None:
        self.models = models

    @property
    def name(self) -> str:
        """The models' names, joined.

        Example:
            >>> Saliency.named("gbvs+itti").model.name
            'gbvs+itti'
        """
        return "+".join(model.name for model in self.models)

    @property
    def kind(self) -> Kind:
        """Of objects if any is.

        Example:
            >>> from pixelrl.saliency import CallableSaliency
            >>> parts = [CallableSaliency(torch.sum, kind=kind) for kind in ("fixation", "object")]
            >>> Ensemble(tuple(parts)).kind
            'object'
        """
        kinds = {model.kind for model in self.models}
        return next(kind for kind in ("object", "contrast", "fixation") if kind in kinds)

    def __call__(self, image: Tensor) -> Tensor:
        """Average, ``(B,3,H,W)`` to ``(B,H,W)``."""
        return torch.stack([as_density(model(image)) for model in self.models]).mean(0)


def as_density(saliency: Tensor) -> Tensor:
    """Scale each map to the sum one.

    A millionth of the maximum is added everywhere, so that logarithms stay finite; a map of zeros
    becomes uniform. The scale of the map does not matter.

    Args:
        saliency: ``(...,H,W)``, 0 or more.

    Returns:
        The same shape, positive.

    Example:
        >>> as_density(torch.tensor([[1.0, 3.0], [0.0, 4.0]]))
        tensor([[1.2500e-01, 3.7500e-01],
                [5.0000e-07, 5.0000e-01]])
    """
    top = saliency.amax((-2, -1), keepdim=True)
    lifted = saliency / top.clamp(min=1e-30) + 1e-6
    return lifted / lifted.sum((-2, -1), keepdim=True)


def as_unit(saliency: Tensor) -> Tensor:
    """Scale each map to the maximum one, to be looked at or to weigh with.

    Not for rewards: it hides every gain of the region that holds the maximum.

    Args:
        saliency: ``(...,H,W)``, 0 or more.

    Returns:
        The same shape in [0, 1]; zeros stay zeros.

    Example:
        >>> as_unit(torch.tensor([[1.0, 3.0], [0.0, 4.0]]))
        tensor([[0.2500, 0.7500],
                [0.0000, 1.0000]])
    """
    return saliency / saliency.amax((-2, -1), keepdim=True).clamp(min=1e-30)


def _tracked(image: Tensor) -> bool:
    """Tell whether a gradient is wanted of what is computed from an image."""
    return torch.is_grad_enabled() and image.requires_grad


class _Kept(NamedTuple):
    image: Tensor
    version: int
    saliency: Tensor

    @property
    def bytes(self) -> int:
        return self.image.nbytes + self.saliency.nbytes


def _made(name: str, options: Mapping[str, Any]) -> SaliencyModel:
    """Load what a name stands for and call it with the options."""
    factory = load(SALIENCY, name)
    if not callable(factory):
        raise PluginError(f"'{name}' is {factory!r}; expected what makes a saliency model.")
    try:
        model = factory(**options)
    except PixelRLError:
        raise
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        given = ", ".join(f"{key}={value}" for key, value in options.items()) or "no options"
        told = f"{given}: {' '.join(str(error).split())}; correct the model's options."
        raise PluginError(f"saliency model '{name}' cannot be made with {told}") from error
    kinds = get_args(Kind)
    if not isinstance(model, SaliencyModel) or model.kind not in kinds:
        raise PluginError(
            f"'{name}' makes {type(model).__name__}; expected a saliency model with a name, a kind"
            f" ({', '.join(kinds)}) and a call. Wrap functions in model=callable."
        )
    return model
