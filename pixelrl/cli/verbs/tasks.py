"""``pixelrl tasks``."""

import argparse

from pixelrl.cli.verbs.common import composed
from pixelrl.discovery import TASKS, installed, owner, summary


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("name", nargs="?", metavar="NAME")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """List the installed tasks, or one task's settings."""
    if arguments.name is None:
        points = installed(TASKS)
        width = max((len(point.name) for point in points), default=0)
        for point in points:
            print(f"{point.name:<{width}}  {summary(point)}  [{owner(point)}]")
        return
    arguments.task, arguments.config = arguments.name, []
    from pixelrl.config.compose import as_yaml

    print(as_yaml(composed(arguments, overrides, told=False)), end="")
