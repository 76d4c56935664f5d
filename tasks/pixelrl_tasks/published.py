"""What the papers' first two tasks share: edits, reward, and the images these are made for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from pixelrl import Edit, Scene, Task, keep
from pixelrl.actions import bilateral, box, changes, gaussian, median, shift
from pixelrl.ranges import Range, check_values, number
from pixelrl.rewards import squared_error_drop

GRAY_LEVEL = 1 / 255


@dataclass(frozen=True)
class Restoration(Task):
    """Bring a damaged photograph nearer to its clean target, with the nine published edits.

    Attributes:
        sees_edits: whether agents also see what each edit would change, beside the image. Not as
            published; agents learn in fewer episodes which edit to take if they need not compute
            medians and bilateral means themselves.
        shifts: further edits, for steps that go nearer: of each channel alone, so many gray levels
            up and down. Not as published. An edit moves all channels of a pixel alike; in color,
            ``[2, 8]`` leads as near to a goal in 8 steps as a choice per channel would
            (docs/adr/0024-one-choice-a-pixel.md).

    Raises:
        ConfigError: a setting cannot be.
    """

    local_reward: ClassVar[bool] = True
    reach: ClassVar[int | None] = 2

    sees_edits: bool = False
    shifts: tuple[float, ...] = number((), Range(0, 255, "gray levels, up to 255", excluded=True))

    def __post_init__(self) -> None:
        check_values("task", self)

    def edits(self) -> Mapping[str, Edit]:
        """List the nine edits in the order of the official ``State.py``, on which weights count.

        What ``shifts`` asks for comes after them.

        AAAI-19, table 1. Filters are 5×5 and work on gray and color alike; bilateral ones measure
        difference over all channels, so that colors are kept or smoothed together.
        """
        return {
            "-1": shift(-GRAY_LEVEL),
            "keep": keep,
            "+1": shift(+GRAY_LEVEL),
            "gaussian 0.5": gaussian(5, 0.5),
            "bilateral 0.1": bilateral(5, 0.1, 5.0),
            "median": median(5),
            "gaussian 1.5": gaussian(5, 1.5),
            "bilateral 1.0": bilateral(5, 1.0, 5.0),
            "box": box(5),
            **shift_channels(self.shifts, self.channels),
        }

    def observe(self, image: Tensor, scene: Scene) -> Tensor:
        if not self.sees_edits:
            return image
        return changes(image, self.candidates(image, scene))

    @property
    def observation_channels(self) -> int:
        return self.channels * (1 + len(self.actions)) if self.sees_edits else self.channels

    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        return squared_error_drop(before, after, scene["target"])


def shift_channels(sizes: Sequence[float], channels: int) -> dict[str, Edit]:
    """Make edits that shift one channel alone, down and up.

    Args:
        sizes: in gray levels.
        channels: 1 for gray, 3 for RGB.

    Example:
        >>> list(shift_channels([2, 8], channels=1)), list(shift_channels([2], channels=3))[:3]
        (['-2', '+2', '-8', '+8'], ['red -2', 'red +2', 'green -2'])
    """
    names = ("red ", "green ", "blue ") if channels == 3 else ("",)
    return {
        f"{name}{sign * size:+g}": shift(
            *(sign * size * GRAY_LEVEL if at == channel else 0.0 for at in range(channels))
        )
        for size in sizes
        for channel, name in enumerate(names)
        for sign in (-1, 1)
    }
