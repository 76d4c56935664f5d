"""``pixelrl runs``."""

import argparse
from pathlib import Path

from pixelrl.errors import ConfigError
from pixelrl.runs.layout import lay_out

NO_SETTINGS = ""


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("root", nargs="?", default="runs", metavar="ROOT", help="default: runs")
    parser.add_argument("--compare", nargs="+", metavar="RUN",
                        help="show where runs differ: settings, versions, scores")  # fmt: skip


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """List the runs below a folder, or compare some of them.

    Raises:
        CheckpointError: a file of a run is damaged.
        ConfigError: there is no such run, or fewer than two to compare.
    """
    from pixelrl.runs.compare import (
        BEST,
        compare_runs,
        list_left_out,
        list_runs,
        read_run,
        tabulate_runs,
    )

    root = Path(arguments.root)
    if arguments.compare:
        if len(arguments.compare) < 2:
            raise ConfigError("--compare: expected two runs or more.")
        chosen = [read_run(_directory(root, name)) for name in arguments.compare]
        compared = lay_out(compare_runs(chosen))
        print("\n".join([compared, *list_left_out(chosen)]))
        if BEST in compared:
            print("* the best, by what the task declares of the score")
        return
    found = list_runs(root)
    if not found:
        raise ConfigError(f"no runs below {root}; name the folder that run.root named.")
    print(lay_out(tabulate_runs(found)))


def _directory(root: Path, name: str) -> Path:
    """Find a run by its directory, or by its name below the root."""
    for directory in (Path(name), root / name):
        if (directory / "run.json").is_file():
            return directory
    raise ConfigError(f"no run '{name}': neither a run's directory nor the name of one in {root}.")
