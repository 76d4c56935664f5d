"""Enlarge image files to where an episode begins: ``python -m pixelrl_superres SMALL ENLARGED``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pixelrl.errors import PixelRLError
from pixelrl.images import read_image, write_image
from pixelrl.images.folders import list_images
from pixelrl_superres import FACTORS
from pixelrl_superres.resize import enlarge


def main(argv: Sequence[str] | None = None) -> int:
    """Enlarge a folder of images, or one, and write PNG files of the same names.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        The exit status: 0, or 2 after an error that was told in one line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m pixelrl_superres",
        description="Enlarge small photographs (bicubic), for `pixelrl predict`.",
    )
    parser.add_argument("small", type=Path, help="a folder of images, or one")
    parser.add_argument("enlarged", type=Path, help="the folder to write to")
    parser.add_argument("--factor", type=int, choices=FACTORS, default=3, help="default: 3")
    parser.add_argument("--channels", type=int, choices=(1, 3), default=1,
                        help="as task.channels: 1 for gray, 3 for color; default: 1")  # fmt: skip
    arguments = parser.parse_args(argv)
    try:
        for path in list_images(arguments.small):
            small = read_image(path, arguments.channels)
            write_image(arguments.enlarged / f"{path.stem}.png", enlarge(small, arguments.factor))
    except PixelRLError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
