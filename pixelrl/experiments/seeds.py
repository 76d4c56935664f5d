"""The same experiment with several seeds, and what it reached on average."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import stdev
from typing import NamedTuple

from pixelrl.config.compose import Experiment
from pixelrl.errors import ConfigError
from pixelrl.experiments.fit import fit
from pixelrl.runs.directory import stamp_name
from pixelrl.runs.tables import Row, Table, list_notes, mean_values, means, write_csv


class FittedSeeds(NamedTuple):
    """Hold what several seeds leave.

    Attributes:
        file: the table as a file.
        scores: a row of means per seed, then their mean and their spread (sample standard
            deviation).
        notes: what these means leave out, a line each.
        directories: of the runs.
    """

    file: Path
    scores: Table
    notes: Sequence[str]
    directories: Sequence[Path]


def fit_seeds(
    experiment: Experiment, count: int, tell: Callable[[str], None] = print
) -> FittedSeeds:
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
    notes: list[str] = []
    directories: list[Path] = []
    for seed in range(experiment.run.seed, experiment.run.seed + count):
        tell(f"seed {seed}")
        run = replace(experiment.run, seed=seed, name=f"{base}-seed{seed}")
        fitted = fit(replace(experiment, run=run))
        directories.append(fitted.directory)
        found = means(fitted.scores)
        rows.append({"seed": seed, **mean_values(found)})
        notes += list_notes(found, f"seed {seed}")
    seeds = Table(("seed",), rows, fitted.scores.declared)
    notes += list_notes(means(seeds), "mean of seeds")
    table = replace(seeds, rows=[*rows, *summarize_seeds(seeds)])
    file = Path(experiment.run.root) / f"{base}-seeds.csv"
    write_csv(file, table)
    return FittedSeeds(file, table, notes, directories)


def summarize_seeds(seeds: Table) -> list[Row]:
    """Compute mean and sample standard deviation of each number over seeds, a row each.

    Args:
        seeds: a row per seed; what is missing in one is left out.
    """
    spread: dict[str, float | None] = {}
    for name in seeds.measured:
        known = [float(value) for row in seeds.rows if (value := row.get(name)) is not None]
        spread[name] = stdev(known) if len(known) > 1 else None
    return [{"seed": "mean", **mean_values(means(seeds))}, {"seed": "spread", **spread}]
