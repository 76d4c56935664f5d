"""``pixelrl export``."""

import argparse
from pathlib import Path

from pixelrl.cli.verbs.common import trust_given, trust_option


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("agents", metavar="NAME|RUN",
                        help="trained agents (`pixelrl weights` lists them), a run's directory, a"
                        " checkpoint, or a weight file")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="FILE.onnx|FILE.pt2",
                        help="ONNX, or a program of torch.export")  # fmt: skip
    parser.add_argument("--step", action="store_true",
                        help="also FILE.begin and FILE.step, to play step by step")  # fmt: skip
    trust_option(parser)


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Write trained agents to a file that needs no pixelrl, for other programs and pages.

    Raises:
        PixelRLError: there are no such agents, they cannot be exported, or a package is missing.
    """
    from pixelrl.agents import SUFFIX
    from pixelrl.runs.directory import find_policy

    found = find_policy(arguments.agents)
    from pixelrl.export.write import export
    from pixelrl.training.checkpoint import restore

    name = Path(arguments.agents).name.removesuffix(
        SUFFIX
    )  # not of a run's checkpoint, which all have one name
    policy = restore(found, overrides, trust=trust_given(arguments, overrides))
    for file, size, what in export(policy, Path(arguments.out), name, step=arguments.step):
        print(f"{size / 1e6:.1f} MB in {file}: {what}")
    print("Played on random pictures, it did what the agents do. How to use it: docs/export.md")
