"""The learning curves that a fit leaves."""

from pathlib import Path

from pixelrl.drawing.charts import curves
from pixelrl.images.files import write_image
from pixelrl.runs.metrics import read_metrics

FILE = "curves.png"
SHOWN = ("val/", "train/")
LEFT_OUT = ("train/rate",)
"""A schedule is no news."""


def draw_learning_curves(directory: Path, title: str) -> None:
    """Draw what a run logged over its episodes, in all of its sessions, validations first.

    Args:
        directory: of the run; the picture is written there, unless nothing was logged.
        title: what stands above.

    Raises:
        DataError: the picture cannot be written.
    """
    logged = read_metrics(directory)
    names = sorted(logged, key=lambda name: (not name.startswith("val/"), name))
    shown = {name: logged[name] for name in names if name.startswith(SHOWN)}
    for name in LEFT_OUT:
        shown.pop(name, None)
    if shown:
        write_image(directory / FILE, curves(shown, title))
