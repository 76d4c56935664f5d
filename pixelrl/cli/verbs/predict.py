"""``pixelrl predict``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pixelrl.cli.verbs.common import policy_options, restore_policy
from pixelrl.errors import ConfigError, DataError, UnfinishedError

if TYPE_CHECKING:
    from pixelrl.experiments.opening import Say
    from pixelrl.training.module import PixelA3C

RULES = {
    "forbid": ("EDITS", "do not use these edits"),
    "only": ("EDITS", "use no others"),
    "prefer": ("EDIT=BIAS", "add to their logits, in nats; negative to have them less"),
    "stop_after": ("STEPS", "do nothing from the next step on"),
    "keep_outside": ("MASK", "do nothing outside this mask"),
}
SHOWN = {
    "record": "NAME.choices.npz, for replay, edit-choices and report",
    "strip": "NAME.strip.png, the steps side by side",
    "gif": "NAME.gif, the steps one after another",
}
FORMATS = ("png", "tif", "jpg", "webp", "bmp")
"""As in `images.formats.CHOICES`, which takes torch to import."""
MOST_JOBS = 256
"""Of processes that share pictures."""


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    edit_options(parser, "for a single picture")


def edit_options(parser: argparse.ArgumentParser, shown: str) -> None:
    """State the options of verbs that edit pictures.

    Args:
        parser: the verb's.
        shown: when the files of `SHOWN` are written unless the user says otherwise.
    """
    policy_options(parser)
    files = parser.add_argument_group(
        "what is written",
        "Edited pictures have the format, depth, transparency, color profile, EXIF and resolution"
        " of theirs, as far as the format holds them; what it does not hold is told. Pictures whose"
        " edits exist are left alone. --out may be a file if there is one picture.",
    )
    for name, told in SHOWN.items():
        files.add_argument(f"--{name}", action=argparse.BooleanOptionalAction,
                           help=f"{told} (default: {shown})")  # fmt: skip
    files.add_argument("--choices", action="store_true",
                       help="a record of the choices alone, for replay and edit-choices: a tenth"
                            " of the room")  # fmt: skip
    files.add_argument("--format", choices=FORMATS, help="default: that of each picture")
    files.add_argument("--jobs", type=int, default=1, metavar="N",
                       help="processes that share the pictures (default: 1)")  # fmt: skip
    files.add_argument("--again", action="store_true", help="replace edits that exist")
    rules = parser.add_argument_group(
        "a say in what the agents do",
        "EDITS have commas between them. Any rule but the last may end in @MASK, a picture that is"
        " white where it holds, and the first three in :STEPS, counted from 1, such as 3, 2-4 or"
        " 2-. Each may be given several times; all hold at once.",
    )
    for name, (form, told) in RULES.items():
        rules.add_argument(
            f"--{name.replace('_', '-')}", action="append", default=[], metavar=form, help=told
        )


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Edit images, in folders and below.

    Raises:
        PixelRLError: the policy cannot be restored, a rule is wrong, what would be written is what
            is read, or some image could not be edited (status 3).
    """
    edit_photos(arguments, overrides, (), shown_alone=True)


def edit_photos(
    arguments: argparse.Namespace,
    overrides: list[str],
    photos: Sequence[Path],
    *,
    shown_alone: bool,
) -> None:
    """Edit pictures and tell what came of it.

    Args:
        arguments: those of `edit_options`.
        overrides: settings; ``data.predict`` names further maps, and pictures if none are given.
        photos: files and folders.
        shown_alone: whether a single picture gets the files of `SHOWN` unless the user chooses.

    Raises:
        PixelRLError: as `run` does.
    """
    if not 1 <= arguments.jobs <= MOST_JOBS:
        raise ConfigError(f"--jobs: expected 1 to {MOST_JOBS} processes, got {arguments.jobs}.")
    module, experiment = restore_policy(arguments, overrides)
    from pixelrl.experiments.planning import Wish, plan_edits
    from pixelrl.experiments.predict import predict
    from pixelrl.experiments.processes import find_share
    from pixelrl.experiments.summary import summarize_edits

    maps = dict(experiment.data.predict)
    named = maps.pop("image", None)
    places = list(photos) or ([Path(named)] if named else [])
    if not places:
        raise DataError("no images to edit are named; pass data.predict.image=DIR (or one file).")
    limited = any(word.lstrip("-").startswith("data.limit=") for word in overrides)
    wish = Wish(
        _beside(arguments, places, shown_alone=shown_alone),
        arguments.format,
        arguments.again,
        experiment.data.limit if limited else 0,
        find_share(os.environ),
        lean=arguments.choices and not arguments.record,
    )
    say = _say(arguments, module)
    plan = plan_edits(module.task, places, maps, Path(arguments.out), wish)
    outcome = predict(module, experiment, plan, say, arguments.jobs)
    for line in summarize_edits(plan, outcome):
        print(line)
    if outcome.edited and wish.beside:
        _point_at_report(Path(arguments.out), wish.beside, lean=wish.lean)
    if outcome.failed:
        for path, reason in outcome.failed:
            print(f"{path}: {reason}", file=sys.stderr)
        raise UnfinishedError(
            f"{len(outcome.failed)} of {len(plan.gathered.pictures)} pictures could not be edited;"
            " they are listed above."
        )


def _beside(
    arguments: argparse.Namespace, places: Sequence[Path], *, shown_alone: bool
) -> list[str]:
    """Choose what is written beside edited pictures: what was asked for, or what suits them."""
    from pixelrl.images.gathering import gather_pictures
    from pixelrl.records.write import CHOICES, GIF, STRIP

    record = arguments.choices or arguments.record
    asked = {CHOICES: record, STRIP: arguments.strip, GIF: arguments.gif}
    if any(asked.values()):  # what was asked for, alone
        return [kind for kind, wanted in asked.items() if wanted]
    if not shown_alone or len(gather_pictures(places).pictures) > 1:
        return []
    return [kind for kind, wanted in asked.items() if wanted is None]


def _say(arguments: argparse.Namespace, module: "PixelA3C") -> "Say":
    """Read the rules."""
    from pixelrl.experiments.opening import Say
    from pixelrl.intervention.rules import compile_rules
    from pixelrl.intervention.syntax import describe_rule, read_rules
    from pixelrl.records.edit import sign

    task = module.task
    written = {name: getattr(arguments, name) for name in RULES}
    rules = read_rules(written, task.actions, task.length)
    if not rules:
        return Say()
    history = [sign(describe_rule(rule), "predict") for rule in rules]
    return Say(compile_rules(rules, task.actions.names, task.length), history)


def _point_at_report(out: Path, beside: Sequence[str], *, lean: bool) -> None:
    from pixelrl.records.write import CHOICES

    print(f"beside each: {', '.join(f'NAME{kind}' for kind in beside)}")
    if CHOICES in beside and out.is_dir() and not lean:
        print(f"look at it: python -m pixelrl report {out}")
