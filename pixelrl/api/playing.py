"""Episodes that were played, by agents or from choices that were recorded and altered."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pixelrl.errors import ConfigError, MapError
from pixelrl.intervention.regions import Region
from pixelrl.intervention.rules import Rule, compile_rules
from pixelrl.records.edit import Swap, replace_choices, sign
from pixelrl.records.file import Recorded, load_choices
from pixelrl.rl.rollout import replay
from pixelrl.rl.tiling import tile_environment
from pixelrl.rl.trace import Trace
from pixelrl.training.checkpoint import Restored

COMMAND = "python"
"""What made a change, in the history of a record."""


class Played(NamedTuple):
    """Hold an episode, on the CPU.

    Attributes:
        choices: ``(T,B,H,W)`` int64.
        frames: ``(T+1,B,C,H,W)``.
        trace: what agents thought; None if choices were replayed.
        recorded: the record that was replayed; None if agents played.
    """

    choices: Tensor
    frames: Tensor
    trace: Trace | None = None
    recorded: Recorded | None = None

    def take(self, index: int) -> "Played":
        """Take the episode of one picture of a batch."""
        one = slice(index, index + 1)
        choices, frames = self.choices[:, one], self.frames[:, one]
        if self.trace is None:
            return self._replace(choices=choices, frames=frames)
        trace = self.trace
        doubt = None if trace.doubt is None else trace.doubt[one]
        goal = None if trace.goal is None else trace.goal[one]
        reward = None if trace.reward is None else trace.reward[:, one]
        kept = Trace(frames, trace.entropy[:, one], trace.value[:, one], reward, doubt, goal)
        return Played(choices, frames, kept)


def alter(
    recorded: Recorded,
    choices: ArrayLike | str | PathLike[str] | None,
    swap: Mapping[str, str],
    region: Region | None,
    steps: range | None,
) -> Recorded:
    """Choose what to replay: a record, other choices in its place, edits swapped in them.

    Args:
        recorded: of the result.
        choices: ``(T,H,W)``, or the path of a ``.choices.npz``; None for those recorded.
        swap: edits to be replaced, each by another, one after another.
        region: where they are; None for everywhere.
        steps: when, counted from zero; None for always.

    Returns:
        What to replay, its history longer by each change.

    Raises:
        ConfigError: an edit or step does not exist, or the file is of other edits.
        DataError: the file is no record, or the region not of the picture's size.
        MapError: the choices are no whole numbers, or count beyond the edits.
    """
    if isinstance(choices, str | PathLike):
        path = Path(choices)
        edits, recorded = recorded.edits, load_choices(path, with_arrays=True)
        if recorded.edits != edits:
            raise ConfigError(
                f"{path}: recorded with edits {', '.join(recorded.edits)}; these agents have"
                f" {', '.join(edits)}."
            )
    elif choices is not None:
        recorded = _put(recorded, np.asarray(choices))
    wishes: Sequence[Swap] = [Swap(old, new, region, steps) for old, new in swap.items()]
    return replace_choices(recorded, wishes, COMMAND) if wishes else recorded


def play_agents(policy: Restored, scene: Mapping[str, Tensor], rules: Sequence[Rule]) -> Played:
    """Let agents play under rules.

    Args:
        policy: the agents.
        scene: what they see, maps ``(B,K,H,W)`` on their device.
        rules: what a person asks for.

    Raises:
        ConfigError: an edit or step does not exist, or some pixel is left without an edit.
        DataError: a region is not of the picture's size.
        MapError: the picture is too small for the task's edits.
        TypeError: the module keeps no trace.
    """
    module, intervention = policy.module, None
    if rules:
        intervention = compile_rules(rules, module.task.actions.names, module.task.length)
    edited = module.edit(scene, with_trace=True, intervention=intervention)
    trace = edited.trace
    if trace is None:
        raise TypeError("a picture was edited without keeping its trace.")
    # What is made without gradient could otherwise not be used where there is one.
    trace = trace._replace(
        frames=trace.frames.clone(),
        entropy=trace.entropy.clone(),
        value=trace.value.clone(),
        doubt=None if trace.doubt is None else trace.doubt.clone(),
        goal=None if trace.goal is None else trace.goal.clone(),
    )
    return Played(edited.choices.cpu().clone(), trace.frames, trace)


def play_choices(policy: Restored, scene: Mapping[str, Tensor], recorded: Recorded) -> Played:
    """Replay recorded choices.

    Args:
        policy: knows the task, and the size of tiles.
        scene: maps ``(1,K,H,W)``.
        recorded: what to replay.

    Raises:
        MapError: the choices do not fit the picture.
    """
    image = scene["image"]
    choices = torch.from_numpy(recorded.choices.astype(np.int64)).unsqueeze(1)
    environment = tile_environment(policy.module.task, image, policy.module.tile)
    frames = [image, *replay(environment, choices.to(image.device), scene)]
    return Played(choices, torch.stack([frame.cpu() for frame in frames]), None, recorded)


def _put(recorded: Recorded, choices: NDArray[Any]) -> Recorded:
    """Put other choices ``(T,H,W)`` in the place of those recorded, and note it."""
    edits, wanted = len(recorded.edits), recorded.choices.shape[1:]
    if choices.ndim != 3 or choices.shape[1:] != wanted or not len(choices):
        told = ", ".join(map(str, wanted))
        raise MapError(f"choices: expected (T, {told}) for this picture, got {choices.shape}.")
    if choices.dtype.kind not in "iu" or choices.min() < 0 or choices.max() >= edits:
        raise MapError(
            f"choices: expected whole numbers from 0 to {edits - 1}, got {choices.dtype} from"
            f" {choices.min()} to {choices.max()}."
        )
    entry: dict[str, Any] = {"what": "other choices"}
    if choices.shape == recorded.choices.shape:
        entry["changed"] = int((choices != recorded.choices).sum())
    history = (*recorded.history, sign(entry, COMMAND))
    same = choices.shape == recorded.choices.shape
    arrays = {"original": recorded.arrays.get("original", recorded.choices)} if same else {}
    return recorded._replace(choices=choices.astype(np.uint8), history=history, arrays=arrays)
