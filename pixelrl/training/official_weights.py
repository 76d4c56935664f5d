"""The published weights, read into our modules name by name.

Five kinds of file are known: the official ``.npz`` of the plain network, of the one with ConvGRU
and of the one with reward-map convolution; the supervised color network that color enhancement
starts from; and the IRCNN denoiser that denoising starts from, a ``.caffemodel``. A file is loaded
whole or not at all.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pixelrl.errors import CheckpointError
from pixelrl.images.archives import TooLargeError, read_heads
from pixelrl.rl.network import PolicyValueNet
from pixelrl.training.caffemodel import MOST_BYTES, read_blobs

Arrays = dict[str, NDArray[Any]]
Recipe = dict[str, tuple[str, ...]]
"""What a parameter of ours is made of: arrays of the file, joined along their first dimension."""

TRUNK = {
    "trunk.0": "conv1",
    "trunk.2": "diconv2/diconv",
    "trunk.4": "diconv3/diconv",
    "trunk.6": "diconv4/diconv",
}
BODIES = {
    "policy_body.0": "diconv5_pi/diconv",
    "policy_body.2": "diconv6_pi/diconv",
    "value_body.0": "diconv5_V/diconv",
    "value_body.2": "diconv6_V/diconv",
    "value_head": "conv7_V",
}
SUPERVISED = {
    "policy_body.0": "diconv5/diconv",
    "policy_body.2": "diconv6/diconv",
    "value_body.0": "diconv5/diconv",
    "value_body.2": "diconv6/diconv",
}
IRCNN = {
    "trunk.0": "layer1",
    "trunk.2": "layer3",
    "trunk.4": "layer6",
    "trunk.6": "layer9",
    "policy_body.0": "layer12",
    "policy_body.2": "layer15",
    "value_body.0": "layer12",
    "value_body.2": "layer15",
    "value_head": "layer18",
}
GRU: Recipe = {
    "memory.over_input.weight": ("conv7_Wz/W", "conv7_Wr/W", "conv7_W/W"),
    "memory.over_memory.weight": ("conv7_Uz/W", "conv7_Ur/W"),
    "memory.over_reset.weight": ("conv7_U/W",),
}
REGRESSION = {"conv7/W", "conv7/b"}
"""The supervised network's last layer, which answers a color and has no place with us."""

KERNEL = "conv_R/W"


class Loaded(NamedTuple):
    """Tell what a weight file was used for.

    Attributes:
        loaded: our parameters that were read from the file.
        left: what was left on purpose: parameters of ours that keep their start, and arrays of the
            file that have no place with us.
    """

    loaded: tuple[str, ...]
    left: tuple[str, ...]

    def __str__(self) -> str:
        left = f", left: {', '.join(self.left)}" if self.left else ""
        return f"{len(self.loaded)} parameters{left}"


def load_official_weights(policy: PolicyValueNet, spread: nn.Module | None, path: Path) -> Loaded:
    """Load published weights into a network and its reward-map convolution.

    Args:
        policy: the network.
        spread: the reward-map convolution, if there is one.
        path: an official ``.npz`` or the IRCNN ``.caffemodel``.

    Returns:
        The names that were loaded and those that were left on purpose.

    Raises:
        CheckpointError: the file is missing, damaged, of an unknown kind, or does not fit the
            network; nothing is loaded then.

    Example:
        >>> load_official_weights(PolicyValueNet(1, 9), None, Path("fcn.npz"))
        Traceback (most recent call last):
        pixelrl.errors.CheckpointError: fcn.npz: no such file; pass a .npz or .caffemodel file.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file; pass a .npz or .caffemodel file.")
    arrays = _layers(path) if path.suffix == ".caffemodel" else _arrays(path)
    own = dict(policy.state_dict())
    if spread is not None:
        own["spread.weight"] = spread.state_dict()["weight"]
    recipe = _recipe(arrays, policy)
    unused = _check_names(path, arrays, recipe)
    if KERNEL in arrays and spread is not None:
        recipe["spread.weight"] = (KERNEL,)
        unused.discard(KERNEL)
    _check_network(path, arrays, policy)
    new = {name: _made(path, name, own[name], arrays, parts) for name, parts in recipe.items()}
    kernel = new.pop("spread.weight", None)
    policy.load_state_dict(new, strict=False)
    if kernel is not None and spread is not None:
        spread.load_state_dict({"weight": kernel})
    return Loaded(tuple(recipe), (*(name for name in own if name not in recipe), *sorted(unused)))


def _arrays(path: Path) -> Arrays:
    """Read an ``.npz``, executing nothing in it."""
    try:
        read_heads(path, MOST_BYTES)
        with np.load(path, allow_pickle=False) as file:
            return {name: np.asarray(file[name]) for name in file.files}
    except TooLargeError as error:
        raise CheckpointError(f"{path}: {error}; pass a published .npz or .caffemodel.") from error
    except Exception as error:  # on damaged files NumPy raises whatever it stumbles over
        raise CheckpointError(
            f"{path}: no .npz of weights, or a damaged one; pass a published .npz or .caffemodel."
        ) from error


def _layers(path: Path) -> Arrays:
    """Read the convolutions of a Caffe model under the names an ``.npz`` would give them."""
    arrays: Arrays = {}
    for name, (weight, *biases) in read_blobs(path).items():
        arrays[f"{name}/W"] = weight
        arrays.update({f"{name}/b": bias.reshape(-1) for bias in biases})
    return arrays


def _recipe(arrays: Arrays, policy: PolicyValueNet) -> Recipe:
    """Recognize the kind of file by its names; tell which parameter is made of what."""
    if "layer1/W" in arrays:
        return _both(IRCNN)
    if "diconv5/diconv/W" in arrays:
        return _both({**TRUNK, **SUPERVISED})
    if not any(name in arrays for parts in GRU.values() for name in parts):
        return _both({**TRUNK, **BODIES, "policy_head": "conv7_pi/model"})
    gru = GRU if policy.memory is not None else {}
    return {**_both({**TRUNK, **BODIES, "policy_head": "conv8_pi/model"}), **gru}


def _both(layers: Mapping[str, str]) -> Recipe:
    """Spell out weight and bias of every layer."""
    ends = (("weight", "W"), ("bias", "b"))
    return {f"{ours}.{a}": (f"{theirs}/{b}",) for ours, theirs in layers.items() for a, b in ends}


def _check_names(path: Path, arrays: Arrays, recipe: Recipe) -> set[str]:
    """Check that the file holds what is needed, nothing unknown; return what it holds besides."""
    needed = {name for parts in recipe.values() for name in parts}
    missing = needed - arrays.keys()
    if missing:
        raise CheckpointError(
            f"{path}: no published network: {_some(missing)} missing; pass a published .npz or"
            " .caffemodel, whole."
        )
    known = {KERNEL, *(name for parts in GRU.values() for name in parts)}
    if "diconv5/diconv/W" in needed:
        known = REGRESSION
    elif "layer1/W" in needed:
        known = set()
    unused = arrays.keys() - needed
    if unused - known:
        raise CheckpointError(
            f"{path}: no published network: {_some(unused - known)} not known; pass a published"
            " .npz or .caffemodel."
        )
    return unused


def _check_network(path: Path, arrays: Arrays, policy: PolicyValueNet) -> None:
    """Name the setting that makes network and file fit, where one would."""
    first = arrays.get("conv1/W", arrays.get("layer1/W"))
    if first is None or first.ndim != 4:
        raise CheckpointError(f"{path}: its first layer is no convolution; the file is damaged.")
    wide, channels = first.shape[:2]
    own_wide, own_channels = policy.trunk.get_parameter("0.weight").shape[:2]
    if wide != own_wide:
        raise CheckpointError(
            f"{path}: its network is {wide} channels wide, this one {own_wide}; set"
            f" network.width={wide}."
        )
    if channels != own_channels:
        raise CheckpointError(
            f"{path}: its network sees {channels} channels, this task shows {own_channels}; pass"
            " weights made for as many."
        )
    head = arrays.get("conv8_pi/model/W", arrays.get("conv7_pi/model/W"))
    if head is None:
        return
    remembers = "conv8_pi/model/W" in arrays
    if remembers != (policy.memory is not None):
        has, lacks = ("a", "none") if remembers else ("no", "one")
        raise CheckpointError(
            f"{path}: its network has {has} ConvGRU, this one has {lacks}; set"
            f" network.memory={str(remembers).lower()}."
        )
    actions = policy.policy_head.out_channels
    if head.shape[:1] != (actions,):
        raise CheckpointError(
            f"{path}: its network chooses from {head.shape[0]} edits, this task has {actions};"
            " pass weights made for as many."
        )


def _made(path: Path, name: str, own: Tensor, arrays: Arrays, parts: tuple[str, ...]) -> Tensor:
    """Make a parameter of the file's arrays."""
    share = (own.shape[0] // len(parts), *own.shape[1:])
    for part in parts:
        array = arrays[part]
        if array.shape != share:
            cure = "the file is damaged"
            if name == "spread.weight":
                cure = f"set learning.spread={array.shape[-1] if array.ndim else 0}"
            raise CheckpointError(f"{path}: {part} is {array.shape}, {name} needs {share}; {cure}.")
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise CheckpointError(f"{path}: {part} holds no finite numbers; the file is damaged.")
    return torch.from_numpy(np.concatenate([arrays[part] for part in parts])).to(own.dtype)


def _some(names: set[str]) -> str:
    first = sorted(names)
    return f"{', '.join(first[:3])}{', …' if len(first) > 3 else ''}"
