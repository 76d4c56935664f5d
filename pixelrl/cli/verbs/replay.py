"""``pixelrl replay``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pixelrl.cli.verbs.common import trust_given, trust_option
from pixelrl.errors import ConfigError

if TYPE_CHECKING:
    from pixelrl.drawing.difference import Difference
    from pixelrl.records.replay import Replayed

NO_SETTINGS = "they are in the choices"


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("--choices", required=True, metavar="FILE",
                        help="NAME.choices.npz of predict or edit-choices")  # fmt: skip
    parser.add_argument("--image", required=True, metavar="FILE")
    parser.add_argument("--map", action="append", default=[], metavar="NAME=FILE",
                        help="another map, such as mask=FILE if the task needs it, or target=FILE"
                        " to be told the scores")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="FILE", help="the picture to write")
    parser.add_argument("--difference", metavar="FILE",
                        help="a picture to write of what the alterations changed")  # fmt: skip
    trust_option(parser)


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Replay recorded or altered choices.

    Raises:
        PixelRLError: a map has no name, or a file is missing, damaged or does not fit.
    """
    from pixelrl.drawing.difference import draw_difference
    from pixelrl.files import check_targets, make_folder
    from pixelrl.images.files import write_image
    from pixelrl.images.writing import write_photograph
    from pixelrl.records.replay import replay_file

    maps = {"image": Path(arguments.image)}
    for named in arguments.map:
        name, equals, path = named.partition("=")
        if not equals:
            raise ConfigError(f"--map {named}: expected NAME=FILE.")
        maps[name] = Path(path)
    targets = [Path(name) for name in (arguments.out, arguments.difference) if name]
    check_targets(targets, [Path(arguments.choices), *maps.values()])
    if arguments.difference:
        check_targets(targets[1:], targets[:1])
    for target in targets:
        make_folder(target.parent)
    replayed = replay_file(Path(arguments.choices), maps, trust=trust_given(arguments))
    write_photograph(targets[0], replayed.photograph, replayed.image)
    found = draw_difference(replayed.original, replayed.image)
    _tell(replayed, found)
    print(f"written: {arguments.out}")
    if arguments.difference:
        write_image(Path(arguments.difference), found.picture)
        print(
            f"written: {arguments.difference} (orange: brighter than as recorded, blue: darker;"
            f" full color: {max(found.largest, 1)} gray levels)"
        )


def _tell(replayed: "Replayed", found: "Difference") -> None:
    """Print who changed what, what came of it, and the scores."""
    from pixelrl.records.edit import describe_entry

    for entry in replayed.recorded.history:
        print(describe_entry(entry))
    if "original" in replayed.recorded.arrays:
        height, width = replayed.image.shape[-2:]
        print(
            f"{found.pixels} of {height * width} pixels differ from the outcome as recorded,"
            f" by {found.largest} gray levels at most"
        )
        for name, score in replayed.scores.items():
            print(f"{name}: {replayed.original_scores[name]:.4f} as recorded, {score:.4f} now")
        return
    for name, score in replayed.scores.items():
        print(f"{name}: {score:.4f}")
