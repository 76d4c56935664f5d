"""What saliency editing is compared with: a fixed grade that is honest, and cheats that are not."""

from collections.abc import Callable

import torch
from kornia.filters import gaussian_blur2d
from torch import Generator, Tensor

from pixelrl import Edit, Scene, keep
from pixelrl.actions import saturation


def finish_by_hand(image: Tensor, mask: Tensor, sign: int) -> dict[str, Tensor]:
    """Edit an image in fixed ways, whatever it shows.

    Args:
        image: ``(B,3,H,W)``.
        mask: ``(B,1,H,W)`` in [0, 1], the region.
        sign: 1 to raise the region's saliency, -1 to lower it.

    Returns:
        The finished images by name. ``fixed grade`` is what a careful person would do to any
        photograph. Gray is a cheat where a photograph is colorful, and a grade where it is not; the
        budgets tell. The cheats move a model's saliency and nobody would want them.
    """
    ways = _RAISE if sign > 0 else _LOWER
    return {
        name: torch.lerp(outside(image), inside(image), mask).clamp(0, 1)
        for name, (inside, outside) in ways.items()
    }


def search_grade(
    candidates: Callable[[Tensor, Scene], Tensor],
    reward: Callable[[Tensor, Tensor, Scene], Tensor],
    scene: Scene,
    steps: int,
) -> Tensor:
    """Find for every single image the grade of the highest reward: at each step one edit per side.

    Greedy: at every step the edit of the rest is chosen first, then that of the region. It is
    chosen by the reward of the image itself, so it is what two agents could reach that know it.

    Args:
        candidates: a task's, from ``(B,C,H,W)`` to ``(B,A,C,H,W)``.
        reward: a task's.
        scene: ``image`` and ``mask``, ``(B,K,H,W)`` each.
        steps: how many edits each side may take.

    Returns:
        ``(B,C,H,W)``.
    """
    singles = [
        {name: value[[n]] for name, value in scene.items()} for n in range(len(scene["image"]))
    ]
    return torch.cat([_searched(candidates, reward, each, steps) for each in singles])


def _searched(
    candidates: Callable[[Tensor, Scene], Tensor],
    reward: Callable[[Tensor, Tensor, Scene], Tensor],
    scene: Scene,
    steps: int,
) -> Tensor:
    image = scene["image"]
    for _ in range(steps):
        before, options, best = image, candidates(image, scene)[0], 0.0
        many = {name: value.expand(len(options), -1, -1, -1) for name, value in scene.items()}
        for region in (1 - scene["mask"], scene["mask"]):
            tried = torch.lerp(image.expand_as(options), options, region)
            rewards = reward(before.expand_as(options), tried, many).mean((1, 2, 3))
            found = int(rewards.argmax())
            if float(rewards[found]) > best:
                best, image = float(rewards[found]), tried[[found]]
        if image is before:
            break
    return image


def stretch(factor: float) -> Edit:
    """Stretch contrast around each image's own mean, which keeps a dark photograph dark.

    Args:
        factor: below one lowers contrast, above one raises it.

    Returns:
        An edit from ``(B,C,H,W)`` to ``(B,C,H,W)``.
    """

    def edit(image: Tensor) -> Tensor:
        return torch.lerp(image.mean((1, 2, 3), keepdim=True).expand_as(image), image, factor)

    return edit


def _filled(*color: float) -> Edit:
    def edit(image: Tensor) -> Tensor:
        return image.new_tensor(color)[:, None, None].expand_as(image)

    return edit


def _noise(image: Tensor) -> Tensor:
    drawn = torch.rand(image.shape, generator=Generator().manual_seed(0))
    return drawn.to(image)


def _blurred(image: Tensor) -> Tensor:
    size = 2 * min(12, (min(image.shape[-2:]) - 1) // 2) + 1
    blur: Tensor = gaussian_blur2d(image, (size, size), (size / 6, size / 6), "reflect")
    return blur


def _both(first: Edit, second: Edit) -> Edit:
    return lambda image: second(first(image))


_RAISE: dict[str, tuple[Edit, Edit]] = {
    "fixed grade": (_both(saturation(1.2), stretch(1.2)), stretch(0.8)),
    "cheat: red region": (_filled(1, 0, 0), keep),
    "cheat: white region": (_filled(1, 1, 1), keep),
    "cheat: noisy region": (_noise, keep),
    "cheat: black rest": (keep, _filled(0, 0, 0)),
    "gray rest": (keep, saturation(0)),
    "cheat: blurred rest": (keep, _blurred),
}
"""By name, what is done to the region and what to the rest, to raise the region's saliency."""

_LOWER: dict[str, tuple[Edit, Edit]] = {
    "fixed grade": (_both(saturation(0.8), stretch(0.8)), keep),
    "cheat: black region": (_filled(0, 0, 0), keep),
    "cheat: flat region": (_filled(0.5, 0.5, 0.5), keep),
    "gray region": (saturation(0), keep),
    "cheat: blurred region": (_blurred, keep),
    "cheat: red rest": (keep, _filled(1, 0, 0)),
    "cheat: noisy rest": (keep, _noise),
}
"""The same, to lower it."""
