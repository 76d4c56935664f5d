"""``pixelrl validate``: the name that users of Lightning know for ``evaluate --split val``."""

import argparse

from pixelrl.cli.verbs import evaluate


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    evaluate.score_options(parser)
    parser.set_defaults(split="val")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Score a policy on the images of data.val."""
    evaluate.run(arguments, overrides)
