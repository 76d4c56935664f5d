"""What a sweep prints and leaves: a line per trial, and the table and picture of all."""

import os
from collections.abc import Sequence

from pixelrl.runs.layout import lay_out
from pixelrl.runs.tables import Row, Table, write_csv
from pixelrl.settings import Figures
from pixelrl.sweeps.space import Choice
from pixelrl.sweeps.study import Study
from pixelrl.sweeps.trials import Trial, find_best

WIDE = 60
"""How many letters of an error a table on a terminal shows; the file has all."""


def describe_end(study: Study, trial: Trial, count: int) -> str:
    """Phrase how one trial ended.

    Args:
        study: the trial's.
        trial: it.
        count: how many there shall be; 0 if that was not said.
    """
    told: str = trial.state
    if trial.error:
        told = f"failed: {trial.error}"
    elif trial.reached is not None:
        early = ", given up early" if trial.state == "stopped" else ""
        told = f"{study.sweep.metric} {trial.reached:.4g}{early}"
    of = f"/{count}" if count else ""
    changed = "  ".join(f"{name}={_short(value)}" for name, value in trial.settings.items())
    return f"trial {trial.number + 1}{of}  {changed}  {told}  ({trial.seconds:.0f} s)"


def tabulate(study: Study, trials: Sequence[Trial]) -> Table:
    """Make the table of a sweep's trials, the best first."""
    metric, sign = study.sweep.metric, -1 if study.sweep.maximize else 1

    def order(trial: Trial) -> tuple[bool, float]:
        return trial.reached is None, sign * (trial.reached or 0.0)

    names = [one.name for one in study.sweep.space]
    rows: list[Row] = [
        {
            "trial": trial.run,
            **{name: _short(trial.settings.get(name, "")) for name in names},
            **({metric: trial.reached} if metric else {}),
            "validations": trial.validations,
            "state": trial.state,
            "seconds": trial.seconds,
            "error": trial.error,
        }
        for trial in sorted(trials, key=order)
    ]
    return Table(("trial", *names, "state", "error"), rows)


def leave_summary(study: Study, figures: Figures = "png") -> None:
    """Print and write the trials, the best first, and draw them if they are compared.

    Args:
        study: the sweep's.
        figures: the format of the picture.
    """
    trials, left = study.trials(), ["trials.csv"]
    table = tabulate(study, trials)
    if not table.rows:
        return
    print(lay_out(_narrow(table)))
    draft = study.directory / f".trials-{os.getpid()}.csv"  # other processes write theirs
    write_csv(draft, table)
    draft.replace(study.directory / "trials.csv")
    best = find_best(trials, maximize=study.sweep.maximize)
    varied = [one for one in study.sweep.space if not isinstance(one, Choice) or one.values[1:]]
    if best is not None and varied:
        from pixelrl.sweeps.plot import plot_trials  # noqa: PLC0415 - matplotlib, only here

        left.append(f"trials.{figures}")
        plot_trials(
            study.directory / left[-1],
            study.sweep.space,
            [
                (trial.settings, trial.reached, trial.state)
                for trial in trials
                if trial.settings and trial.state != "waiting"
            ],
            study.sweep.metric,
            maximize=study.sweep.maximize,
            title=f"{study.sweep.file.stem}: {len(trials)} trials, {study.sweep.method}",
        )
    if best is not None:
        print(f"best: {study.directory / best.run}")
    print(f"left in {study.directory}: {', '.join(left)}, a run and a log per trial")


def _narrow(table: Table) -> Table:
    """Shorten errors, and leave their column out if there are none."""
    failed = any(row["error"] for row in table.rows)
    found: list[Row] = []
    for row in table.rows:
        error = str(row["error"])
        cut = f"{error[: WIDE - 1]}…" if len(error) > WIDE else error
        rest = {name: value for name, value in row.items() if name != "error"}
        found.append({**rest, "error": cut} if failed else rest)
    return Table(table.keys, found)


def _short(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
