"""``pixelrl pack``."""

import argparse
from pathlib import Path

from pixelrl.agents import SUFFIX
from pixelrl.errors import ConfigError


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("run", metavar="RUN", help="a run's directory")
    parser.add_argument("--out", required=True, metavar=f"NAME{SUFFIX}",
                        help="the weights; their card is NAME.json beside them")  # fmt: skip
    parser.add_argument("--about", default="", help="what the agents do, in a line")
    parser.add_argument("--data", default="", help="what they learned from, and its licence")
    parser.add_argument("--limits", default="", help="what not to expect of them")
    parser.add_argument("--scores", action="append", default=[], metavar="WORDS=DIR",
                        help="the pictures in words, and what evaluate has left of them; may be"
                        " given several times")  # fmt: skip
    parser.add_argument("--full", action="store_true", help="32-bit floats, not 16-bit ones")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Make of a run the weights and the card of agents to hand on, with settings to use them with.

    Raises:
        PixelRLError: the run, a folder of scores or an option cannot be used.
    """
    from pixelrl.experiments.packing import Words, pack

    scores: dict[str, Path] = {}
    for each in arguments.scores:
        words, mark, folder = each.rpartition("=")
        if not mark:
            raise ConfigError(f"--scores {each}: expected WORDS=DIR.")
        scores[words] = Path(folder)
    said = Words(arguments.about, arguments.data, arguments.limits)
    out = Path(arguments.out)
    half = not arguments.full
    pack(Path(arguments.run), out, said, scores, half=half, overrides=overrides)
    print(f"{out.stat().st_size / 2**20:.1f} MiB in {out}; its card: {out.with_suffix('.json')}")
