"""``pixelrl test``: the name that users of Lightning know for ``evaluate --split test``."""

import argparse

from pixelrl.cli.verbs import evaluate


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    evaluate.score_options(parser)
    parser.set_defaults(split="test")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Score a policy on the images of data.test."""
    evaluate.run(arguments, overrides)
