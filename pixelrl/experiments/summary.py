"""What editing pictures tells at its end: nothing was found, used, reduced or lost unsaid."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pixelrl.experiments.planning import Plan
from pixelrl.experiments.predict import Outcome
from pixelrl.experiments.watching import write_duration

NAMED = 3
"""So many pictures are named for each thing that is told; the rest are counted."""


def summarize_edits(plan: Plan, outcome: Outcome) -> list[str]:
    """Tell what was found, what was done with it, and what is not in the edits, a line each.

    Args:
        plan: what was to be done.
        outcome: what came of it.
    """
    lines = [_found(plan)]
    if outcome.edited:
        size = f"{outcome.pixels / 1e6:.1f} megapixels"
        took = write_duration(outcome.seconds)
        lines.append(f"{len(outcome.edited)} edited ({size} in {took}); left in {plan.out}")
    if plan.there:
        lines.append(
            f"{len(plan.there)} left alone, as their edits are in {plan.out} already; --again edits"
            f" them again: {_name(plan.there)}"
        )
    if plan.beyond:
        lines.append(f"{plan.beyond} left out by data.limit")
    if plan.others:
        lines.append(f"{plan.others} left to the other processes of this run")
    lines += [
        f"{words}: {len(pictures)} ({_name(pictures)})"
        for words, pictures in sorted(outcome.reduced.items())
    ]
    if outcome.failed:
        lines.append(f"{len(outcome.failed)} failed")
    return lines


def _found(plan: Plan) -> str:
    gathered = plan.gathered
    count = len(gathered.pictures)
    told = [f"found {count} picture{'' if count == 1 else 's'}"]
    if gathered.repeated:
        told.append(f"{gathered.repeated} named again")
    if gathered.others:
        told.append(f"{gathered.others.total()} other files ({_count(gathered.others)})")
    return ", ".join(told)


def _count(others: Counter[str]) -> str:
    return ", ".join(f"{suffix} {count}" for suffix, count in sorted(others.items()))


def _name(pictures: Sequence[Path]) -> str:
    named = ", ".join(path.name for path in pictures[:NAMED])
    more = len(pictures) - NAMED
    return f"{named} and {more} more" if more > 0 else named
