"""``pixelrl predict``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pixelrl.cli.verbs.common import policy_options, restore_policy

if TYPE_CHECKING:
    from pixelrl.intervention.rules import Rule
    from pixelrl.training.module import PixelA3C

RULES = {
    "forbid": ("EDITS", "do not use these edits"),
    "only": ("EDITS", "use no others"),
    "prefer": ("EDIT=BIAS", "add to their logits, in nats; negative to have them less"),
    "stop_after": ("STEPS", "do nothing from the next step on"),
    "keep_outside": ("MASK", "do nothing outside this mask"),
}


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    policy_options(parser)
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
    """Edit images.

    Raises:
        PixelRLError: the policy cannot be restored, a rule is wrong, or the images cannot be read.
    """
    from pixelrl.experiments.predict import predict
    from pixelrl.intervention.rules import compile_rules
    from pixelrl.intervention.syntax import describe_rule
    from pixelrl.records.edit import note, sign

    module, experiment = restore_policy(arguments, overrides)
    rules = _rules(arguments, module)
    task, out = module.task, Path(arguments.out)
    intervention = compile_rules(rules, task.actions.names, task.length) if rules else None
    names = predict(module, experiment, out, intervention)
    history = [sign(describe_rule(rule), "predict") for rule in rules]
    for name in names if history else ():
        note(out / f"{name}.choices.npz", history)
    print(
        f"{len(names)} edited; left in {arguments.out}: NAME.png, NAME.strip.png, NAME.gif,"
        " NAME.choices.npz"
    )
    print(f"look at it: python -m pixelrl report {arguments.out}")


def _rules(arguments: argparse.Namespace, module: "PixelA3C") -> "list[Rule]":
    from pixelrl.intervention.syntax import read_rules

    written = {name: getattr(arguments, name) for name in RULES}
    return read_rules(written, module.task.actions, module.task.length)
