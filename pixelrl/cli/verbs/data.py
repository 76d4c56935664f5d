"""``pixelrl data``."""

import argparse
import sys
from pathlib import Path

NO_SETTINGS = ""


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--root", default="data", metavar="DIR", help="default: data")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Download a widely used set of images.

    Raises:
        DataError: the name is unknown, or the archive cannot be had or is another one.
    """
    from pixelrl.data.download import fetch

    print(fetch(arguments.name, Path(arguments.root), progress=sys.stderr.isatty()))
