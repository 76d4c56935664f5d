"""``pixelrl benchmark``."""

import argparse
from pathlib import Path

from pixelrl.cli import allocator
from pixelrl.cli.verbs.common import trust_given, trust_option

NO_SETTINGS = "they go into rows"


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("file", metavar="FILE", help="the rows, as docs/experiments.md describes")
    parser.add_argument("--out", default="benchmark", metavar="DIR", help="default: benchmark")
    parser.add_argument("--update", metavar="PAGE",
                        help="a page whose results, between its markers, are replaced")  # fmt: skip
    parser.add_argument("--resume", action="store_true",
                        help="take rows from DIR that were scored with the same weights, settings"
                             " and images")  # fmt: skip
    trust_option(parser)


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Evaluate policies and write the table of results.

    Raises:
        PixelRLError: the file or a row of it is wrong, or a row's policy or images cannot be had.
    """
    allocator.keep_memory()
    from pixelrl.experiments.benchmark import read_benchmark, replace_section, run_benchmark
    from pixelrl.files import write_whole

    benchmark, out = read_benchmark(Path(arguments.file)), Path(arguments.out)
    page = Path(arguments.update) if arguments.update else None
    if page:
        replace_section(page, "")  # a page without markers is told before anything is computed
    out.mkdir(parents=True, exist_ok=True)
    table = run_benchmark(benchmark, out, trust=trust_given(arguments), resume=arguments.resume)
    print(table, end="")
    if page:
        write_whole(page, replace_section(page, table))
        print(f"updated: {page}")
    print(f"left in {out}: results.md, results.csv, protocol.json, a folder per row")
