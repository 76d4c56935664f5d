"""``pixelrl replay``."""

import argparse
from pathlib import Path

from pixelrl.errors import ConfigError


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("--choices", required=True, metavar="FILE",
                        help="NAME.choices.npz of predict")  # fmt: skip
    parser.add_argument("--image", required=True, metavar="FILE")
    parser.add_argument("--map", action="append", default=[], metavar="NAME=FILE",
                        help="another map of the task, such as mask=FILE")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="FILE", help="the picture to write")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Play recorded or altered choices again."""
    if overrides:
        raise ConfigError(
            f"replay takes no settings, got '{overrides[0]}'; they are in the choices."
        )
    from pixelrl import experiment as lab

    maps = {"image": Path(arguments.image)}
    for named in arguments.map:
        name, equals, path = named.partition("=")
        if not equals:
            raise ConfigError(f"--map {named}: expected NAME=FILE.")
        maps[name] = Path(path)
    lab.replay(Path(arguments.choices), maps, Path(arguments.out))
    print(f"written: {arguments.out}")
