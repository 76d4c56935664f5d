"""The learning curves that a fit leaves."""

from collections.abc import Mapping
from pathlib import Path

from pixelrl.declaration import Score, find_score
from pixelrl.drawing.charts import save
from pixelrl.drawing.panels import draw_curves
from pixelrl.runs.metrics import read_metrics
from pixelrl.settings import Figures

SHOWN = ("val/", "train/")
REWARD = "train/reward"
LEFT_OUT = ("train/rate", "val/input_")
"""Names begin so: a schedule is no news, and neither is what images were like before."""


def draw_learning_curves(
    directory: Path, title: str, declared: Mapping[str, Score], figures: Figures = "png"
) -> None:
    """Draw what a run logged over its episodes, in all of its sessions, validations first.

    Args:
        directory: of the run; ``curves.png`` is written there, unless nothing was logged.
        title: what stands above.
        declared: the task's scores; units and arrows to what is better are shown with their names.
        figures: the format: ``png``, ``svg`` or ``pdf``.

    Raises:
        DataError: the picture cannot be written.
    """
    logged = read_metrics(directory)
    names = sorted(logged, key=lambda name: (not name.startswith("val/"), name))
    wanted = [name for name in names if name.startswith(SHOWN) and not name.startswith(LEFT_OUT)]
    shown = {_head(name, declared): logged[name] for name in wanted}
    if shown:
        save(draw_curves(shown, title), directory / f"curves.{figures}")


def _head(name: str, declared: Mapping[str, Score]) -> str:
    """Name a panel; what is logged of learning is no score, save the reward."""
    split, _, bare = name.partition("/")
    scored = split == "val" or name == REWARD
    return f"{split}/{find_score(declared, bare).head}" if scored else name
