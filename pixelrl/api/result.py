"""What agents made of a picture, how it came about, and what else may be asked of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pixelrl.api import saving, words
from pixelrl.api.channels import Picture, finish, note_channels
from pixelrl.api.kinds import Kind, take_region
from pixelrl.api.notebook import show_result, write_html
from pixelrl.api.playing import Played, alter, play_agents, play_choices
from pixelrl.errors import MapError
from pixelrl.intervention.regions import Region, read_steps
from pixelrl.intervention.rules import Kind as RuleKind
from pixelrl.intervention.rules import Rule, check_edit, keep_outside, stop_after
from pixelrl.training.checkpoint import Restored

Where = Region | Kind
"""Where a rule holds: a mask of any kind, white or true inside."""


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Hold a finished picture and how it came about.

    What a person asks for (`forbid`, `only`, `prefer`, `stop_after`, `keep_outside`) is added to
    what was asked for before, and the agents edit the picture again; the result stays as it is.

    Attributes:
        policy: the agents.
        picture: as it came in.
        scene: what they saw, maps ``(B,K,H,W)``.
        played: the frames, choices and, unless choices were replayed, thoughts of the episode.
        rules: what a person asked for.
    """

    policy: Restored
    picture: Picture
    scene: Mapping[str, Tensor]
    played: Played
    rules: tuple[Rule, ...] = field(default=())

    @cached_property
    def image(self) -> Any:  # noqa: ANN401 - of the kind that came in
        """The finished picture, of the kind that came in; for a path, an image of Pillow's."""
        return self._own(self.played.frames[-1])

    @cached_property
    def steps(self) -> list[Any]:
        """The picture before the first step and after each, of the kind that came in."""
        return [self._own(frame) for frame in self.played.frames]

    @cached_property
    def goal(self) -> Any:  # noqa: ANN401 - of the kind that came in
        """What the agents think the picture should be; None without a goal, and after a replay."""
        trace = self.played.trace
        return None if trace is None or trace.goal is None else self._own(trace.goal)

    @cached_property
    def doubt(self) -> NDArray[np.float32] | None:
        """How far off the agents expect their goal to be, ``(H,W)`` in gray levels.

        None without a goal, and after a replay. It is ``(B,H,W)`` where a batch came in.
        """
        trace = self.played.trace
        if trace is None or trace.doubt is None:
            return None
        found: NDArray[np.float32] = trace.doubt.float().numpy()
        return found if self.picture.batched else found[0]

    @cached_property
    def choices(self) -> NDArray[np.uint8]:
        """What every pixel chose at every step, ``(T,H,W)``, counting into `edits`.

        It is ``(T,B,H,W)`` where a batch came in.
        """
        found: NDArray[np.uint8] = self.played.choices.to(torch.uint8).numpy()
        return found if self.picture.batched else found[:, 0]

    @property
    def edits(self) -> tuple[str, ...]:
        """The edits' names, in order."""
        return self.policy.module.task.actions.names

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not as it may seem, in sentences."""
        return note_channels(self.picture, self.policy.module.task.channels)

    def history(self, x: int, y: int) -> str:
        """Tell a pixel's history in words.

        Args:
            x: its column, from 0 on, from the left.
            y: its row, from 0 on, from the top.

        Raises:
            MapError: there is no such pixel, or the result is of a batch.
        """
        self._check_single("history")
        height, width = self.played.frames.shape[-2:]
        if not (0 <= x < width and 0 <= y < height):
            raise MapError(
                f"pixel {x}, {y}: expected x from 0 to {width - 1}, y from 0 to {height - 1}."
            )
        return words.describe_pixel(self.played, self.edits, x, y)

    def forbid(
        self, *edits: str, where: Where | None = None, steps: int | str | None = None
    ) -> "Result":
        """Let the agents edit again without these edits.

        Args:
            edits: their names.
            where: a mask that is white where this holds; everywhere by default.
            steps: when, counted from 1: ``3``, ``"2-4"``, ``"2-"``; always by default.

        Raises:
            ConfigError: an edit or step does not exist, or some pixel is left without an edit.
            DataError: the mask is black, unreadable or not of the picture's size.
        """
        return self._again(self._rule("forbid", edits, where, steps))

    def only(
        self, *edits: str, where: Where | None = None, steps: int | str | None = None
    ) -> "Result":
        """Let the agents edit again with no other edits; arguments and errors as of `forbid`."""
        return self._again(self._rule("only", edits, where, steps))

    def prefer(
        self,
        *edits: str,
        by: float,
        where: Where | None = None,
        steps: int | str | None = None,
    ) -> "Result":
        """Let the agents edit again, these edits' logits raised by so many nats.

        Args:
            edits: their names.
            by: how much; negative to have them less.
            where: as of `forbid`.
            steps: as of `forbid`.
        """
        return self._again(replace(self._rule("prefer", edits, where, steps), bias=by))

    def stop_after(self, count: int, where: Where | None = None) -> "Result":
        """Let the agents edit again, but do nothing after so many steps.

        Raises:
            ConfigError: there are fewer steps, or no edit does nothing.
            DataError: the mask is black, unreadable or not of the picture's size.
        """
        task = self.policy.module.task
        region = None if where is None else take_region(where)
        return self._again(stop_after(count, task.actions, task.length, region))

    def keep_outside(self, where: Where) -> "Result":
        """Let the agents edit again, and leave everything outside a mask alone.

        Raises:
            ConfigError: no edit does nothing.
            DataError: the mask is black, unreadable or not of the picture's size.
        """
        return self._again(keep_outside(take_region(where), self.policy.module.task.actions))

    def replay(
        self,
        choices: ArrayLike | str | PathLike[str] | None = None,
        *,
        swap: Mapping[str, str] | None = None,
        where: Where | None = None,
        steps: int | str | None = None,
    ) -> "Result":
        """Take choices as they are, or altered; no agent decides anew.

        Args:
            choices: ``(T,H,W)``, counting into `edits`, or the path of a ``.choices.npz``; by
                default those of this result.
            swap: edits to be replaced, each by another: ``{"median": "keep"}``; ``*`` is any.
            where: as of `forbid`, for ``swap``.
            steps: as of `forbid`, for ``swap``.

        Raises:
            ConfigError: an edit or step does not exist, or the record is of other edits.
            DataError: the record or a mask is unreadable, or not of the picture's size.
            MapError: the choices do not fit the picture, or the result is of a batch.
        """
        self._check_single("replay")
        region = None if where is None else take_region(where)
        when = None if steps is None else read_steps(str(steps))
        recorded = alter(saving.record(self), choices, swap or {}, region, when)
        return replace(self, played=play_choices(self.policy, self.scene, recorded), rules=())

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture, or how it came about, as the name's ending says.

        Args:
            path: ``NAME.png`` (``.jpg``, ``.tif``, ``.webp``, ``.bmp``) for the picture,
                ``NAME.choices.npz`` for the record of all choices, ``NAME.gif`` and
                ``NAME.strip.png`` for the steps in pictures, ``NAME.html`` for the page that `show`
                opens.

        Returns:
            The path.

        Raises:
            ConfigError: the ending is another.
            DataError: the file cannot be written.
            MapError: the result is of a batch.
        """
        self._check_single("save")
        return saving.save(self, Path(path))

    def show(self) -> None:
        """Show what happened: in a notebook below the cell, elsewhere in the browser."""
        show_result(self)

    def _repr_html_(self) -> str:
        """Tell a notebook what happened."""
        return write_html(self)

    def __repr__(self) -> str:
        return f"Result({words.describe(self)})"

    def __len__(self) -> int:
        return len(self.picture.samples)

    def __getitem__(self, index: int) -> "Result":
        """Take the result of one picture of a batch.

        Raises:
            IndexError: there are not so many.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"picture {index} of {len(self)}.")
        at = index % len(self)
        scene = {name: value[at : at + 1] for name, value in self.scene.items()}
        picture, played = self.picture.take(at), self.played.take(at)
        return replace(self, picture=picture, scene=scene, played=played)

    def _own(self, frame: Tensor) -> Any:  # noqa: ANN401 - of the kind that came in
        return self.picture.restore(self.samples(frame))

    def samples(self, frame: Tensor) -> Tensor:
        """Carry what agents made, ``(B,C,H,W)``, over to the picture's samples ``(B,N,H,W)``."""
        return finish(self.picture, self.played.frames[0], frame)

    def _rule(
        self,
        kind: RuleKind,
        edits: tuple[str, ...],
        where: Where | None,
        steps: int | str | None,
    ) -> Rule:
        names = tuple(check_edit(name, self.edits) for name in edits)
        region = None if where is None else take_region(where)
        return Rule(kind, names, region, None if steps is None else read_steps(str(steps)))

    def _again(self, rule: Rule | None) -> "Result":
        rules = self.rules if rule is None else (*self.rules, rule)
        return replace(self, played=play_agents(self.policy, self.scene, rules), rules=rules)

    def _check_single(self, wanted: str) -> None:
        if self.picture.batched:
            raise MapError(
                f"{wanted}: the result is of a batch of {len(self)}; take one of it, such as"
                f" result[0].{wanted}(...)."
            )
