"""The nine edits of the papers' first two tasks, in their order (official ``State.py``)."""

from collections.abc import Mapping

from pixelrl.actions import Edit, bilateral, box, gaussian, keep, median, shift

GRAY_LEVEL = 1 / 255


def restoration_edits() -> Mapping[str, Edit]:
    """List the nine edits; published weights count on their order."""
    return {
        "-1": shift(-GRAY_LEVEL),
        "keep": keep,
        "+1": shift(+GRAY_LEVEL),
        "Gaussian 0.5": gaussian(5, 0.5),
        "bilateral 0.1": bilateral(5, 0.1, 5.0),
        "median": median(5),
        "Gaussian 1.5": gaussian(5, 1.5),
        "bilateral 1.0": bilateral(5, 1.0, 5.0),
        "box": box(5),
    }
