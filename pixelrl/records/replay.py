"""Replay recorded choices, as they are and as they were before somebody altered them."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixelrl.config.compose import Experiment, from_plain
from pixelrl.discovery import Trust
from pixelrl.errors import ConfigError, DataError
from pixelrl.images.files import as_map
from pixelrl.images.photograph import Photograph, read_photograph
from pixelrl.images.profiles import read_map
from pixelrl.maps import Scene, check_scene
from pixelrl.records.file import Recorded, load_choices
from pixelrl.rl.rollout import replay
from pixelrl.rl.tiling import tile_environment


class Replayed(NamedTuple):
    """Hold what replaying gives.

    Attributes:
        image: ``(C,H,W)``, the outcome.
        original: ``(C,H,W)``, the outcome before the choices were altered; the same tensor if they
            were not.
        scores: of the outcome, by name; none without a target.
        original_scores: of the original outcome.
        recorded: what was replayed.
        photograph: what it was replayed on, with all that has to be kept of it.
    """

    image: Tensor
    original: Tensor
    scores: dict[str, float]
    original_scores: dict[str, float]
    recorded: Recorded
    photograph: Photograph


def replay_file(choices: Path, maps: Mapping[str, Path], *, trust: Trust | None = None) -> Replayed:
    """Replay a file of recorded choices on an image.

    Args:
        choices: a ``.choices.npz``, as `predict` wrote it or as somebody altered it.
        maps: the files of the scene's maps, ``image`` among them; with ``target``, it is scored.
        trust: which code the choices may name beside installed plugins; by default none.

    Returns:
        The outcome, beside that of the choices as first recorded.

    Raises:
        DataError: a file is unreadable, or the choices are not of the image's size.
        ConfigError: the edits recorded are not the task's.
        MapError: the choices are not as many steps as the task has.
        PluginError: the task is not installed, or code that is not trusted.
    """
    recorded = load_choices(choices, with_arrays=True)
    experiment = from_plain(recorded.experiment, source=str(choices), trust=trust)
    if experiment.task.actions.names != recorded.edits:
        raise ConfigError(
            f"{choices}: recorded with edits {', '.join(recorded.edits)}; the task now has"
            f" {', '.join(experiment.task.actions.names)}."
        )
    scene = read_scene(experiment, maps)
    original = recorded.arrays.get("original", recorded.choices)
    if original.max(initial=0) >= len(recorded.edits):
        raise DataError(f"{choices}: its original names edits that do not exist; replay another.")
    height, width = scene["image"].shape[-2:]
    if recorded.choices.shape[1:] != (height, width):
        raise DataError(
            f"{maps['image']}: {width}x{height} pixels, but {choices} is of"
            f" {recorded.choices.shape[2]}x{recorded.choices.shape[1]}; replay it on its image."
        )
    image = replay_choices(experiment, recorded.choices, scene)
    altered = not np.array_equal(original, recorded.choices)
    before = replay_choices(experiment, original, scene) if altered else image
    one, other = (score_replay(experiment, each, scene) for each in (image, before))
    channels, profile = experiment.task.channels, experiment.data.profile
    photograph = read_photograph(maps["image"], channels, profile)
    return Replayed(image[0], before[0], one, other, recorded, photograph)


def read_scene(experiment: Experiment, maps: Mapping[str, Path]) -> dict[str, Tensor]:
    """Read the maps that a task works on, ``(1,K,H,W)`` each.

    Raises:
        DataError: a map is missing or unreadable.
        MapError: the maps differ in size.
    """
    task = experiment.task
    missing = [name for name in task.works_on if name not in maps]
    if missing:
        raise DataError(
            f"{type(task).__name__} works on {missing[0]}; pass --map {missing[0]}=FILE."
        )
    scene = {
        name: as_map(read_map(path, name, task.channels, experiment.data.profile)).unsqueeze(0)
        for name, path in maps.items()
    }
    check_scene(scene, task.channels)
    return scene


def replay_choices(experiment: Experiment, choices: NDArray[np.uint8], scene: Scene) -> Tensor:
    """Replay choices ``(T,H,W)``; returns the last image, ``(1,C,H,W)``.

    Raises:
        MapError: the choices do not fit the image.
    """
    image = scene["image"]
    batched = torch.from_numpy(choices).long().unsqueeze(1)
    environment = tile_environment(experiment.task, image, experiment.data.tile)
    for after in replay(environment, batched, scene):
        image = after
    return image


def score_replay(experiment: Experiment, image: Tensor, scene: Scene) -> dict[str, float]:
    """Score an image ``(1,C,H,W)`` as the task does, if the scene has a target."""
    if "target" not in scene:
        return {}
    return {name: float(each[0]) for name, each in experiment.task.scores(image, scene).items()}
