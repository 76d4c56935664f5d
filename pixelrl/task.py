"""The task contract: what a plugin author writes, and what pixelrl does with it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

from torch import Generator, Tensor

from pixelrl import scores
from pixelrl.actions import ActionSet, Edit, pick
from pixelrl.declaration import Score
from pixelrl.maps import Scene, check_map
from pixelrl.ranges import GRAY_OR_COLOR, at_most, number

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
        declared_scores: unit and direction of scores of the task's own, for tables and reports;
            those of `pixelrl.scores` and the reward are known. A score that is not declared is
            shown, but never ranked.
        channels: channels of the image.
        length: steps of an episode, T.

    Example:
        >>> import torch
        >>> from pixelrl.actions import keep, shift
        >>> @dataclass(frozen=True)
        ... class Darken(Task):
        ...     def edits(self): return {"keep": keep, "darker": shift(-0.5)}
        ...     def reward(self, before, after, scene): return before - after
        >>> Darken().step(torch.ones(1, 1, 1, 2), torch.tensor([[[0, 1]]]), scene={})
        tensor([[[[1.0000, 0.5000]]]])
    """

    contract: ClassVar[int] = CONTRACT
    learns_from: ClassVar[tuple[str, ...]] = ("image",)
    works_on: ClassVar[tuple[str, ...]] = ("image",)
    local_reward: ClassVar[bool] = False
    reach: ClassVar[int | None] = None
    declared_scores: ClassVar[tuple[Score, ...]] = ()

    channels: int = number(1, GRAY_OR_COLOR)
    length: int = number(5, at_most(1000))

    @abstractmethod
    def edits(self) -> Mapping[str, Edit]:
        """List the edits an agent chooses from, by name, in order; asked once per task.

        Example:
            >>> from pixelrl_tasks.denoising import Denoising
            >>> list(Denoising().edits())[:4]
            ['-1', 'keep', '+1', 'gaussian 0.5']
        """

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

        Example:
            >>> import torch
            >>> from pixelrl_tasks.denoising import Denoising
            >>> before, after = torch.tensor([[[[0.2, 0.2]]]]), torch.tensor([[[[0.1, 0.3]]]])
            >>> Denoising().reward(before, after, {"target": torch.zeros(1, 1, 1, 2)})
            tensor([[[[  7.6500, -12.7500]]]])
        """

    def aim_reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        """Price an edit for agents that aim (`network.kind=goal`): by default, the reward itself.

        Agents learn their goal by it, and begin by taking the edits that it pays most. Write it
        where `reward` is not local, so that reinforcement has something near to begin at: it must
        depend on the pixel's own edit alone, and be measured against ``target``.

        Args:
            before: ``(B,C,H,W)``, the image before the step.
            after: ``(B,C,H,W)``, the image after it.
            scene: the maps of the episode, ``(B,K,H,W)`` each.

        Returns:
            ``(B,1,H,W)``.

        Example:
            >>> import torch
            >>> from pixelrl_tasks.structure import StructuralDenoising
            >>> before, after = torch.zeros(1, 1, 16, 16), torch.full((1, 1, 16, 16), 0.1)
            >>> StructuralDenoising().aim_reward(before, after, {"target": after}).unique()
            tensor([2.5500])
        """
        return self.reward(before, after, scene)

    def demonstrate(self, image: Tensor, scene: Scene) -> Tensor:
        """Tell what a teacher would choose now, ``(B,H,W)`` int64, for agents to imitate first.

        A good fixed choice per region, say, for `learning.imitation_episodes`. It need not know
        best: agents learn by reinforcement from there.

        Raises:
            NotImplementedError: the task has no teacher.

        Example:
            >>> import torch
            >>> from pixelrl_tasks.saliency_editing import SaliencyEditing
            >>> task, mask = SaliencyEditing(), torch.tensor([[[[0.0, 1.0]]]])
            >>> choice = task.demonstrate(torch.zeros(1, 3, 1, 2), {"mask": mask})
            >>> [task.actions.names[int(index)] for index in choice.flatten()]
            ['less contrast', 'more contrast']
        """
        raise NotImplementedError(f"{type(self).__name__} has no teacher.")

    def problem(self, maps: Scene, rng: Generator) -> Scene:
        """Make an episode's scene from the maps that were read, for learning and scoring.

        Called for one sample at a time, on the CPU; never for the images a user wants edited.

        Args:
            maps: ``(K,H,W)`` float32 in [0, 1], those named in `learns_from`.
            rng: the only source of randomness; the same state gives the same problem.

        Returns:
            The scene, ``(K,H,W)`` each: ``image``, where the episode begins, and what else the
            reward needs, such as ``target``.

        Example:
            >>> import torch
            >>> from pixelrl_tasks.denoising import Denoising
            >>> gray = torch.full((1, 64, 64), 0.5)
            >>> scene = Denoising(sigma=51).problem({"image": gray}, Generator().manual_seed(0))
            >>> {name: round(float(value.std()), 1) for name, value in scene.items()}
            {'image': 0.2, 'target': 0.0}
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

        Raises:
            NotImplementedError: the task learns from folders only.

        Example:
            >>> import torch
            >>> from pixelrl_tasks.color_enhancement import ColorEnhancement
            >>> red = torch.tensor([0.6, 0.4, 0.4])[:, None, None].expand(3, 8, 8)
            >>> made = ColorEnhancement().invent(red, Generator().manual_seed(0))
            >>> made["target"].shape, made["target"][:, 0, 0]  # what does not stand out fades
            (torch.Size([3, 8, 8]), tensor([0.5450, 0.4266, 0.4266]))
        """
        raise NotImplementedError(f"{type(self).__name__} learns from folders only.")

    def observe(self, image: Tensor, scene: Scene) -> Tensor:
        """Tell what the network sees, ``(B,K,H,W)``; by default the image as it stands.

        Example:
            >>> import torch
            >>> from pixelrl_tasks.denoising import Denoising
            >>> Denoising(sees_edits=True).observe(torch.zeros(1, 1, 8, 8), {}).shape
            torch.Size([1, 10, 8, 8])
        """
        return image

    @property
    def observation_channels(self) -> int:
        """Channels K of the observation; state it when `observe` is written.

        Example:
            >>> from pixelrl_tasks.denoising import Denoising
            >>> Denoising().observation_channels, Denoising(sees_edits=True).observation_channels
            (1, 10)
        """
        return self.channels

    def candidates(self, image: Tensor, scene: Scene) -> Tensor:
        """Compute what every edit would make of the image, ``(B,A,C,H,W)``.

        Example:
            >>> import torch
            >>> from pixelrl_tasks.denoising import Denoising
            >>> outcomes = Denoising().candidates(torch.zeros(2, 1, 8, 8), {})
            >>> outcomes.shape, 255 * outcomes[0, :3, 0, 0, 0]
            (torch.Size([2, 9, 1, 8, 8]), tensor([-1.,  0.,  1.]))
        """
        return self.actions.candidates(image)

    def step(self, image: Tensor, choice: Tensor, scene: Scene) -> Tensor:
        """Let each pixel take its choice ``(B,H,W)``; returns the next image ``(B,C,H,W)``.

        Example:
            >>> import torch
            >>> from pixelrl_tasks.denoising import Denoising
            >>> choice = torch.zeros(1, 8, 8, dtype=torch.int64)
            >>> choice[..., 0] = 2  # "+1" in the first column, "-1" elsewhere
            >>> 255 * Denoising().step(torch.zeros(1, 1, 8, 8), choice, {})[0, 0, 0, :3]
            tensor([ 1., -1., -1.])
        """
        return pick(self.candidates(image, scene), choice)

    def scores(self, image: Tensor, scene: Scene) -> dict[str, Tensor]:
        """Score a finished image, ``(B,)`` per name; PSNR and SSIM if the scene has a target.

        Example:
            >>> import torch
            >>> from pixelrl_tasks.denoising import Denoising
            >>> scene = {"target": torch.zeros(1, 1, 16, 16)}
            >>> Denoising().scores(torch.full((1, 1, 16, 16), 0.1), scene)["psnr"]
            tensor([19.8313])
        """
        if "target" not in scene:
            return {}
        target = scene["target"]
        return {"psnr": scores.psnr(image, target), "ssim": scores.ssim(image, target)}

    def baselines(self, scene: Scene) -> Mapping[str, Tensor]:
        """Finish the scene's image in ways a policy should be compared with, ``(B,C,H,W)`` by name.

        For ``evaluate --baselines``, which adds them to those that every task has.

        Example:
            >>> from pixelrl_tasks.denoising import Denoising
            >>> Denoising().baselines({})
            {}
        """
        return {}

    @cached_property
    def actions(self) -> ActionSet:
        """The edits as a set, made once.

        Raises:
            MapError: there are fewer than two edits.

        Example:
            >>> from pixelrl_tasks.denoising import Denoising
            >>> len(Denoising().actions), Denoising().actions.names[5]
            (9, 'median')
        """
        return ActionSet(self.edits())

    def __getstate__(self) -> dict[str, Any]:
        """Pickle as the fields alone, so that caches may hold functions and models."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def reward_map(task: Task, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
    """Ask a task for a step's reward map, ``(B,1,H,W)``.

    Raises:
        MapError: its answer is no such map.

    Example:
        >>> import torch
        >>> from pixelrl_tasks.denoising import Denoising
        >>> before, after = torch.full((1, 1, 4, 4), 0.2), torch.zeros(1, 1, 4, 4)
        >>> reward_map(Denoising(), before, after, {"target": after})[0, 0, 0]
        tensor([10.2000, 10.2000, 10.2000, 10.2000])
    """
    batch, _, height, width = before.shape
    reward = task.reward(before, after, scene)
    return check_map("reward", reward, "B 1 H W", B=batch, H=height, W=width)
