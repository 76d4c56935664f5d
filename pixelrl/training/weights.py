"""Weights to hand on: what a policy is used with, in a file that holds numbers and words alone.

A safetensors file: half-precision weights, and as its metadata the settings that they belong to.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from pixelrl.config.compose import Experiment, as_plain
from pixelrl.errors import CheckpointError
from pixelrl.files import write_whole
from pixelrl.settings import Run
from pixelrl.training.files import check_size, digest_of

KEY = "pixelrl"
"""Where a checkpoint holds our part: format version and settings, plain values only."""

FORMAT = 1
GOAL, LEARNER = "policy.goal.", "learner."


def write_weights(
    path: Path, weights: Mapping[str, Tensor], experiment: Experiment, *, half: bool = True
) -> None:
    """Write what a policy is used with, whole or not at all.

    Places of data and what belongs to the machine are left out of the settings; so is the goal
    that learns, whose average is used.

    Args:
        path: of the file.
        weights: a module's, by name, each of any shape.
        experiment: that they were learned in.
        half: whether to write 16-bit floats.

    Raises:
        OSError: the file cannot be written.
    """
    kept = {
        name: (value.half() if half and value.is_floating_point() else value).contiguous()
        for name, value in weights.items()
        if not name.startswith(LEARNER)
    }
    data = replace(experiment.data, train={}, val={}, test={}, predict={}, limit=0)
    run = Run(seed=experiment.run.seed, precision=experiment.run.precision)
    bare = replace(experiment, data=data, run=run)
    about = json.dumps({"format": FORMAT, "experiment": as_plain(bare)})
    metadata = {KEY: about, "digest": _digest(about, kept)}
    write_whole(path, safetensors.torch.save(kept, metadata))


def read_weights(path: Path) -> dict[str, Any]:
    """Read a weight file as if it were a checkpoint.

    Args:
        path: of the file.

    Returns:
        Our part, and ``state_dict``, in float32 on the CPU.

    Raises:
        CheckpointError: the file is missing, damaged, or not ours.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file; `pixelrl weights` lists what is installed.")
    check_size(path)
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        written = metadata.get(KEY, "null")
        about = json.loads(written)
    except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise CheckpointError(
            f"{path}: not a weight file, or a damaged one; install it again."
        ) from error
    if not isinstance(about, Mapping):
        raise CheckpointError(f"{path}: a weight file, but not one of pixelrl.")
    if metadata.get("digest") != _digest(written, kept):
        raise CheckpointError(f"{path}: damaged: not what was written.")
    weights = {name: value.float() for name, value in kept.items()}
    for name in [name for name in weights if name.startswith(GOAL)]:
        weights[name.replace(GOAL, LEARNER, 1)] = weights[name]
    return {KEY: dict(about), "state_dict": weights}


def _digest(about: str, weights: Mapping[str, Tensor]) -> str:
    """Digest settings and weights, by name; the file has an order of its own."""
    return digest_of([about, {name: weights[name] for name in sorted(weights)}])
