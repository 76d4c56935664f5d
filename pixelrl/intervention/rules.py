"""A person's say in what the agents choose: rules that bend the logits they choose from."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal, get_args

import torch
from torch import Tensor

from pixelrl.actions import ActionSet
from pixelrl.errors import ConfigError, nearest
from pixelrl.intervention.regions import Region, check_steps, describe_steps, write_steps
from pixelrl.rl.rollout import Intervention

Kind = Literal["forbid", "only", "prefer"]


@dataclass(frozen=True)
class Rule:
    """State one wish about the edits, everywhere and always unless told otherwise.

    Attributes:
        kind: ``forbid`` the edits, allow ``only`` them, or ``prefer`` them by a bias.
        edits: the edits' names.
        region: where the rule holds; None for the whole picture.
        steps: when it holds, steps counted from zero; None for all.
        bias: what ``prefer`` adds to the edits' logits, in nats; negative to have them less.

    Raises:
        ConfigError: the kind is unknown, no edit is named, no step is meant, or the bias is not
            a number.
    """

    kind: Kind
    edits: tuple[str, ...]
    region: Region | None = None
    steps: range | None = None
    bias: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ConfigError(f"rule '{self.kind}': expected {', '.join(get_args(Kind))}.")
        if not self.edits:
            raise ConfigError(f"{self.kind}: no edit is named.")
        if self.steps is not None and (not self.steps or self.steps.step != 1):
            raise ConfigError(f"{self.kind}: no steps in a row, got {self.steps}.")
        if not isfinite(self.bias):
            raise ConfigError(f"prefer: expected a finite bias in nats, got {self.bias}.")

    def __str__(self) -> str:
        """Tell the rule to a person."""
        bias = f" by {self.bias:g}" if self.kind == "prefer" else ""
        where = f" in {self.region.name}" if self.region else ""
        when = f" in {describe_steps(write_steps(self.steps))}" if self.steps else ""
        return f"{self.kind} {', '.join(self.edits)}{bias}{where}{when}"


def stop_after(
    count: int, actions: ActionSet, length: int, region: Region | None = None
) -> Rule | None:
    """Leave the picture alone from some step on.

    Args:
        count: steps that are still free, from 0 on.
        actions: the task's edits, among them `pixelrl.keep`.
        length: steps of an episode.
        region: where to stop; None for everywhere.

    Returns:
        The rule; None if all steps are free.

    Raises:
        ConfigError: the count is out of range, or no edit does nothing.
    """
    if not 0 <= count <= length:
        raise ConfigError(f"stop after {count}: expected steps from 0 to {length}.")
    if count == length:
        return None
    return Rule("only", (find_noop(actions),), region, range(count, length))


def keep_outside(region: Region, actions: ActionSet) -> Rule:
    """Leave everything but a region alone.

    Raises:
        ConfigError: no edit does nothing.
    """
    return Rule("only", (find_noop(actions),), region.outside())


def find_noop(actions: ActionSet) -> str:
    """Find the edit that does nothing: the one that is `pixelrl.keep`.

    Raises:
        ConfigError: there is none.
    """
    if actions.noop is None:
        raise ConfigError(
            f"no edit of this task is pixelrl.keep, which does nothing; it has"
            f" {', '.join(actions)}."
        )
    return actions.noop


def check_edit(name: str, names: Sequence[str]) -> str:
    """Check that an edit exists; returns its name.

    Raises:
        ConfigError: it does not.
    """
    if name not in names:
        raise ConfigError(f"no edit '{name}'.{nearest(name, names)} Edits: {', '.join(names)}.")
    return name


def compile_rules(rules: Sequence[Rule], names: Sequence[str], length: int) -> Intervention:
    """Make the one intervention that obeys all rules at once.

    What is forbidden gets a logit of minus infinity, so that it is never chosen, by the likeliest
    edit or by drawing. All else keeps its logit, plus the biases of the rules that prefer it. So a
    rule with a region changes no logit outside it.

    Args:
        rules: in any order.
        names: the task's edits, in order.
        length: steps of an episode.

    Returns:
        A function from logits ``(B,A,H,W)`` and a step to logits of the same shape. It raises
        DataError when the picture is not of a region's size.

    Raises:
        ConfigError: an edit or step does not exist, or some pixel would be left without an edit.
        DataError: two regions differ in size.
    """
    _check_rules(rules, names, length)
    regions = [rule.region for rule in rules if rule.region]
    size = _common_size(regions)
    for step in range(length):
        _check_choice(rules, names, step, size)

    def bend(logits: Tensor, step: int) -> Tensor:
        for region in regions:
            region.check_size((logits.shape[-2], logits.shape[-1]))
        for rule in _in_force(rules, step, "prefer"):
            wanted = _named(rule, names)[:, None, None] & _where(rule, size)
            logits = logits + wanted.to(logits) * rule.bias
        return logits.masked_fill(~_allowed(rules, names, step, size).to(logits.device), -inf)

    return bend


def _check_rules(rules: Sequence[Rule], names: Sequence[str], length: int) -> None:
    """Check that the edits and steps that rules name exist."""
    for rule in rules:
        for name in rule.edits:
            check_edit(name, names)
        if rule.steps is not None:
            check_steps(rule.steps, length)


def _check_choice(
    rules: Sequence[Rule], names: Sequence[str], step: int, size: tuple[int, int]
) -> None:
    """Check that every pixel has an edit left in a step."""
    left = _allowed(rules, names, step, size).any(0)
    if left.all():
        return
    where = "anywhere" if not left.any() else f"at {int((~left).sum())} pixels"
    strict = ", ".join(f"'{rule}'" for rule in rules if rule.kind != "prefer")
    raise ConfigError(f"step {step + 1}: no edit is left {where} after {strict}; leave one out.")


def _allowed(
    rules: Sequence[Rule], names: Sequence[str], step: int, size: tuple[int, int]
) -> Tensor:
    """Tell which edits the rules leave, ``(A,H,W)`` bool."""
    allowed = torch.ones((len(names), *size), dtype=torch.bool)
    for kind in ("forbid", "only"):
        for rule in _in_force(rules, step, kind):
            named = _named(rule, names)[:, None, None]
            allowed &= ~_where(rule, size) | (named if kind == "only" else ~named)
    return allowed


def _in_force(rules: Sequence[Rule], step: int, kind: str) -> list[Rule]:
    return [r for r in rules if r.kind == kind and (r.steps is None or step in r.steps)]


def _named(rule: Rule, names: Sequence[str]) -> Tensor:
    """Mark the edits a rule names, ``(A,)`` bool."""
    return torch.tensor([name in rule.edits for name in names])


def _where(rule: Rule, size: tuple[int, int]) -> Tensor:
    """Mark where a rule holds, ``(H,W)`` bool."""
    return rule.region.inside.cpu() if rule.region else torch.ones(size, dtype=torch.bool)


def _common_size(regions: Sequence[Region]) -> tuple[int, int]:
    """Find the size of all regions, (H, W); one pixel stands for all where there is none."""
    if not regions:
        return 1, 1
    height, width = regions[0].inside.shape
    for region in regions[1:]:
        region.check_size((height, width))
    return height, width
