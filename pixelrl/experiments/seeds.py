"""The same experiment with several seeds, and what it reached on average."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

from pixelrl.config.compose import Experiment
from pixelrl.errors import ConfigError
from pixelrl.experiments.fit import fit
from pixelrl.runs.directory import stamp_name
from pixelrl.runs.tables import Row, means, write_rows


class Repeated(NamedTuple):
    """Hold what several seeds leave.

    Attributes:
        table: the file with all rows.
        rows: one per seed, then their mean and their spread (sample standard deviation).
        directories: of the runs.
    """

    table: Path
    rows: Sequence[Row]
    directories: Sequence[Path]


def fit_seeds(experiment: Experiment, count: int, tell: Callable[[str], None] = print) -> Repeated:
    """Fit once per seed, beginning with the experiment's own, one run after the other.

    Args:
        experiment: what to do; its name, or task and time, begins the names of the runs.
        count: how many seeds, at least two.
        tell: where a line per run goes.

    Returns:
        The scores of all and their statistics; ``NAME-seeds.csv`` beside the runs has them too.

    Raises:
        ConfigError: fewer than two seeds, several devices, or no test images to score.
    """
    if count < 2:
        raise ConfigError(f"--seeds: expected two or more, got {count}.")
    if experiment.run.devices > 1:
        raise ConfigError("--seeds: each run must be one process; set run.devices=1.")
    base = experiment.run.name or stamp_name(experiment.name)
    rows: list[Row] = []
    directories = []
    for seed in range(experiment.run.seed, experiment.run.seed + count):
        tell(f"seed {seed}")
        run = replace(experiment.run, seed=seed, name=f"{base}-seed{seed}")
        fitted = fit(replace(experiment, run=run))
        directories.append(fitted.directory)
        rows.append({"seed": str(seed), **means(fitted.rows)})
    rows += statistics(rows)
    table = Path(experiment.run.root) / f"{base}-seeds.csv"
    write_rows(table, rows)
    return Repeated(table, rows, directories)


def statistics(rows: Sequence[Mapping[str, str | float]]) -> list[Row]:
    """Compute mean and sample standard deviation of each number over seeds, a row each."""
    names = [name for name, value in rows[0].items() if isinstance(value, float)]
    columns = {name: [float(row[name]) for row in rows] for name in names}
    mean: Row = {"seed": "mean", **{name: fmean(values) for name, values in columns.items()}}
    spread: Row = {"seed": "spread", **{name: stdev(values) for name, values in columns.items()}}
    return [mean, spread]
