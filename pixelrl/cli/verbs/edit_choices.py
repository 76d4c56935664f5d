"""``pixelrl edit-choices``."""

import argparse
from pathlib import Path

from pixelrl.errors import ConfigError
from pixelrl.files import check_targets, make_folder

NO_SETTINGS = ""


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("--choices", required=True, metavar="FILE",
                        help="NAME.choices.npz of predict")  # fmt: skip
    parser.add_argument("--replace", action="append", default=[], metavar="OLD=NEW",
                        help="put one edit in another's place; * stands for any. May end in"
                        " @MASK and in :STEPS, such as median=keep@sky.png:2-4. May be given"
                        " several times, done in order")  # fmt: skip
    parser.add_argument("--out", metavar="FILE", help="the choice file to write")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Replace edits in recorded choices, or tell who has.

    Raises:
        PixelRLError: options are wrong, or the file or a replacement is.
    """
    if bool(arguments.replace) != bool(arguments.out):
        raise ConfigError("edit-choices: --replace and --out need one another.")
    from pixelrl.intervention.syntax import split
    from pixelrl.records.edit import Swap, describe_entry, read_swap, replace_choices, save
    from pixelrl.records.file import load_choices

    if arguments.out:
        check_targets([Path(arguments.out)], [Path(arguments.choices)])
        make_folder(Path(arguments.out).parent)
    recorded = load_choices(Path(arguments.choices), with_arrays=True)
    if not arguments.replace:
        print(f"edits: {', '.join(recorded.edits)}")
        for entry in recorded.history:
            print(describe_entry(entry))
        return
    wishes = []
    for text in arguments.replace:
        what, region, steps = split(text)
        if region:
            check_targets([Path(arguments.out)], [Path(region.name)])
        wishes.append(Swap(*read_swap(what), region, steps))
    altered = replace_choices(recorded, wishes, "edit-choices")
    for entry in altered.history[len(recorded.history) :]:
        print(describe_entry(entry))
    save(Path(arguments.out), altered)
    print(f"written: {arguments.out}")
