"""Draw the eye to a region of a photograph, or away from it, by changing colors alone."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, ClassVar, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from pixelrl import Edit, Scene, Task, keep
from pixelrl.actions import saturation, scale
from pixelrl.actions.saliency import where_salient
from pixelrl.errors import ConfigError
from pixelrl.ranges import POSITIVE, check_values, number
from pixelrl.saliency import Saliency
from pixelrl.scores import Score
from pixelrl_tasks.masks import KINDS, draw_mask
from pixelrl_tasks.saliency_editing.baselines import finish_by_hand, search_grade, stretch
from pixelrl_tasks.saliency_editing.budgets import Goal, hold_back, measure_spent
from pixelrl_tasks.saliency_editing.reward import saliency_reward
from pixelrl_tasks.saliency_editing.scores import DECLARED, saliency_scores

Direction = Literal["raise", "lower"]


@dataclass(frozen=True)
class SaliencyEditing(Task):
    """Draw the eye to a region of a photograph, or away from it, by changing colors alone.

    After the fourth task of TMM-20, whose saliency model, edits and scores are not published; these
    are our own (docs/saliency.md). A model tells where people would look; agents see the image, the
    mask of the region, and what was changed so far; their reward is the log-odds of the
    region's share of saliency, within budgets of fidelity on both sides of the mask. A second
    model, the critic, rewards nobody and is reported beside the first. Model saliency is not eye
    tracking.

    Photographs without masks get drawn ones, new in every episode. With `learning.gamma=1` an
    episode's return is the potential of its last image; with 0 each step counts alone.

    Attributes:
        direction: ``raise`` or ``lower`` the region's saliency.
        model: the saliency model that rewards: an entry point's name, or ``module:attribute``.
        options: what it is made with, such as ``path``.
        critic: the model that results are checked with.
        critic_options: what the critic is made with.
        cap: largest gain that is rewarded, in log-odds.
        inside: budget of mean color distance in the region, in Lab units.
        outside: the same for the rest of the image.
        strict: whether region and rest stand still at a step that would break a budget of theirs,
            so that every result is valid; if not, straying is charged.
        side: longer side, in pixels, that photographs are reduced to for learning and scoring; 0
            for never. Saliency is a matter of the whole image.
        masks: kinds of drawn masks: ``disc``, ``superpixels``, ``object``.

    Raises:
        ConfigError: a setting cannot be.
    """

    contract: ClassVar[int] = 1
    works_on: ClassVar[tuple[str, ...]] = ("image", "mask")
    declared_scores: ClassVar[tuple[Score, ...]] = DECLARED

    channels: int = 3
    length: int = 5
    direction: Direction = "raise"
    model: str = "gbvs"
    options: dict[str, Any] = field(default_factory=dict)
    critic: str = "itti"
    critic_options: dict[str, Any] = field(default_factory=dict)
    cap: float = number(0.7, POSITIVE)
    inside: float = number(15.0, POSITIVE)
    outside: float = number(10.0, POSITIVE)
    strict: bool = True
    side: int = 128
    masks: tuple[str, ...] = ("disc", "superpixels", "object")

    def __post_init__(self) -> None:
        check_values("task", self)
        if self.channels != 3:
            raise ConfigError(
                f"task.channels: expected 3, got {self.channels}; gray photographs are read as RGB."
            )
        if self.direction not in get_args(Direction):
            raise ConfigError(f"task.direction: expected raise or lower, got {self.direction!r}.")
        if self.side and self.side < 32:
            raise ConfigError(f"task.side: expected 0, or 32 pixels or more, got {self.side}.")
        if not self.masks or set(self.masks) - set(KINDS):
            raise ConfigError(
                f"task.masks: expected some of {', '.join(KINDS)}, got {list(self.masks)}."
            )

    @cached_property
    def saliency(self) -> Saliency:
        """The model that rewards, loaded once per process."""
        found = Saliency.named(self.model, self.options)
        if found.kind == "object":
            warnings.warn(
                f"saliency model '{found.name}' finds objects: it hardly reacts to color and"
                " rewards noise; let a model of contrast or fixation reward, such as gbvs.",
                stacklevel=2,
            )
        return found

    @cached_property
    def judge(self) -> Saliency:
        """The critic, loaded once per process."""
        return Saliency.named(self.critic, self.critic_options)

    @property
    def goal(self) -> Goal:
        """What is wanted, and what it may cost."""
        sign = 1 if self.direction == "raise" else -1
        charged = not self.strict
        return Goal(sign, self.cap, self.inside, self.outside, charged=charged)

    def edits(self) -> Mapping[str, Edit]:
        return {
            "keep": keep,
            "brighter": scale(1.06),
            "darker": scale(0.94),
            "more contrast": stretch(1.1),
            "less contrast": stretch(0.9),
            "more color": saturation(1.2),
            "less color": saturation(0.8),
            "calm the salient": where_salient(self.saliency, stretch(0.8)),
            "color the dull": where_salient(self.saliency, saturation(1.3), inverted=True),
        }

    def candidates(self, image: Tensor, scene: Scene) -> Tensor:
        return super().candidates(image, scene).clamp(0, 1)

    def step(self, image: Tensor, choice: Tensor, scene: Scene) -> Tensor:
        after = super().step(image, choice, scene)
        if not self.strict:
            return after
        return hold_back(image, after, scene["image"], scene["mask"], self.goal)

    def problem(self, maps: Scene, rng: Generator) -> Scene:
        reduced = {name: self._reduced(value) for name, value in maps.items()}
        mask = reduced.get("mask")
        # A crop may have missed its mask, or have nothing else.
        if mask is None or not 0 < float(mask.mean()) < 1:
            reduced["mask"] = draw_mask(reduced["image"], rng, self.masks)
        return reduced

    def observe(self, image: Tensor, scene: Scene) -> Tensor:
        original, mask = scene["image"], scene["mask"]
        used = measure_spent(image, original, mask, self.goal)
        return torch.cat([image, mask, image - original, used], 1)

    @property
    def observation_channels(self) -> int:
        return 3 * self.channels + 1

    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        return self._pay(before, after, scene, self.goal)

    def scores(self, image: Tensor, scene: Scene) -> dict[str, Tensor]:
        return saliency_scores(
            self.saliency, self.judge, image, scene["image"], scene["mask"], self.goal
        )

    def demonstrate(self, image: Tensor, scene: Scene) -> Tensor:
        """Tell what a person would do, ``(B,H,W)``: more contrast where to look, less elsewhere."""
        names = ("more contrast", "less contrast")
        inside, outside = names if self.direction == "raise" else reversed(names)
        index = [self.actions.names.index(name) for name in (outside, inside)]
        region = scene["mask"][:, 0] > 0.5
        return torch.tensor(index, device=image.device)[region.long()]

    def baselines(self, scene: Scene) -> Mapping[str, Tensor]:
        # What is searched steps over budgets unless it is charged for that.
        charged = partial(self._pay, goal=replace(self.goal, charged=True))
        return {
            "two edits": self._two_edits(scene),
            "searched grade": search_grade(self.candidates, charged, scene, self.length),
            **finish_by_hand(scene["image"], scene["mask"], self.goal.sign),
        }

    def _pay(self, before: Tensor, after: Tensor, scene: Scene, goal: Goal) -> Tensor:
        return saliency_reward(self.saliency, before, after, scene["image"], scene["mask"], goal)

    def _two_edits(self, scene: Scene) -> Tensor:
        """Do as a person would, again and again."""
        image = scene["image"]
        for _ in range(self.length):
            image = self.step(image, self.demonstrate(image, scene), scene)
        return image

    def _reduced(self, value: Tensor) -> Tensor:
        height, width = value.shape[-2:]
        longer = max(height, width)
        if not self.side or longer <= self.side:
            return value
        size = [max(1, round(each * self.side / longer)) for each in (height, width)]
        small = F.interpolate(value[None], size, mode="bilinear", antialias=True)
        return small[0].clamp(0, 1)
