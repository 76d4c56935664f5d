"""What the papers' first two tasks share: the nine edits, and the images these are made for."""

from collections.abc import Mapping

from pixelrl import Edit, Task, keep
from pixelrl.actions import bilateral, box, gaussian, median, shift
from pixelrl.errors import ConfigError

GRAY_LEVEL = 1 / 255


def restoration_edits() -> Mapping[str, Edit]:
    """List the nine edits in the order of the official ``State.py``, on which weights count.

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
    }


def check_sizes(task: Task) -> None:
    """Check that a task is set to gray or color images, and to at least one step.

    Raises:
        ConfigError: it is not.
    """
    if task.channels not in {1, 3}:
        raise ConfigError(f"task.channels: expected 1 (gray) or 3 (color), got {task.channels}.")
    if task.length < 1:
        raise ConfigError(f"task.length: expected steps from 1 on, got {task.length}.")
