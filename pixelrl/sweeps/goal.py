"""Which way a sweep goes where its file has no goal."""

from collections.abc import Mapping, Sequence
from typing import Any

from pixelrl.declaration import declare, find_score
from pixelrl.runs.protocol import declare_installed

REWARD = "train/reward"


def fill_goal(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Add to a sweep file's metric the goal that the task's score declares.

    W&B minimizes what has no goal. The filled-in file says it in words, so that a server goes the
    same way as a sweep driven here.

    Args:
        raw: the file's content; its metric's name is one that runs log, such as ``val/psnr``.

    Returns:
        The content, as it was if it has a goal, or the metric is no score of a known direction.
    """
    metric = raw.get("metric")
    if not isinstance(metric, Mapping) or "goal" in metric:
        return dict(raw)
    name = str(metric.get("name", ""))
    split, _, bare = name.partition("/")
    if not bare or (split not in {"val", "test"} and name != REWARD):
        return dict(raw)
    declared = declare()
    if bare not in declared:
        declared = dict(declare_installed(_task(raw.get("command"))))
    higher = find_score(declared, bare).higher_is_better
    if higher is None:
        return dict(raw)
    goal = "maximize" if higher else "minimize"
    return {**raw, "metric": {**metric, "goal": goal}}


def _task(command: object) -> str:
    """Find the name that follows ``--task`` in a command."""
    words: Sequence[str] = list(map(str, command)) if isinstance(command, list) else []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--task":
            return following
        if word.startswith("--task="):
            return word.partition("=")[2]
    return ""
