"""``pixelrl runs``."""

import argparse
from pathlib import Path

from pixelrl.errors import ConfigError
from pixelrl.runs.tables import align_columns

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
    from pixelrl.runs.compare import list_differences, list_runs, read_run, summarize_runs

    root = Path(arguments.root)
    if arguments.compare:
        if len(arguments.compare) < 2:
            raise ConfigError("--compare: expected two runs or more.")
        found = [read_run(_directory(root, name)) for name in arguments.compare]
        print(align_columns(list_differences(found)))
        return
    entries = list_runs(root)
    if not entries:
        raise ConfigError(f"no runs below {root}; name the folder that run.root named.")
    print(align_columns([summarize_runs(entry) for entry in entries]))


def _directory(root: Path, name: str) -> Path:
    """Find a run by its directory, or by its name below the root."""
    for directory in (Path(name), root / name):
        if (directory / "run.json").is_file():
            return directory
    raise ConfigError(f"no run '{name}': neither a run's directory nor the name of one in {root}.")
