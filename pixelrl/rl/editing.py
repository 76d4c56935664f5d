"""Edit images with what agents have learned: the likeliest edits, whole or tile by tile."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from pixelrl.maps import Scene, check_scene, check_values
from pixelrl.rl.blocks import find_reaches, finish_block, list_blocks
from pixelrl.rl.boxes import Box
from pixelrl.rl.playing import Network, play_at_size
from pixelrl.rl.rollout import Intervention, choose_greedy, choose_under, rollout
from pixelrl.rl.trace import Edited, Trace, record_step, stack_steps
from pixelrl.task import Task, reward_map


@torch.inference_mode()
def edit_scene(  # noqa: PLR0913 - what is wanted is told by name
    task: Task,
    network: Network,
    scene: Scene,
    *,
    tile: int = 0,
    with_reward: bool = False,
    with_trace: bool = False,
    intervention: Intervention | None = None,
) -> Edited:
    """Edit images with the likeliest edits; no target is looked at.

    Args:
        task: the task.
        network: the agents'.
        scene: maps ``(B,K,H,W)``, ``image`` among them.
        tile: side of the tiles that larger images are edited in, in pixels; 0 for never.
        with_reward: whether to sum up the rewards, for which the scene needs its target.
        with_trace: whether to keep the image and the maps of every step.
        intervention: a person's say in what the agents choose.

    Returns:
        The finished images, the choices, and the rewards and trace if asked for.

    Raises:
        MapError: the scene is not what a loader would give: maps of another shape or type, not
            aligned, not finite, or an image not in [0, 1]. Or the task's reward is no reward map,
            or the image is too small for its edits.

    Example:
        >>> from pixelrl.rl.network import PolicyValueNet
        >>> from pixelrl_tasks.denoising import Denoising
        >>> scene = {"image": torch.full((1, 1, 16, 16), 0.5)}
        >>> edited = edit_scene(Denoising(), PolicyValueNet(1, 9, width=8), scene)
        >>> edited.image.shape, edited.choices.shape
        (torch.Size([1, 1, 16, 16]), torch.Size([5, 1, 16, 16]))
    """
    check_values(check_scene(scene, task.channels))
    environment, policy = play_at_size(
        task, network, scene["image"], tile=tile, with_value=with_trace
    )
    choices: list[Tensor] = []
    kept: list[Trace] = []
    image = scene["image"]
    reward = image.new_full((image.shape[0],), 0.0 if with_reward else torch.nan)
    choose = choose_greedy if intervention is None else choose_under(intervention)
    for step in rollout(environment, policy, scene, choose):
        choices.append(step.choice)
        rewards = reward_map(task, step.before, step.after, scene) if with_reward else None
        if rewards is not None:
            reward = reward + rewards.mean((1, 2, 3))
        if with_trace:
            kept.append(record_step(step, rewards))
        image = step.after
    trace = stack_steps(scene["image"], kept) if with_trace else None
    return Edited(image, torch.stack(choices), reward, trace)


def finish_image(
    task: Task,
    network: Network,
    scene: Scene,
    *,
    tile: int = 0,
    tell: Callable[[int], object] = lambda pixels: None,
) -> Tensor:
    """Edit an image with the likeliest edits in memory that its size does not matter to.

    Where `edit_scene` takes each step in tiles and so keeps the agents' memory of the whole image,
    this takes each tile through the whole episode (`rl.blocks`). What lies around a tile is
    computed again with it, as far as an episode looks aside, which takes some more time.

    Args:
        task: the task; without a `reach`, its images are edited whole.
        network: the agents'.
        scene: maps ``(B,K,H,W)``, ``image`` among them.
        tile: side of the tiles that larger images are edited in, in pixels; 0 for never.
        tell: is told how many pixels more are finished, each time some are.

    Returns:
        The finished image, ``(B,C,H,W)``.

    Raises:
        MapError: as `edit_scene` does.

    Example:
        >>> from pixelrl.rl.network import PolicyValueNet
        >>> from pixelrl_tasks.denoising import Denoising
        >>> net, scene = PolicyValueNet(1, 9, width=8), {"image": torch.rand(1, 1, 16, 300)}
        >>> tiled = finish_image(Denoising(), net, scene, tile=64)
        >>> whole = edit_scene(Denoising(), net, scene).image
        >>> bool(((tiled - whole).abs() < 1e-4).float().mean() > 0.99)
        True
    """
    image = scene["image"]
    height, width = image.shape[-2:]
    finished = torch.empty_like(image)

    def look(box: Box) -> Scene:
        return {name: value[box.window] for name, value in scene.items()}

    for block, found in finish_blocks(task, network, (height, width), look, tile=tile):
        finished[block.window] = found
        tell(block.pixels)
    return finished


def finish_blocks(
    task: Task, network: Network, size: tuple[int, int], look: Callable[[Box], Scene], *, tile: int
) -> Iterator[tuple[Box, Tensor]]:
    """Edit an image as `finish_image` does, without ever holding all of it.

    Args:
        task: the task.
        network: the agents'.
        size: height and width of the image, in pixels.
        look: gives maps ``(B,K,h,w)`` of a part of the image, ``image`` among them.
        tile: side of the tiles that larger images are edited in, in pixels; 0 for never.

    Yields:
        The parts of the image, row by row, and what became of each, ``(B,C,h,w)``. There is one if
        the image is not larger than a tile.

    Raises:
        MapError: as `edit_scene` does.

    Example:
        >>> from pixelrl.rl.network import PolicyValueNet
        >>> from pixelrl_tasks.denoising import Denoising
        >>> net, image = PolicyValueNet(1, 9, width=8), torch.rand(1, 1, 16, 300)
        >>> look = lambda box: {"image": image[box.window]}
        >>> for block, found in finish_blocks(Denoising(), net, (16, 300), look, tile=256):
        ...     print(tuple(block), tuple(found.shape))
        (0, 0, 16, 256) (1, 1, 16, 256)
        (0, 256, 16, 300) (1, 1, 16, 44)
    """
    height, width = size
    if not is_tiled(task, height, width, tile):
        whole = Box(0, 0, height, width)
        yield whole, edit_scene(task, network, look(whole)).image
        return
    for block, around in list_blocks(height, width, tile, task, network):
        scene = look(around)
        check_values(check_scene(scene, task.channels))
        yield block, finish_block(task, network, scene, block.seen_from(around))


def is_tiled(task: Task, height: int, width: int, tile: int) -> bool:
    """Tell whether an image of this size is edited tile by tile.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> is_tiled(Denoising(), 1024, 1025, tile=1024), is_tiled(Denoising(), 4000, 3000, tile=0)
        (True, False)
    """
    return bool(tile) and task.reach is not None and max(height, width) > tile


def episode_reach(task: Task, network: Network) -> int:
    """Tell how far, in pixels, a finished image's pixel depends on the image before the first step.

    Example:
        >>> from pixelrl.rl.network import PolicyValueNet
        >>> from pixelrl_tasks.denoising import Denoising
        >>> episode_reach(Denoising(), PolicyValueNet(1, 9, width=8))  # 5 x (18 + 2)
        100
    """
    return find_reaches(task, network).whole(task.length)
