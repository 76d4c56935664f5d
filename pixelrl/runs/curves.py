"""The learning curves that a fit leaves."""

from pathlib import Path

from pixelrl.drawing.charts import save
from pixelrl.drawing.panels import draw_curves
from pixelrl.runs.metrics import read_metrics
from pixelrl.settings import Figures

SHOWN = ("val/", "train/")
LEFT_OUT = ("train/rate", "val/input_")
"""Names begin so: a schedule is no news, and neither is what images were like before."""


def draw_learning_curves(directory: Path, title: str, figures: Figures = "png") -> None:
    """Draw what a run logged over its episodes, in all of its sessions, validations first.

    Args:
        directory: of the run; ``curves.png`` is written there, unless nothing was logged.
        title: what stands above.
        figures: the format: ``png``, ``svg`` or ``pdf``.

    Raises:
        DataError: the picture cannot be written.
    """
    logged = read_metrics(directory)
    names = sorted(logged, key=lambda name: (not name.startswith("val/"), name))
    wanted = [name for name in names if name.startswith(SHOWN) and not name.startswith(LEFT_OUT)]
    shown = {name: logged[name] for name in wanted}
    if shown:
        save(draw_curves(shown, title), directory / f"curves.{figures}")
