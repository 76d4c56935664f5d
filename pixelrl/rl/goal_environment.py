"""Where agents that aim are played: they see what every edit would do, computed once per step."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from pixelrl.actions import pick
from pixelrl.maps import Scene, map_channels
from pixelrl.rl.tiling import Maps, in_tiles, tile_environment
from pixelrl.task import Task


class Packed(NamedTuple):
    """Hold what an observation of `GoalEnvironment` is made of.

    Attributes:
        seen: ``(B,K,H,W)``, the task's own observation.
        image: ``(B,C,H,W)``, as it stands.
        candidates: ``(B,A,C,H,W)``, what every edit would make of it.
        maps: the scene's maps that are known where there is no target.
    """

    seen: Tensor
    image: Tensor
    candidates: Tensor
    maps: Scene


Candidates = Callable[[Tensor, Scene], Tensor]
"""From an image and its scene to what every edit would make of it, as `Task.candidates`."""


class GoalEnvironment:
    """Play a task for agents that aim: they see what every edit would do, computed once per step.

    Args:
        task: the task.
        tile: side of the tiles that larger images are edited in, in pixels; 0 for never.
        candidates: computes what the task's own would; None for that itself.
    """

    def __init__(self, task: Task, tile: int = 0, candidates: Candidates | None = None) -> None:
        self.task, self.tile = task, tile
        self._make = candidates or task.candidates
        self._known: tuple[Tensor, Tensor] | None = None  # an image and its candidates

    @property
    def length(self) -> int:
        """Steps of an episode."""
        return self.task.length

    def observe(self, image: Tensor, scene: Scene) -> Tensor:
        """Tell what the network sees: what `unpack` takes apart, ``(B,·,H,W)``."""
        seen = self.task.observe(image, scene)
        maps = [scene[name] for name in known_maps(self.task)]
        return torch.cat([seen, image, self.candidates(image, scene).flatten(1, 2), *maps], 1)

    def step(self, image: Tensor, choice: Tensor, scene: Scene) -> Tensor:
        """Let each pixel take its choice ``(B,H,W)``; returns the next image ``(B,C,H,W)``."""
        if type(self.task).step is not Task.step:
            return tile_environment(self.task, image, self.tile).step(image, choice, scene)
        return pick(self.candidates(image, scene), choice)

    def candidates(self, image: Tensor, scene: Scene) -> Tensor:
        """Compute what every edit would make of the image, ``(B,A,C,H,W)``; the last is kept.

        Raises:
            TypeError: a map that tiles need is missing.
        """
        if self._known is None or self._known[0] is not image:
            self._known = (image, self._compute(image, scene))
        return self._known[1]

    def _compute(self, image: Tensor, scene: Scene) -> Tensor:
        if tile_environment(self.task, image, self.tile) is self.task:
            return self._make(image, scene)
        names = tuple(scene)

        def local(maps: Maps) -> Maps:
            there = [value for value in maps if value is not None]
            window = dict(zip(names, there[1:], strict=True))
            return (self.task.candidates(there[0], window).flatten(1, 2),)

        maps = (image, *scene.values())
        flat = in_tiles(local, maps, reach=self.task.reach or 0, tile=self.tile)[0]
        if flat is None:
            raise TypeError("a task computed no candidates.")
        return _by_edit(flat, self.task)


def unpack(task: Task, observation: Tensor) -> Packed:
    """Take an observation of `GoalEnvironment` apart, ``(B,·,H,W)``."""
    channels, edits = task.channels, len(task.actions)
    maps = known_maps(task)
    sizes = [task.observation_channels, channels, edits * channels, *maps.values()]
    seen, image, candidates, *rest = torch.split(observation, sizes, 1)
    return Packed(seen, image, _by_edit(candidates, task), dict(zip(maps, rest, strict=True)))


def known_maps(task: Task) -> dict[str, int]:
    """Name the maps of a scene that are known where there is no target, and their channels."""
    names = sorted({"image", *task.works_on} - {"target"})
    return {name: map_channels(name, task.channels) for name in names}


def _by_edit(candidates: Tensor, task: Task) -> Tensor:
    """View candidates ``(B,A*C,H,W)`` as ``(B,A,C,H,W)``."""
    batch, _, height, width = candidates.shape
    return candidates.view(batch, len(task.actions), task.channels, height, width)
