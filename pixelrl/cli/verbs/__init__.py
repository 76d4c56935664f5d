"""What the command line can do: one file per verb.

Each file has ``options(parser)``, which states the verb's options, and
``run(arguments, overrides)``, which does it; its docstring begins with the verb's help. A verb that
takes no settings says so by ``NO_SETTINGS``, which tells where they are instead. Nothing heavy is
imported before ``run``.
"""

import argparse
from importlib import import_module
from typing import Protocol, cast

NAMES = (
    "fit",
    "pretrain",
    "evaluate",
    "validate",
    "test",
    "edit",
    "predict",
    "edit-choices",
    "replay",
    "studio",
    "report",
    "sweep",
    "runs",
    "benchmark",
    "tasks",
    "weights",
    "pack",
    "export",
    "check",
    "new-task",
    "data",
)
"""The verbs in the order in which help lists them."""


class Verb(Protocol):
    """Name what a verb's file has."""

    def options(self, parser: argparse.ArgumentParser) -> None:
        """State the verb's options."""

    def run(self, arguments: argparse.Namespace, overrides: list[str]) -> None:
        """Do it."""


def verb(name: str) -> Verb:
    """Load a verb by its name on the command line."""
    return cast("Verb", import_module(f"pixelrl.cli.verbs.{name.replace('-', '_')}"))
