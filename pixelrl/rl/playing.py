"""Where a network plays, whole or in tiles: the one place that tells the kinds of network apart."""

from functools import partial

from torch import Tensor

from pixelrl.rl.aim import GoalPolicy
from pixelrl.rl.goal_environment import GoalEnvironment
from pixelrl.rl.network import PolicyValueNet
from pixelrl.rl.rollout import Environment, Policy
from pixelrl.rl.tiling import tile_environment, tile_policy
from pixelrl.task import Task

Network = PolicyValueNet | GoalPolicy
"""The kinds of network that agents look through."""


def make_environment(task: Task, network: Network, tile: int = 0) -> Environment:
    """Make where an episode is played on images that are not larger than a tile, if there is one.

    Args:
        task: the task.
        network: the agents'.
        tile: side of a tile, in pixels; 0 for images of any size.
    """
    return GoalEnvironment(task, tile) if isinstance(network, GoalPolicy) else task


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
