"""``pixelrl new-task``."""

import argparse
from pathlib import Path

NO_SETTINGS = ""


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("name", metavar="NAME", help="the task's name, such as deblurring")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="default: pixelrl-NAME")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Write an installable plugin with a new task.

    Raises:
        ConfigError: the name cannot be a package's, or there is something in its place.
    """
    from pixelrl.cli.scaffold import new_task

    written = new_task(arguments.name, arguments.dir)
    for path in written:
        print(path)
    root = written[0].parent
    print(f"next: pip install -e {root}; python -m pixelrl check --task {arguments.name}")
    print(f"then: python -m pixelrl fit --task {arguments.name} --config {root / 'recipe.yaml'}")
