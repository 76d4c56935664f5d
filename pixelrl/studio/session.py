"""A session: a policy, the picture that is open, and the episodes rolled out on it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from pixelrl.config.compose import Experiment
from pixelrl.drawing.difference import Difference, draw_difference
from pixelrl.drawing.filmstrip import count_shares
from pixelrl.errors import ConfigError, DataError
from pixelrl.images.files import as_map
from pixelrl.images.profiles import read_map
from pixelrl.intervention.regions import Region
from pixelrl.intervention.rules import Rule, compile_rules
from pixelrl.rl.trace import Edited
from pixelrl.training.module import PixelA3C

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
"""The kinds of picture that may be opened."""

MOST_PIXELS = 4_000_000
"""The largest picture that may be opened."""

KEPT = 3
"""So many episodes under rules are kept; older ones are forgotten."""

MOST_BYTES = 4 * 1024**3
"""So much memory episodes may take; older ones are forgotten earlier, and a picture whose one
episode would take more is not opened."""


class Picture(NamedTuple):
    """Hold the picture that is open.

    Attributes:
        path: its file.
        image: ``(1,C,H,W)``.
        uploaded: whether the file came through the page, and will go when the studio closes.
        mask: the region that the task is to work on; None for tasks that know none.
    """

    path: Path
    image: Tensor
    uploaded: bool
    mask: Region | None = None

    @property
    def scene(self) -> dict[str, Tensor]:
        """The maps that a task works on, ``(1,K,H,W)``."""
        scene = {"image": self.image}
        if self.mask is not None:
            scene["mask"] = self.mask.inside.to(self.image)[None, None]
        return scene


@dataclass(frozen=True)
class Episode:
    """Hold one episode on the open picture.

    Attributes:
        number: counts the episodes of this session from 1.
        picture: what was edited.
        rules: what a person asked for.
        edited: what the agents made of it, with its trace.
        base: the episode without any rules on the same picture; None if this is it.
    """

    number: int
    picture: Picture
    rules: tuple[Rule, ...]
    edited: Edited
    base: "Episode | None" = None

    @property
    def frames(self) -> Tensor:
        """The image before the first step and after each, ``(T+1,C,H,W)`` on the CPU.

        Raises:
            TypeError: the episode was rolled out without its trace.
        """
        if self.edited.trace is None:
            raise TypeError("an episode was rolled out without its trace.")
        return self.edited.trace.frames[:, 0]

    @property
    def choices(self) -> Tensor:
        """What every pixel chose, ``(T,H,W)`` uint8 on the CPU."""
        return self.edited.choices[:, 0].to(torch.uint8).cpu()

    @property
    def doubt(self) -> Tensor | None:
        """How far off the goal may be, ``(H,W)`` gray levels; None if agents have none."""
        trace = self.edited.trace
        return None if trace is None or trace.doubt is None else trace.doubt[0]

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        trace = self.edited.trace or ()
        held = [
            self.edited.image,
            self.edited.choices,
            *(map_ for map_ in trace if map_ is not None),
        ]
        return sum(each.nbytes for each in held)

    def change(self, step: int) -> Difference:
        """Tell what the rules changed up to a step."""
        return draw_difference((self.base or self).frames[step], self.frames[step])


class Session:
    """Edit one picture at a time, again and again, as a person's rules change.

    Args:
        module: the policy, with its weights.
        experiment: its settings.

    Raises:
        ConfigError: the task needs more than a picture and a mask.
    """

    def __init__(self, module: PixelA3C, experiment: Experiment) -> None:
        task = experiment.task
        if not set(task.works_on) <= {"image", "mask"}:
            raise ConfigError(
                f"studio: {type(task).__name__} works on {', '.join(task.works_on)}; the studio"
                " knows pictures and masks alone. Use predict."
            )
        self.module, self.experiment, self.task = module.eval(), experiment, task
        self.names = task.actions.names
        self.masked = "mask" in task.works_on
        self._episodes: dict[int, Episode] = {}
        self._base: Episode | None = None
        self._count = 0
        self._lock = threading.RLock()

    def open(self, path: Path, *, uploaded: bool = False, mask: Region | None = None) -> Episode:
        """Open a picture and let the agents edit it as they like.

        Args:
            path: its file.
            uploaded: whether it came through the page.
            mask: the region that the task is to work on, if it knows one; its middle by default.

        Raises:
            ConfigError: a mask is given to a task that knows none.
            DataError: the file is no picture of a kind in `FORMATS`, or a damaged or too large one,
                or the mask is not of its size.
            MapError: the picture is too small for the task's edits.
        """
        check_picture(path)
        profile = self.experiment.data.profile
        image = as_map(read_map(path, "image", self.task.channels, profile))[None]
        size = (image.shape[2], image.shape[3])
        # Frames, choices of eight bytes, and three maps of thoughts, each step.
        needed = image.nbytes + self.task.length * size[0] * size[1] * (4 * image.shape[1] + 20)
        if needed > MOST_BYTES:
            raise DataError(
                f"{path.name}: {self.task.length} steps on {size[1]}x{size[0]} pixels would take"
                f" {needed / 1e9:.0f} GB; cut or reduce it, or use predict."
            )
        if self.masked and mask is None:
            mask = crop_middle(size)
        return self._begin(Picture(path, image, uploaded), mask)

    def roll_out(self, rules: Sequence[Rule], mask: Region | None = None) -> Episode:
        """Edit the open picture again, under rules.

        Args:
            rules: what a person asks for.
            mask: another region for the task to work on; None leaves it as it is.

        Raises:
            ConfigError: no picture is open, the rules leave some pixel without an edit, or a mask
                is given to a task that knows none.
            DataError: a region is not of the picture's size.
        """
        with self._lock:
            base = self.base if mask is None else self._begin(self.base.picture, mask)
            if not rules:
                return base
            episode = self._rolled_out(base.picture, tuple(rules), base)
            self._episodes[episode.number] = episode
            for number in list(self._episodes)[1:-KEPT]:
                del self._episodes[number]
            for number in list(self._episodes)[1:-1]:  # the first and the last are needed
                if sum(each.bytes for each in self._episodes.values()) > MOST_BYTES:
                    del self._episodes[number]
            return episode

    @property
    def base(self) -> Episode:
        """The episode without rules on the open picture.

        Raises:
            ConfigError: no picture is open.
        """
        if self._base is None:
            raise ConfigError("no picture is open; open one first.")
        return self._base

    def is_open(self) -> bool:
        """Tell whether a picture is open."""
        return self._base is not None

    def episode(self, number: int) -> Episode:
        """Find an episode that was rolled out.

        Raises:
            ConfigError: it was forgotten, or never rolled out.
        """
        try:
            return self._episodes[number]
        except KeyError as error:
            raise ConfigError(f"episode {number} is no longer kept; replay it.") from error

    def shares(self, episode: Episode) -> list[list[float]]:
        """Tell which share of the pixels chose each edit, T rows of A."""
        shares: list[list[float]] = count_shares(episode.edited.choices, len(self.names)).tolist()
        return shares

    def _begin(self, picture: Picture, mask: Region | None) -> Episode:
        """Roll out the first episode on a picture, without rules, and forget all others."""
        if mask is not None:
            if not self.masked:
                raise ConfigError(
                    f"{mask.name}: {type(self.task).__name__} works on the picture alone; leave the"
                    " mask out."
                )
            mask.check_size((picture.image.shape[2], picture.image.shape[3]))
        with self._lock:
            base = self._rolled_out(picture._replace(mask=mask), ())
            self._base, self._episodes = base, {base.number: base}
            return base

    def _rolled_out(
        self, picture: Picture, rules: tuple[Rule, ...], base: Episode | None = None
    ) -> Episode:
        intervention = compile_rules(rules, self.names, self.task.length) if rules else None
        scene = {name: value.to(self.module.device) for name, value in picture.scene.items()}
        edited = self.module.edit(scene, with_trace=True, intervention=intervention)
        self._count += 1
        return Episode(self._count, picture, rules, edited, base)


def crop_middle(size: tuple[int, int]) -> Region:
    """Make a region to begin with: an ellipse in the middle, half as high and wide as the picture.

    Args:
        size: of the picture, ``(H, W)``.
    """
    y, x = (torch.linspace(-1, 1, side) for side in size)
    return Region(x[None].square() + y[:, None].square() <= 0.25, "the middle")


def check_picture(path: Path) -> None:
    """Check kind and size of a picture from the head of its file, before it is decoded.

    Raises:
        DataError: it is of another kind, or too large.
    """
    try:
        with Image.open(path, formats=FORMATS) as opened:
            width, height = opened.size
    except UnidentifiedImageError as error:
        raise DataError(f"{path.name}: not a picture; open {', '.join(FORMATS)}.") from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{path.name}: {error}") from error
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # on damaged files Pillow raises whatever it stumbles over
        raise DataError(f"{path.name}: a damaged picture ({error}).") from error
    if width * height > MOST_PIXELS:
        raise DataError(
            f"{path.name}: {width}x{height} pixels are more than the {MOST_PIXELS} that the studio"
            " opens; cut or reduce it, or use predict."
        )
