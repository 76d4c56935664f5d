"""Where a network plays, whole or in tiles: the one place that tells the kinds of network apart."""

from dataclasses import dataclass
from functools import partial

from torch import Tensor

from pixelrl.actions import pick
from pixelrl.maps import Scene
from pixelrl.rl.aim import GoalPolicy
from pixelrl.rl.goal_environment import Candidates, GoalEnvironment
from pixelrl.rl.network import PolicyValueNet
from pixelrl.rl.rollout import Environment, Policy
from pixelrl.rl.tiling import TaskView, tile_environment, tile_policy
from pixelrl.task import Task

Network = PolicyValueNet | GoalPolicy
"""The kinds of network that agents look through."""


@dataclass(frozen=True)
class FasterTask(TaskView):
    """Play a task whose candidates another function computes, such as a compiled one.

    Attributes:
        task: the task.
        candidates: computes what the task's own would.
    """

    candidates: Candidates

    def step(self, image: Tensor, choice: Tensor, scene: Scene) -> Tensor:
        """Let each pixel take its choice ``(B,H,W)``; returns the next image ``(B,C,H,W)``."""
        if type(self.task).step is not Task.step:
            return self.task.step(image, choice, scene)
        return pick(self.candidates(image, scene), choice)


def make_environment(
    task: Task, network: Network, tile: int = 0, candidates: Candidates | None = None
) -> Environment:
    """Make where an episode is played on images that are not larger than a tile, if there is one.

    Args:
        task: the task.
        network: the agents'.
        tile: side of a tile, in pixels; 0 for images of any size.
        candidates: computes what the task's own would; None for that itself.
    """
    if isinstance(network, GoalPolicy):
        return GoalEnvironment(task, tile, candidates)
    return task if candidates is None else FasterTask(task, candidates)


def play_at_size(
    task: Task, network: Network, image: Tensor, *, tile: int, with_value: bool
) -> tuple[Environment, Policy]:
    """Choose how to play on images of a size: whole, or in tiles if they are larger.

    Args:
        task: the task.
        network: the agents'.
        image: ``(B,C,H,W)``.
        tile: side of a tile, in pixels; 0 for never.
        with_value: whether the policy is to answer its value.

    Returns:
        The environment and the policy.
    """
    policy = partial(network, with_value=with_value)
    environment = tile_environment(task, image, tile)
    if environment is task:
        return make_environment(task, network), policy
    if not isinstance(network, GoalPolicy):
        return environment, tile_policy(policy, reach=network.reach, tile=tile)
    first, stride = network.first_reach, network.stride
    tiled = tile_policy(policy, reach=network.reach, tile=tile, first_reach=first, stride=stride)
    return GoalEnvironment(task, tile), tiled
