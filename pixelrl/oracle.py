"""What an action set could do at best: rewards per edit, and the greedy ceiling of them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pixelrl.color import convert_once
from pixelrl.errors import ConfigError
from pixelrl.maps import Scene
from pixelrl.task import Task

Reward = Callable[[Tensor, Tensor, Scene], Tensor]
"""Before, after and scene to the reward map, see `Task.reward`."""


def rewards_per_edit(task: Task, image: Tensor, scene: Scene) -> Tensor:
    """Compute the reward map of each edit, were it taken now.

    Args:
        task: a task whose reward is local.
        image: ``(B,C,H,W)``, as it stands.
        scene: the episode's maps.

    Returns:
        ``(B,A,H,W)``, without gradient.

    Raises:
        ConfigError: the task's reward is not local, so that edits have no reward of their own.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> image, target = torch.full((1, 1, 8, 8), 0.5), torch.ones(1, 1, 8, 8)
        >>> rewards = rewards_per_edit(Denoising(), image, {"target": target})
        >>> rewards.shape, rewards[0, :3, 0, 0]  # -1, keep, +1
        (torch.Size([1, 9, 8, 8]), tensor([-1.0039,  0.0000,  0.9961]))
    """
    if not task.local_reward:
        raise ConfigError(
            f"{type(task).__name__} does not promise local_reward: a pixel's reward may depend on"
            " other pixels' edits, so no edit has a reward of its own."
        )
    return _price_edits(task, task.reward, image, scene)


@torch.no_grad()
def _price_edits(task: Task, reward: Reward, image: Tensor, scene: Scene) -> Tensor:
    return price_candidates(reward, image, task.candidates(image, scene), scene)


def can_aim(task: Task) -> bool:
    """Tell whether a task knows a local reward that agents can aim by.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> from pixelrl_tasks.structure import StructuralDenoising
        >>> can_aim(Denoising()), can_aim(StructuralDenoising()), StructuralDenoising.local_reward
        (True, True, False)
    """
    return task.local_reward or type(task).aim_reward is not Task.aim_reward


def price_candidates(reward: Reward, image: Tensor, candidates: Tensor, scene: Scene) -> Tensor:
    """Compute the reward map that each candidate would earn.

    Args:
        reward: a local one, `Task.reward` or `Task.aim_reward`.
        image: ``(B,C,H,W)``, as it stands.
        candidates: ``(B,A,C,H,W)``, what each edit would make of it.
        scene: the maps that the reward needs.

    Returns:
        ``(B,A,H,W)``.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> task, image = Denoising(), torch.full((1, 1, 8, 8), 0.5)
        >>> scene = {"image": image, "target": image + 1 / 255}
        >>> rewards = price_candidates(task.reward, image, task.candidates(image, scene), scene)
        >>> task.actions.names[int(rewards[0, :, 4, 4].argmax())]
        '+1'
    """
    with convert_once(image, *scene.values()):
        return torch.cat([reward(image, outcome, scene) for outcome in candidates.unbind(1)], 1)


def measure_reward_spread(
    task: Task, scene: Scene, gather: Callable[[Tensor], Any] | None = None
) -> Tensor:
    """Measure how far rewards of different edits lie apart, in the task's own unit.

    Args:
        task: a task that knows a local reward, see `can_aim`.
        scene: maps ``(B,K,H,W)``.
        gather: joins the pixels of all processes that share a batch, if several do.

    Returns:
        ``()``: the standard deviation over edits, the median over pixels; the mean over pixels
        where edits make no difference for most of them.

    Raises:
        ConfigError: it knows none.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> image = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> scene = {"image": image, "target": torch.zeros_like(image)}
        >>> float(measure_reward_spread(Denoising(), scene)) > 0
        True
    """
    if not can_aim(task):
        raise ConfigError(f"{type(task).__name__} has no local reward, so its edits have no price.")
    apart = _price_edits(task, task.aim_reward, scene["image"], scene).std(1)
    if gather is not None:
        apart = torch.as_tensor(gather(apart))
    middle = apart.median()
    return torch.where(middle > 0, middle, apart.mean())


def greedy(task: Task, scene: Scene) -> tuple[Tensor, Tensor]:
    """Let each pixel take the edit with the best true reward at every step.

    The ceiling of an action set for an agent that looks one step ahead; when a policy scores well
    below it, the policy is the limit and not its edits.

    Args:
        task: a task whose reward is local.
        scene: maps ``(B,K,H,W)``, with what the reward needs.

    Returns:
        The image after each step ``(T,B,C,H,W)`` and the choices ``(T,B,H,W)``.

    Raises:
        ConfigError: the task's reward is not local.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> scene = {"image": torch.zeros(1, 1, 8, 8), "target": torch.ones(1, 1, 8, 8)}
        >>> images, choices = greedy(Denoising(length=3), scene)
        >>> images.shape, choices.unique(), 255 * images[:, 0, 0, 0, 0]  # "+1" at every step
        (torch.Size([3, 1, 1, 8, 8]), tensor([2]), tensor([1.0000, 2.0000, 3.0000]))
    """
    image = scene["image"]
    images, choices = [], []
    for _ in range(task.length):
        choice = rewards_per_edit(task, image, scene).max(1).indices
        image = task.step(image, choice, scene)
        images.append(image)
        choices.append(choice)
    return torch.stack(images), torch.stack(choices)
