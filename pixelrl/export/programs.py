"""From modules to graphs of free batch and size, and what to say where there is none."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from pixelrl.errors import ConfigError
from pixelrl.rl.playing import Network
from pixelrl.task import Task

MOST = 32_768
"""Pixels of the longest side."""


def make_program(module: nn.Module, channels: Sequence[int], least: int) -> ExportedProgram:
    """Trace a module whose inputs are aligned maps.

    Args:
        module: takes maps ``(B,K,H,W)``.
        channels: K of each input.
        least: side of the smallest image, in pixels.

    Returns:
        The graph, with B, H and W free.
    """
    side = least + 12
    maps = tuple(torch.rand(2, count, side, side + 7) for count in channels)
    free = {0: Dim("batch", max=4096)}
    free |= {axis: Dim(name, min=least, max=MOST) for axis, name in ((2, "height"), (3, "width"))}
    with torch.no_grad(), quiet():
        return torch.export.export(
            module.eval(), maps, dynamic_shapes=(free,) * len(maps), strict=False
        )


def check_exportable(task: Task) -> None:
    """Refuse a task that works on more than a picture.

    Raises:
        ConfigError: it does.
    """
    more = [name for name in task.works_on if name != "image"]
    if more:
        raise ConfigError(
            f"{type(task).__name__} cannot be exported: it works on {', '.join(more)} beside the"
            " picture, and exported agents take a picture alone."
        )


def find_culprit(task: Task, network: Network, least: int) -> str | None:
    """Name what of a task cannot be traced, and why; None if each part can.

    Args:
        task: whose edits and observation are tried, one by one.
        network: the agents'.
        least: side of the smallest image, in pixels.
    """
    parts = {f"edit '{name}'": edit for name, edit in task.actions.items()}
    parts["its observation"] = lambda image: task.observe(image, {"image": image})
    for name, part in parts.items():
        try:
            make_program(_Function(part), [task.channels], least)
        except Exception as error:  # of tracing, which have no common parent
            return f"{name} ({_first_sentence(error)})"
    return None


class _Function(nn.Module):
    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, image: Tensor) -> Tensor:
        """Compute it, as a tensor of its own; ``keep`` answers its input."""
        found: Tensor = self.function(image)  # type: ignore[operator]
        return found + 0


def _first_sentence(error: Exception) -> str:
    line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return line.strip().rstrip(".")[:160]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to itself what tracers tell people who work on tracers."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
