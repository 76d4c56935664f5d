"""Rules as people write them on the command line, and back.

A rule is ``WHAT[@MASK][:STEPS]``: names of edits with commas between them, the file of a mask, and
steps counted from one (``3``, ``2-4``, ``2-``).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pixelrl.actions import ActionSet
from pixelrl.errors import ConfigError
from pixelrl.intervention.regions import Region, read_region, read_steps, write_steps
from pixelrl.intervention.rules import Kind, Rule, check_edit, keep_outside, stop_after

FORM = re.compile(r"(?P<what>[^@]*?)(?:@(?P<mask>.+?))?(?::(?P<steps>[0-9]+(?:-[0-9]*)?))?")


def split(text: str) -> tuple[str, Region | None, range | None]:
    """Split ``WHAT[@MASK][:STEPS]`` and read its mask.

    Returns:
        What, where and when; None for everywhere and always.

    Raises:
        ConfigError: nothing is named, or the steps cannot be had.
        DataError: the mask cannot be read.
    """
    found = FORM.fullmatch(text)
    if found is None or not found["what"]:
        raise ConfigError(f"'{text}': expected WHAT[@MASK][:STEPS], such as median@sky.png:2-4.")
    region = read_region(Path(found["mask"])) if found["mask"] else None
    return found["what"], region, read_steps(found["steps"]) if found["steps"] else None


def read_rule(kind: Kind, text: str, names: Sequence[str]) -> Rule:
    """Read one rule: ``EDITS[@MASK][:STEPS]``, or for prefer ``EDITS=BIAS[@MASK][:STEPS]``.

    Args:
        kind: of the rule.
        text: what was written.
        names: the task's edits; a comma within a name is understood if the whole is one.

    Raises:
        ConfigError: an edit does not exist, or the form is wrong.
        DataError: the mask cannot be read.
    """
    what, region, steps = split(text)
    bias = 0.0
    if kind == "prefer":
        what, equals, number = what.rpartition("=")
        try:
            bias = float(number)
        except ValueError:
            equals = ""
        if not equals:
            raise ConfigError(f"prefer '{text}': expected EDIT=BIAS in nats, such as median=2.")
    edits = [what] if what in names else [word.strip() for word in what.split(",")]
    return Rule(kind, tuple(check_edit(name, names) for name in edits), region, steps, bias)


def read_rules(written: Mapping[str, Sequence[str]], actions: ActionSet, length: int) -> list[Rule]:
    """Read all rules of a command line.

    Args:
        written: what each option was given: ``forbid``, ``only``, ``prefer``, ``stop_after``,
            ``keep_outside``.
        actions: the task's edits.
        length: steps of an episode.

    Raises:
        ConfigError: an edit or step does not exist, or the form is wrong.
        DataError: a mask cannot be read.
    """
    kinds: tuple[Kind, ...] = ("forbid", "only", "prefer")
    rules = [
        read_rule(kind, text, actions.names) for kind in kinds for text in written.get(kind, ())
    ]
    for text in written.get("stop_after", ()):
        count, region, steps = split(text)
        if steps is not None or not re.fullmatch("[0-9]+", count):
            raise ConfigError(f"stop after '{text}': expected STEPS[@MASK], such as 3@sky.png.")
        rule = stop_after(int(count), actions, length, region)
        rules += [rule] if rule else []
    for text in written.get("keep_outside", ()):
        rules.append(keep_outside(read_region(Path(text)), actions))
    return rules


def write_rule(rule: Rule, mask: str | None = None) -> str:
    """Write a rule as the option that `read_rules` reads it from.

    Args:
        rule: the rule.
        mask: the file its region is stored in; the region's name by default.

    Example:
        >>> write_rule(Rule("forbid", ("median", "box"), steps=range(1, 4)))
        '--forbid=median,box:2-4'
    """
    bias = f"={rule.bias!r}" if rule.kind == "prefer" else ""
    where = f"@{mask or rule.region.name}" if rule.region else ""
    when = f":{write_steps(rule.steps)}" if rule.steps else ""
    return f"--{rule.kind}={','.join(rule.edits)}{bias}{where}{when}"


def describe_rule(rule: Rule) -> dict[str, object]:
    """Describe a rule for the record of who changed what."""
    mask = {"mask": rule.region.name, "digest": rule.region.digest} if rule.region else {}
    steps = {"steps": write_steps(rule.steps)} if rule.steps else {}
    bias = f" by {rule.bias:g}" if rule.kind == "prefer" else ""
    return {"what": f"{rule.kind} {', '.join(rule.edits)}{bias}", **mask, **steps}
