"""``pixelrl evaluate``."""

import argparse
from pathlib import Path

from pixelrl.cli.verbs.common import policy_options, restore_policy
from pixelrl.runs.layout import lay_out_means, lay_out_scores


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    score_options(parser)
    parser.add_argument("--split", choices=("val", "test"), default="test", help="default: test")


def score_options(parser: argparse.ArgumentParser) -> None:
    """State the options that all names of the verb share."""
    policy_options(parser)
    parser.add_argument("--oracle", action="store_true",
                        help="score the best that the edits could do, too")  # fmt: skip
    parser.add_argument("--baselines", action="store_true",
                        help="score what a policy should beat, too")  # fmt: skip
    parser.add_argument("--steps", action="store_true",
                        help="score the images after every step, too")  # fmt: skip
    parser.add_argument("--no-records", action="store_true",
                        help="leave the scores alone, and no files per image")  # fmt: skip


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Score a policy on images with a known target.

    Raises:
        PixelRLError: the policy cannot be restored, or the images cannot be read or scored.
    """
    from pixelrl.experiments.evaluate import evaluate_baselines, score
    from pixelrl.experiments.writers import Extras
    from pixelrl.files import make_folder

    make_folder(Path(arguments.out))
    module, experiment = restore_policy(arguments, overrides)
    extras = Extras(arguments.oracle, arguments.steps, records=not arguments.no_records)
    table = score(module, experiment, Path(arguments.out), arguments.split, extras)
    print(lay_out_scores(table))
    if arguments.baselines:
        compared = evaluate_baselines(experiment, Path(arguments.out), table, arguments.split)
        print(lay_out_means(compared, "baseline"))
    suffix = experiment.run.figures
    steps = f", steps.csv, steps.{suffix}" if arguments.steps else ""
    left = f"left in {arguments.out}: scores.csv, protocol.json, calibration.{suffix}{steps}"
    if arguments.no_records:
        print(left)
        return
    print(f"{left}, images/")
    print(f"look at it: python -m pixelrl report {arguments.out}")
