"""``pixelrl sweep``."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pixelrl.errors import ConfigError
from pixelrl.runs.tables import Row, align_columns, write_rows

if TYPE_CHECKING:
    from pixelrl.sweeps.file import Sweep
    from pixelrl.sweeps.study import Study, Trial

NO_SETTINGS = "they are in its file"


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("file", metavar="FILE|NAME", help="a W&B sweep file, or a shipped one")
    parser.add_argument("--count", type=int, default=0, metavar="N", help="trials in all")
    parser.add_argument("--local", action="store_true",
                        help="drive it here even where W&B is logged in")  # fmt: skip
    parser.add_argument("--out", metavar="DIR",
                        help="of the sweep, which goes on if it was begun; default:"
                        " runs/sweeps/NAME")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the search; default: 0")
    parser.add_argument("--wandb", choices=("disabled", "offline"), default="disabled",
                        help="whether local trials keep W&B runs; default: disabled")  # fmt: skip


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Search for good settings, as a W&B sweep file says, with or without a server.

    Raises:
        ConfigError: the file is wrong, the search would never end, or W&B refuses it.
    """
    from pixelrl.sweeps.file import find_sweep, read_sweep

    sweep = read_sweep(find_sweep(arguments.file))
    count = min(filter(None, (arguments.count, sweep.cap)), default=0)
    if count < 0 or (not count and sweep.method != "grid"):
        raise ConfigError(f"--count: method {sweep.method} never ends by itself; pass --count N.")
    if arguments.local or not _handed_over(sweep, count):
        _drive(sweep, count, arguments)


def _drive(sweep: "Sweep", count: int, arguments: argparse.Namespace) -> None:
    """Drive a sweep here and leave its table and picture."""
    from pixelrl.sweeps.driver import drive
    from pixelrl.sweeps.study import Study

    directory = Path(arguments.out or Path("runs") / "sweeps" / sweep.file.stem)
    empty = Study(sweep, directory, arguments.seed)
    study = drive(empty, count, arguments.wandb, lambda now, trial: print(_line(now, trial, count)))
    _leave(study)


def _line(study: "Study", trial: "Trial", count: int) -> str:
    """Phrase how one trial ended."""
    reached = study.reached(trial)
    told = trial.state if reached is None else f"{study.sweep.metric} {reached:.4g}"
    early = ", given up early" if trial.state == "stopped" else ""
    of = f"/{count}" if count else ""
    changed = "  ".join(f"{name}={_short(value)}" for name, value in trial.settings.items())
    number = study.trials.index(trial) + 1
    return f"trial {number}{of}  {changed}  {told}{early}  ({trial.seconds:.0f} s)"


def _leave(study: "Study") -> None:
    """Print and write the trials, the best first, and draw them."""
    ranked = sorted(study.trials, key=lambda trial: _order(study.gain(trial)))
    names = [parameter.name for parameter in study.sweep.space]
    metric = study.sweep.metric
    rows: list[Row] = [
        {
            "trial": trial.run,
            **{name: _short(trial.settings[name]) for name in names},
            metric: "" if (value := study.reached(trial)) is None else value,
            "validations": str(len(trial.history)),
            "state": trial.state,
            "seconds": trial.seconds,
        }
        for trial in ranked
    ]
    print(align_columns(rows))
    write_rows(study.directory / "trials.csv", rows)

    from pixelrl.images.files import write_image
    from pixelrl.sweeps.plot import parallel_coordinates

    picture = parallel_coordinates(
        study.sweep.space,
        [(trial.settings, study.reached(trial)) for trial in study.trials],
        metric,
        maximize=study.sweep.maximize,
        title=f"{study.sweep.file.stem}: {len(study.trials)} trials, {study.sweep.method}",
    )
    write_image(study.directory / "trials.png", picture)
    best = study.best()
    if best is not None:
        print(f"best: {study.directory / best.run}")
    print(f"left in {study.directory}: trials.csv, trials.png, a run and a log per trial")


def _order(gain: float | None) -> float:
    return float("inf") if gain is None else -gain


def _short(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _handed_over(sweep: "Sweep", count: int) -> bool:
    """Let W&B's server choose the trials and run them here as its agent, if it knows who asks."""
    import wandb

    project = str(sweep.raw.get("project", "pixelrl"))
    try:
        if not wandb.login(prompt=False):
            return False
        identity = wandb.sweep(dict(sweep.raw), project=project)
    except wandb.Error as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ConfigError(f"W&B: {reason}. To drive the sweep here, pass --local.") from error
    limit = ["--count", str(count)] if count else []
    agent = [sys.executable, "-m", "wandb", "agent", *limit, "--project", project, identity]
    if subprocess.run(agent, check=False).returncode:
        raise ConfigError(f"the agent of sweep {identity} failed; see what it printed above.")
    return True
