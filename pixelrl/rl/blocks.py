"""Finish pictures block by block: each goes through the whole episode, in memory that it bounds.

A block's pixels depend on what lies around it, the farther the more steps are to come. So each step
is taken on the block and as much around it as the steps that follow will look at: the edge of what
is right moves inwards and arrives at the block's own after the last step. Within, steps are taken
in smaller tiles, which fit the processor's cache.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from pixelrl.maps import Scene
from pixelrl.rl.aim import GoalPolicy
from pixelrl.rl.boxes import Box, list_tiles, round_up
from pixelrl.rl.memory import trim_memory
from pixelrl.rl.playing import Network, make_environment
from pixelrl.rl.rollout import choose_greedy, take_step
from pixelrl.rl.tiling import Maps, in_tiles
from pixelrl.task import Task

STEP_TILE = 256
"""Side of the tiles that a step is taken in, in pixels."""
GOAL_TILE = 384
"""The same where a goal is set; of smaller ones, what lies around would be most of the work."""


class Reaches(NamedTuple):
    """Tell how far, in pixels, an episode looks aside.

    Attributes:
        step: one step.
        goal: setting the goal, before the first step; 0 for agents that have none.
        stride: tiles in which a goal is set begin at multiples of so many pixels.
    """

    step: int
    goal: int = 0
    stride: int = 1

    def whole(self, length: int) -> int:
        """Tell how far an episode of so many steps looks aside."""
        return round_up(length * self.step, self.stride) + self.goal


def find_reaches(task: Task, network: Network) -> Reaches:
    """Tell how far an episode looks aside.

    Example:
        >>> from pixelrl.rl.network import PolicyValueNet
        >>> from pixelrl_tasks.denoising import Denoising
        >>> find_reaches(Denoising(), PolicyValueNet(1, 9, width=8))
        Reaches(step=20, goal=0, stride=1)
    """
    edits = task.reach or 0
    step = network.reach + edits
    if not isinstance(network, GoalPolicy):
        return Reaches(step)
    stride = network.stride
    return Reaches(step, round_up(network.goal.reach + edits, stride), stride)


def list_blocks(
    height: int, width: int, tile: int, task: Task, network: Network
) -> Iterator[tuple[Box, Box]]:
    """Cut a picture into blocks.

    Args:
        height: of the picture, in pixels.
        width: of the picture.
        tile: side of a block; it is rounded up to the network's stride.
        task: the task.
        network: the agents'.

    Yields:
        Each block, and what is needed to finish it: the block and what lies around it.

    Example:
        >>> from pixelrl.rl.network import PolicyValueNet
        >>> from pixelrl_tasks.denoising import Denoising
        >>> task, net = Denoising(length=1), PolicyValueNet(1, 9, width=8)
        >>> for block, around in list_blocks(64, 200, 128, task, net):
        ...     print(tuple(block), tuple(around))
        (0, 0, 64, 128) (0, 0, 64, 148)
        (0, 128, 64, 200) (0, 108, 64, 200)
    """
    reaches, whole = find_reaches(task, network), Box(0, 0, height, width)
    for block in list_tiles(whole, round_up(tile, reaches.stride)):
        yield block, block.grow(reaches.whole(task.length), whole)


@torch.inference_mode()
def finish_block(task: Task, network: Network, scene: Scene, block: Box) -> Tensor:
    """Take a block through an episode of the likeliest edits.

    Args:
        task: the task; it must know its `reach`.
        network: the agents'.
        scene: maps ``(B,K,H,W)`` of the block and what lies around it, as `list_blocks` says.
        block: its pixels within these maps.

    Returns:
        The finished block, ``(B,C,h,w)``.

    Raises:
        MapError: the picture is too small for the edits.
        TypeError: a task made no image.
    """
    trim_memory()  # of the block before
    reaches, names = find_reaches(task, network), tuple(scene)
    height, width = scene["image"].shape[-2:]
    limits = here = Box(0, 0, height, width)
    maps: list[Tensor | None] = [scene["image"], None, *scene.values()]
    if isinstance(network, GoalPolicy):
        around = block.grow(reaches.whole(task.length) - reaches.goal, limits)
        memory = _aim(task, network, scene, around, reaches)
        maps = [None if value is None else value[around.window] for value in maps]
        maps[1], here = memory, around
    step = partial(_step, task, network, names)
    for after in reversed(range(task.length)):
        region = block.grow(after * reaches.step, limits)
        inner = region.seen_from(here)
        image, memory = in_tiles(step, maps, reach=reaches.step, tile=STEP_TILE, region=inner)
        rest = [None if value is None else value[inner.window] for value in maps[2:]]
        maps, here = [image, memory, *rest], region
    if maps[0] is None:
        raise TypeError("a task made no image.")
    return maps[0]


def _aim(
    task: Task, network: GoalPolicy, scene: Scene, region: Box, reaches: Reaches
) -> Tensor | None:
    """Set the goal of a region, ``(B,C+2,h,w)``."""
    names = tuple(scene)

    def aim(maps: Maps) -> Maps:
        window = _name(names, maps)
        memory = network.aim(task.observe(window["image"], window), window["image"])
        trim_memory()  # features of a goal are by far the largest of what is held
        return (memory,)

    return in_tiles(
        aim,
        tuple(scene.values()),
        reach=reaches.goal,
        tile=GOAL_TILE,
        stride=reaches.stride,
        region=region,
    )[0]


def _step(task: Task, network: Network, names: tuple[str, ...], maps: Maps) -> Maps:
    """Take a step on a tile; returns the next image and memory."""
    image, memory, *rest = maps
    if image is None:
        raise TypeError("a tile has no image.")
    environment, policy = make_environment(task, network), partial(network, with_value=False)
    step = take_step(environment, policy, image, memory, _name(names, rest), choose_greedy)
    return step.after, step.output.memory


def _name(names: tuple[str, ...], maps: Maps) -> dict[str, Tensor]:
    return {name: value for name, value in zip(names, maps, strict=True) if value is not None}
