"""The task contract: what a plugin author writes, and what pixelrl does with it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

from torch import Generator, Tensor

from pixelrl import scores
from pixelrl.actions import ActionSet, Edit, pick
from pixelrl.maps import Scene, check_map
from pixelrl.settings import POSITIVE, number

CONTRACT = 1
"""The version of the contract; a task made for another one is refused by name."""


@dataclass(frozen=True)
class Task(ABC):
    """Describe a task as a value: fields are its settings, methods are pure functions of maps.

    A task is a frozen dataclass. Its fields are plain settings (numbers, strings, tuples, dicts,
    `Literal`, `Path`); its methods depend on nothing but their arguments and the fields, write no
    map in place, and make every tensor from the image they are given, so that they follow the
    image's device. Two methods must be written, `edits` and `reward`; the rest may be.

    Attributes:
        contract: version of the contract the task was written for.
        learns_from: maps read from disk for learning.
        works_on: maps read from disk for editing.
        local_reward: whether a pixel's reward depends on that pixel's own edit alone, so that every
            edit has a reward of its own; what `learning.estimator=expected` and the oracle rest on.
        reach: how far, in pixels, observing and editing look aside; None if unknown or unlimited.
            Exact tiling rests on it.
        channels: channels of the image.
        length: steps of an episode, T.
    """

    contract: ClassVar[int] = CONTRACT
    learns_from: ClassVar[tuple[str, ...]] = ("image",)
    works_on: ClassVar[tuple[str, ...]] = ("image",)
    local_reward: ClassVar[bool] = False
    reach: ClassVar[int | None] = None

    channels: int = number(1, POSITIVE)
    length: int = number(5, POSITIVE)

    @abstractmethod
    def edits(self) -> Mapping[str, Edit]:
        """List the edits an agent chooses from, by name, in order; asked once per task."""

    @abstractmethod
    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        """Compute the reward of one step.

        A score that is one number per image or patch is spread over a map by `pixelrl.credit`.

        Args:
            before: ``(B,C,H,W)``, the image before the step.
            after: ``(B,C,H,W)``, the image after it.
            scene: the maps of the episode, ``(B,K,H,W)`` each.

        Returns:
            The reward map ``(B,1,H,W)``.
        """

    def problem(self, maps: Scene, rng: Generator) -> Scene:
        """Make an episode's scene from the maps that were read, for learning and scoring.

        Called for one sample at a time, on the CPU; never for the images a user wants edited.

        Args:
            maps: ``(K,H,W)`` float32 in [0, 1], those named in `learns_from`.
            rng: the only source of randomness; the same state gives the same problem.

        Returns:
            The scene, ``(K,H,W)`` each: ``image``, where the episode begins, and what else the
            reward needs, such as ``target``.
        """
        return maps

    def invent(self, image: Tensor, rng: Generator) -> Scene:
        """Make up the maps that bundled images lack, so that nothing must be downloaded.

        Asked for where no folders are given and the task learns from more than ``image``; once per
        image, before it is cut.

        Args:
            image: ``(C,H,W)`` float32 in [0, 1].
            rng: the only source of randomness.

        Returns:
            ``(K,H,W)`` each: the maps named in `learns_from`.
        """
        raise NotImplementedError(f"{type(self).__name__} learns from folders only.")

    def observe(self, image: Tensor, scene: Scene) -> Tensor:
        """Tell what the network sees, ``(B,K,H,W)``; by default the image as it stands."""
        return image

    @property
    def observation_channels(self) -> int:
        """Channels K of the observation; state it when `observe` is written."""
        return self.channels

    def candidates(self, image: Tensor, scene: Scene) -> Tensor:
        """Compute what every edit would make of the image, ``(B,A,C,H,W)``."""
        return self.actions.candidates(image)

    def step(self, image: Tensor, choice: Tensor, scene: Scene) -> Tensor:
        """Let each pixel take its choice ``(B,H,W)``; returns the next image ``(B,C,H,W)``."""
        return pick(self.candidates(image, scene), choice)

    def scores(self, image: Tensor, scene: Scene) -> dict[str, Tensor]:
        """Score a finished image, ``(B,)`` per name; PSNR and SSIM if the scene has a target."""
        if "target" not in scene:
            return {}
        target = scene["target"]
        return {"psnr": scores.psnr(image, target), "ssim": scores.ssim(image, target)}

    def baselines(self, scene: Scene) -> Mapping[str, Tensor]:
        """Finish the scene's image in ways a policy should be compared with, ``(B,C,H,W)`` by name.

        For ``evaluate --baselines``, which adds them to those that every task has.
        """
        return {}

    @cached_property
    def actions(self) -> ActionSet:
        """The edits as a set, made once."""
        return ActionSet(self.edits())

    def __getstate__(self) -> dict[str, Any]:
        """Pickle as the fields alone, so that caches may hold functions and models."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def reward_map(task: Task, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
    """Ask a task for a step's reward map, ``(B,1,H,W)``.

    Raises:
        MapError: its answer is no such map.
    """
    batch, _, height, width = before.shape
    reward = task.reward(before, after, scene)
    return check_map("reward", reward, "B 1 H W", B=batch, H=height, W=width)
