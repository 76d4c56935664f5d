"""Run the plain port of the official path over one picture, as a process of its own.

    PYTHONPATH=tests python -m benchmarks.port PICTURE [--gray] [--limit GB]

Five runs of the network over the whole picture, as the port has no tiles, with random weights and
without any edit, which the port would have to pay for besides. Ends with status 1 and one line if
that takes more memory than the limit.
"""

import argparse
import resource
from collections.abc import Sequence
from pathlib import Path

from benchmark_network import edit_plain
from pixelrl.images.files import read_image
from pixelrl.rl.network import PolicyValueNet
from plain_port import PlainNet


def main(words: Sequence[str] | None = None) -> None:
    """Edit, as far as the memory goes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--gray", action="store_true")
    parser.add_argument("--limit", type=float, metavar="GB", help="of address space, 2^30 bytes")
    asked = parser.parse_args(words)
    if asked.limit:
        most = int(asked.limit * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    channels = 1 if asked.gray else 3
    image = read_image(asked.picture, channels=channels)[None]
    try:
        edit_plain(PlainNet(PolicyValueNet(channels, 9), channels), image)
    except RuntimeError as error:
        if "allocate memory" not in str(error):
            raise
        raise SystemExit(f"{asked.picture}: more than {asked.limit:g} GB of memory") from None


if __name__ == "__main__":
    main()
