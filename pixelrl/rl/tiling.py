"""Images of any size in bounded memory: the same result, tile by tile.

Every step is computed in tiles, each with a halo as wide as the computation looks aside, and only
the tile's own pixels are kept. Image, choice and memory stay whole, so nothing accumulates: a tiled
step *is* the step. What a network of this depth needs per pixel, dozens of feature maps at once, is
needed for one tile at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from pixelrl.errors import ConfigError
from pixelrl.maps import Scene
from pixelrl.rl.boxes import Box, list_tiles, round_up
from pixelrl.rl.network import PolicyOutput
from pixelrl.rl.rollout import Environment, Policy
from pixelrl.task import Task

Maps = Sequence[Tensor | None]
Local = Callable[[Maps], Maps]
"""A function of aligned maps whose answer at a pixel depends on a bounded neighborhood."""


def in_tiles(
    local: Local,
    maps: Maps,
    *,
    reach: int,
    tile: int,
    stride: int = 1,
    region: Box | None = None,
) -> list[Tensor | None]:
    """Compute a local function tile by tile.

    A tile at the image's border ends there, so that border handling is the function's own.

    Args:
        local: the function.
        maps: ``(B,K,H,W)`` each, or None, which is handed on as None.
        reach: how far, in pixels, the function looks aside.
        tile: side of a tile without its halo, in pixels.
        stride: windows begin at multiples of so many pixels, as a function that reduces its maps
            needs; tile and reach are rounded up to such.
        region: what to compute, which begins at such a multiple too; None for all.

    Returns:
        What ``local(maps)`` returns, of the region.

    Example:
        >>> import torch
        >>> seen = []
        >>> def double(maps):
        ...     seen.append(tuple(maps[0].shape[-2:]))
        ...     return [2 * maps[0]]
        >>> (answer,) = in_tiles(double, [torch.ones(1, 1, 4, 6)], reach=1, tile=4)
        >>> answer.shape, answer.unique(), seen  # two tiles, each with its halo
        (torch.Size([1, 1, 4, 6]), tensor([2.]), [(4, 5), (4, 3)])
    """
    reach, tile = round_up(reach, stride), round_up(tile, stride)
    height, width = next(value for value in maps if value is not None).shape[-2:]
    limits = Box(0, 0, height, width)
    region = region or limits
    whole: list[Tensor | None] = []
    for inner in list_tiles(region, tile):
        outer = inner.grow(reach, limits)
        answers = local([None if value is None else value[outer.window] for value in maps])
        whole = whole or [_room(answer, region) for answer in answers]
        there, here = inner.seen_from(region).window, inner.seen_from(outer).window
        for room, answer in zip(whole, answers, strict=True):
            if room is not None and answer is not None:
                room[there] = answer[here]
    return whole


def tile_policy(
    policy: Policy, *, reach: int, tile: int, first_reach: int | None = None, stride: int = 1
) -> Policy:
    """Make a policy compute in tiles.

    Args:
        policy: a network that looks at most ``reach`` pixels aside, as `PolicyValueNet` does.
        reach: that many pixels.
        tile: side of a tile, in pixels.
        first_reach: how far it looks at the first step, where it has no memory; None for as far.
        stride: tiles begin at multiples of so many pixels at the first step.

    Returns:
        A policy that answers the same in less memory.

    Example:
        >>> import torch
        >>> from pixelrl.rl.network import PolicyValueNet
        >>> net, image = PolicyValueNet(1, 9, width=8), torch.rand(1, 1, 24, 32)
        >>> tiled = tile_policy(net, reach=net.reach, tile=16)
        >>> torch.allclose(tiled(image, None).logits, net(image).logits, atol=1e-5)
        True
    """
    first = reach if first_reach is None else first_reach

    def answer(observation: Tensor, memory: Tensor | None) -> PolicyOutput:
        answers = in_tiles(
            lambda maps: tuple(policy(_there(maps[0]), maps[1])),
            (observation, memory),
            reach=first if memory is None else reach,
            tile=tile,
            stride=stride if memory is None else 1,
        )
        return PolicyOutput(_there(answers[0]), *answers[1:])

    return answer


@dataclass(frozen=True)
class TaskView:
    """Play a task whose steps are taken in another way, which those who inherit this write.

    Attributes:
        task: the task.

    Example:
        >>> import torch
        >>> from pixelrl_tasks.denoising import Denoising
        >>> view = TaskView(Denoising(length=3))
        >>> view.length, view.observe(torch.zeros(1, 1, 8, 8), {}).shape
        (3, torch.Size([1, 1, 8, 8]))
    """

    task: Task

    @property
    def length(self) -> int:
        """Steps of an episode."""
        return self.task.length

    def observe(self, image: Tensor, scene: Scene) -> Tensor:
        """Tell what the network sees, ``(B,K,H,W)``, of an image ``(B,C,H,W)``."""
        return self.task.observe(image, scene)


@dataclass(frozen=True)
class TiledEnvironment(TaskView):
    """Step a task in tiles: an environment for `rollout` and `replay`.

    Attributes:
        task: the task; it must know its `reach`.
        tile: side of a tile, in pixels.

    Raises:
        ConfigError: the task does not know its reach, or the tile is no positive number.

    Example:
        >>> import torch
        >>> from pixelrl_tasks.denoising import Denoising
        >>> image, choice = torch.rand(1, 1, 24, 32), torch.full((1, 24, 32), 5)  # the median
        >>> tiled = TiledEnvironment(Denoising(), tile=16)
        >>> torch.equal(tiled.step(image, choice, {}), Denoising().step(image, choice, {}))
        True
    """

    tile: int

    def __post_init__(self) -> None:
        if self.task.reach is None:
            raise ConfigError(
                f"{type(self.task).__name__} does not state its reach, so it cannot be stepped in"
                " tiles; leave the tile size at 0."
            )
        if self.tile < 1:
            raise ConfigError(f"tile: expected a number of pixels from 1 on, got {self.tile}.")

    def step(self, image: Tensor, choice: Tensor, scene: Scene) -> Tensor:
        """Let each pixel take its choice; returns the next image ``(B,C,H,W)``."""
        names = tuple(scene)

        def local(maps: Maps) -> Maps:
            there = [_there(value) for value in maps]
            window = dict(zip(names, there[2:], strict=True))
            return (self.task.step(there[0], there[1].squeeze(1), window),)

        maps = (image, choice.unsqueeze(1), *scene.values())
        return _there(in_tiles(local, maps, reach=self.task.reach or 0, tile=self.tile)[0])


def tile_environment(task: Task, image: Tensor, tile: int) -> Environment:
    """Choose the environment for an image: the task itself, or its tiles if the image is larger.

    Args:
        task: the task.
        image: ``(B,C,H,W)``.
        tile: side of a tile, in pixels; 0 for never.

    Returns:
        The task, or a `TiledEnvironment`.

    Raises:
        ConfigError: the tile is below zero.

    Example:
        >>> import torch
        >>> from pixelrl_tasks.denoising import Denoising
        >>> images = [torch.empty(1, 1, 1000, 1000), torch.empty(1, 1, 1000, 1025)]
        >>> [type(tile_environment(Denoising(), image, 1024)).__name__ for image in images]
        ['Denoising', 'TiledEnvironment']
    """
    whole = not tile or task.reach is None or max(image.shape[-2:]) <= tile
    return task if whole else TiledEnvironment(task, tile)


def _room(answer: Tensor | None, region: Box) -> Tensor | None:
    size = (region.bottom - region.top, region.right - region.left)
    return None if answer is None else answer.new_empty((*answer.shape[:2], *size))


def _there(value: Tensor | None) -> Tensor:
    """Narrow the type of a map that is known to be there."""
    assert value is not None
    return value
