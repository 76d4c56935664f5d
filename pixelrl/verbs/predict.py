"""``pixelrl predict``."""

import argparse
from pathlib import Path

from pixelrl.verbs.common import policy_options, restored


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    policy_options(parser)


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Edit images."""
    from pixelrl import experiment as lab

    module, experiment = restored(arguments, overrides)
    names = lab.predict(module, experiment, Path(arguments.out))
    print(
        f"{len(names)} edited; left in {arguments.out}: NAME.png, NAME.strip.png, NAME.choices.npz"
    )
