"""For the authors of saliency models: one call that finds every broken promise of the contract."""

from typing import get_args

import torch
from torch import Generator, Tensor

from pixelrl.errors import ContractError
from pixelrl.saliency.model import Kind, SaliencyModel


def check_saliency(model: SaliencyModel, size: int = 64) -> None:
    """Check a saliency model against the promises of its contract, on made-up images.

    Args:
        model: the model.
        size: height of the images, in pixels; they are half as wide again.

    Raises:
        ContractError: one sentence that names the culprit and the cure.

    Example:
        >>> from pixelrl.saliency import CallableSaliency
        >>> check_saliency(CallableSaliency(lambda image: image.mean(1)))  # keeps them all
        >>> dark = CallableSaliency(lambda image: -image.mean(1), name="dark")
        >>> check_saliency(dark)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        pixelrl.errors.ContractError: saliency model 'dark' goes below zero; return numbers from ...
    """
    name = getattr(model, "name", None)
    _promise(
        isinstance(name, str) and bool(name),
        f"{type(model).__name__} has no name; give it an attribute name, a word.",
    )
    kind = getattr(model, "kind", None)
    _promise(
        kind in get_args(Kind),
        f"saliency model '{name}' is of kind {kind!r}; its kind must be one of"
        f" {', '.join(get_args(Kind))}.",
    )
    rng = Generator().manual_seed(0)
    images = torch.rand((3, 3, size, size + size // 2), generator=rng)
    images[1] *= 0.2
    given = images.clone()
    with torch.no_grad():
        answer = model(images)
        _check_map(f"saliency model '{name}'", answer, images)
        _promise(
            torch.equal(images, given),
            f"saliency model '{name}' writes into the images it is given; make new ones.",
        )
        _promise(
            torch.equal(model(images), answer),
            f"saliency model '{name}' differs between two equal calls; switch off dropout and other"
            " randomness.",
        )
        alone = torch.cat([model(image[None]) for image in images])
        _promise(
            torch.allclose(alone, answer, rtol=1e-3, atol=1e-5 * float(answer.max())),
            f"saliency model '{name}' answers differently for an image alone and in a batch; scale"
            " each image's map by itself, and use running statistics.",
        )
        plain = torch.stack([torch.zeros_like(images[0]), torch.full_like(images[0], 0.5)])
        _check_map(f"saliency model '{name}' of images of one color", model(plain), plain)
        upright = images.transpose(-2, -1).contiguous()
        _check_map(f"saliency model '{name}' of upright images", model(upright), upright)


def _check_map(what: str, answer: object, images: Tensor) -> None:
    wanted = (images.shape[0], *images.shape[-2:])
    if not isinstance(answer, Tensor):
        raise ContractError(f"{what} returns {type(answer).__name__}; return a tensor.")
    _promise(
        tuple(answer.shape) == wanted,
        f"{what} returns shape {tuple(answer.shape)} for images {tuple(images.shape)}; return"
        f" {wanted}, a number per pixel.",
    )
    _promise(
        answer.dtype == torch.float32,
        f"{what} returns {str(answer.dtype).removeprefix('torch.')}; return float32.",
    )
    _promise(
        answer.device == images.device,
        f"{what} answers on {answer.device} for images on {images.device}; stay on theirs.",
    )
    _promise(bool(answer.isfinite().all()), f"{what} makes NaN or infinity; return finite numbers.")
    _promise(bool((answer >= 0).all()), f"{what} goes below zero; return numbers from 0 on.")


def _promise(kept: bool, sentence: str) -> None:  # noqa: FBT001
    if not kept:
        raise ContractError(sentence)
