"""What an exported file says about itself, so that a page or a program can read it."""

import json
from typing import Any

from pixelrl.config.compose import Experiment
from pixelrl.drawing.palette import ink_edits
from pixelrl.rl.aim import GoalPolicy
from pixelrl.rl.editing import episode_reach
from pixelrl.rl.playing import Network
from pixelrl.task import Task

KEY = "pixelrl"
"""The metadata's key in ONNX files, and the name of the extra file in those of ``torch.export``."""
FORMAT = 1


def write_card(experiment: Experiment, network: Network, name: str) -> dict[str, Any]:
    """Describe agents in plain values.

    Args:
        experiment: they come from.
        network: theirs.
        name: of the agents.
    """
    task = experiment.task
    names, noop = list(task.actions.names), task.actions.noop
    return {
        "format": FORMAT,
        "name": name,
        "task": experiment.name,
        "channels": task.channels,
        "range": [0.0, 1.0],
        "layout": "batch, channels, height, width; RGB or gray, float32, black 0, white 1",
        "profile": experiment.data.profile,
        "steps": task.length,
        "edits": names,
        "colors": ink_edits(names, noop),
        "noop": noop,
        "smallest": smallest_side(network),
        "stride": network.stride if isinstance(network, GoalPolicy) else 1,
        "reach": None if task.reach is None else episode_reach(task, network),
        "state": _describe_state(task, network),
    }


def smallest_side(network: Network) -> int:
    """Tell how many pixels a side must have at least: one more than the network's coarsest cell."""
    return network.stride + 1 if isinstance(network, GoalPolicy) else 8


def as_text(card: dict[str, Any]) -> str:
    """Write a card as JSON in a line."""
    return json.dumps(card, ensure_ascii=False, allow_nan=False)


def _describe_state(task: Task, network: Network) -> list[str]:
    if not isinstance(network, GoalPolicy):
        return ["memory", "start"]
    goal = [f"goal {channel}" for channel in range(task.channels)]
    return [*goal, "doubt (squared error)", "share of the steps taken", "start"]
