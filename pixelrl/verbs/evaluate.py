"""``pixelrl evaluate``."""

import argparse
from pathlib import Path

from pixelrl.tables import as_text
from pixelrl.verbs.common import policy_options, restored


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    policy_options(parser)
    parser.add_argument("--split", choices=("val", "test"), default="test", help="default: test")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Score a policy on images with a known target."""
    from pixelrl import experiment as lab

    module, experiment = restored(arguments, overrides)
    rows = lab.score(module, experiment, Path(arguments.out), arguments.split)
    print(as_text(rows))
    print(f"left in {arguments.out}: scores.csv, protocol.json, filmstrips/")
