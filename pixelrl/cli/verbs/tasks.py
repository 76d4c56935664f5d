"""``pixelrl tasks``."""

import argparse

from pixelrl.cli.verbs.common import compose_experiment
from pixelrl.discovery import TASKS, list_installed, name_owner, read_summary


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("name", nargs="?", metavar="NAME")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """List the installed tasks, or one task's settings.

    Raises:
        PluginError: the task that is named cannot be loaded.
    """
    if arguments.name is None:
        points = list_installed(TASKS)
        width = max((len(point.name) for point in points), default=0)
        for point in points:
            print(f"{point.name:<{width}}  {read_summary(point)}  [{name_owner(point)}]")
        return
    arguments.task, arguments.config = arguments.name, []
    from pixelrl.config.compose import as_yaml

    print(as_yaml(compose_experiment(arguments, overrides, told=False)), end="")
