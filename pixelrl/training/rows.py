"""The run's own log: one line of JSON per row, only ever appended to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from pixelrl.files import append_whole
from pixelrl.runs.metrics import ROWS


class RowLogger(Logger):
    """Append metrics to ``logs/metrics.jsonl`` as soon as they come.

    Lightning's CSV logger rewrites its file whenever a column appears, which a kill can leave
    empty. A line cut by a kill is ended before the next is written, and left out on reading
    (`metrics.read_metrics`).

    Args:
        directory: of the run.
        start: how many episodes the run goes on from; what was logged of later ones no longer
            counts.
    """

    def __init__(self, directory: Path, start: int) -> None:
        super().__init__()
        self.file, self.start = directory / ROWS, start
        self._begun = False

    @property
    def name(self) -> str:
        """What Lightning calls the logger."""
        return "logs"

    @property
    def version(self) -> str:
        """None has versions: there is one file per run."""
        return ""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append a row."""
        if not self._begun:
            self._begun = True
            self._append({"resumed": self.start})
        numbers = {name: float(value) for name, value in metrics.items() if name != "epoch"}
        self._append({"step": step, **numbers})

    @rank_zero_only
    def log_hyperparams(self, params: object, *args: object, **kwargs: object) -> None:
        """Leave them to the run's ``config.yaml``."""

    def _append(self, row: Mapping[str, Any]) -> None:
        append_whole(self.file, json.dumps(row).encode())
