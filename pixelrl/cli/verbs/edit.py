"""``pixelrl edit``."""

import argparse
from pathlib import Path

from pixelrl.cli.verbs.common import split_settings
from pixelrl.cli.verbs.predict import edit_options, edit_photos
from pixelrl.errors import ConfigError


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("photos", nargs="*", metavar="PHOTO", help="pictures, or folders of them")
    edit_options(parser, "not written")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Edit photographs, each into a photograph of the same kind.

    Raises:
        PixelRLError: no photograph is named, the policy cannot be restored, a rule is wrong, what
            would be written is what is read, or some photograph could not be edited (status 3).
    """
    photos, more = split_settings(arguments.photos)
    if not photos:
        raise ConfigError("edit: no photograph is named; pass files, or folders of them.")
    if any("data.predict.image" in override for override in (*more, *overrides)):
        raise ConfigError("edit: name photographs as they are, without data.predict.image=.")
    edit_photos(
        arguments, [*more, *overrides], [Path(photo) for photo in photos], shown_alone=False
    )
