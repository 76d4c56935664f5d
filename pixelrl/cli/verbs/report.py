"""``pixelrl report``."""

import argparse
from pathlib import Path

NO_SETTINGS = ""


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("results", metavar="RESULTS", help="what evaluate, predict or fit has left")
    parser.add_argument("--out", metavar="FILE", help="default: RESULTS/report.html")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Make one self-contained page of results.

    Raises:
        DataError: there are no records to show, or one is damaged.
    """
    from pixelrl.files import make_folder
    from pixelrl.report import build

    results = Path(arguments.results)
    out = Path(arguments.out) if arguments.out else results / "report.html"
    if arguments.out:
        make_folder(out.parent)
    build(results, out)
    print(f"written: {out} ({out.stat().st_size / 1e6:.1f} MB); open it in a browser")
