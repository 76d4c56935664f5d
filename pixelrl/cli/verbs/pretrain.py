"""``pixelrl pretrain``."""

import argparse

from pixelrl.cli.verbs.common import compose_experiment, recipe_option


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("--task", required=True, help="its name, or module:Class")
    recipe_option(parser)


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Learn a supervised start: weights for network.init.

    Raises:
        PixelRLError: settings or files are wrong, or the task's reward carries no gradient.
    """
    from pixelrl.experiments.pretrain import pretrain

    best = pretrain(compose_experiment(arguments, overrides))
    print(f"left: {best}")
    print(f"go on: python -m pixelrl fit --task {arguments.task} network.init={best}")
