"""Measure what strengths and a choice per channel would add to agents that aim (ADR 24).

The goals are those of the agents in the box, on photographs that they never learned from; every
pixel takes what leads nearest to its goal, as untrained agents do.

python docs/measure_strengths.py color=DIR gray=DIR   # of CBSD68 and BSD68, say
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Generator, Tensor

import pixelrl
from pixelrl import Task
from pixelrl.actions import ActionSet, Edit, shift
from pixelrl.data.reading import crop_center
from pixelrl.images.files import read_image
from pixelrl.images.folders import list_images
from pixelrl.maps import Scene
from pixelrl.rl.aim import GoalPolicy
from pixelrl.rl.goal_environment import GoalEnvironment
from pixelrl.rl.rollout import choose_greedy, rollout
from pixelrl.scores import psnr
from pixelrl_tasks.denoising import Denoising
from pixelrl_tasks.inpainting import Inpainting
from pixelrl_tasks.published import shift_channels

EVERY, SIDE, STEPS = 9, 192, 15
SHOWN = (5, 8, 15)
ANY = torch.inf
"""Of `Way.levels`: any strength from 0 to 1."""


class Way(NamedTuple):
    """Say how a pixel may choose.

    Attributes:
        levels: strengths above 0 that an edit may have, evenly apart; 1 for none but its own.
        per_channel: whether each channel chooses for itself.
        shifts: further shifts of all channels alike, in gray levels, down and up.
        single: the same of one channel alone.
        filters: whether there is also every edit for one channel alone.
    """

    levels: float = 1
    per_channel: bool = False
    shifts: tuple[int, ...] = ()
    single: tuple[int, ...] = ()
    filters: bool = False


WAYS = {
    "as it is: one edit for the pixel": Way(),
    "two strengths of each edit (1/2, 1)": Way(2),
    "any strength in [0, 1]": Way(ANY),
    "a choice per channel": Way(per_channel=True),
    "a choice and any strength per channel": Way(ANY, per_channel=True),
    "every edit also for one channel": Way(filters=True),
    "shifts by 4 and 16, all channels": Way(shifts=(4, 16)),
    "shifts by 4, one channel": Way(single=(4,)),
    "shifts by 2 and 8, one channel": Way(single=(2, 8)),
}


def take_nearest(image: Tensor, candidates: Tensor, goal: Tensor, way: Way) -> Tensor:
    """Take at every pixel what leads nearest to the goal.

    The squared error towards the goal is a parabola of the strength, so its best value is the goal
    projected on the line from image to candidate, and the best of levels is the one next to that.

    Args:
        image: ``(B,C,H,W)``, as it stands.
        candidates: ``(B,A,C,H,W)``.
        goal: ``(B,C,H,W)``.
        way: how a pixel may choose.

    Returns:
        ``(B,C,H,W)``.
    """
    away, moved = (goal - image).unsqueeze(1), candidates - image.unsqueeze(1)
    along, length = away * moved, moved.square()
    if not way.per_channel:
        along, length = along.sum(2, keepdim=True), length.sum(2, keepdim=True)
    strength = torch.ones_like(along)
    if way.levels > 1:
        strength = (along / length.clamp(min=1e-12)).clamp(0, 1)
    if 1 < way.levels < ANY:
        strength = (strength * way.levels).round() / way.levels
    gain = strength * (2 * along - strength * length)
    choice = gain.argmax(1, keepdim=True)
    step = (strength * moved) if way.per_channel else strength.expand_as(moved) * moved
    return image + step.gather(1, choice.expand(-1, -1, image.shape[1], -1, -1)).squeeze(1)


def offer(task: Task, way: Way) -> Callable[[Tensor], Tensor]:
    """Say what there is to choose from: a function from an image to ``(B,A,C,H,W)``."""
    edits: dict[str, Edit] = dict(task.edits()) | shift_channels(way.single, task.channels)
    for size in way.shifts:
        edits |= {f"all -{size}": shift(-size / 255), f"all +{size}": shift(size / 255)}
    actions = ActionSet(edits)

    def candidates(image: Tensor) -> Tensor:
        found = actions.candidates(image)
        if not way.filters:
            return found
        single = image.unsqueeze(1).repeat(1, task.channels * len(actions), 1, 1, 1)
        for channel in range(task.channels):
            single[:, channel * len(actions) :][:, : len(actions), channel] = found[:, :, channel]
        return torch.cat([found, single], 1)

    return candidates


def follow(task: Task, image: Tensor, goal: Tensor, way: Way) -> Iterator[Tensor]:
    """Edit step by step; yields ``(B,C,H,W)`` after each."""
    candidates = offer(task, way)
    for _ in range(STEPS):
        image = take_nearest(image, candidates(image), goal, way)
        yield image


def measure(name: str, task: Task, scenes: list[Scene]) -> Mapping[str, list[float]]:
    """Score ways and agents, in mean PSNR after `SHOWN` steps, and milliseconds a step."""
    module = pixelrl.load(name, device="cpu").policy.module
    policy = module.policy
    assert isinstance(policy, GoalPolicy)
    rows: dict[str, list[list[float]]] = {}

    def note(row: str, images: list[Tensor], target: Tensor, began: float) -> None:
        found = [float(psnr(images[steps - 1].clamp(0, 1), target)) for steps in SHOWN]
        rows.setdefault(row, []).append([*found, 1000 * (time.thread_time() - began) / STEPS])

    for scene in scenes:
        image, target = scene["image"], scene["target"]
        goal = policy.aim(task.observe(image, scene), image)[:, : task.channels]
        note("the goal itself", [goal] * STEPS, target, time.thread_time())
        for row, way in WAYS.items():
            if task.channels > 1 or not (way.per_channel or way.filters):
                began = time.thread_time()
                note(row, list(follow(task, image, goal, way)), target, began)
        began = time.thread_time()
        steps = rollout(GoalEnvironment(module.task), policy, scene, choose_greedy)
        played = [step.after for step in steps]
        played += [played[-1]] * (STEPS - len(played))
        note("the agents in the box, trained", played, target, began)
    return {row: torch.tensor(each).mean(0).tolist() for row, each in rows.items()}


def pose(task: Task, folder: Path) -> list[Scene]:
    """Make problems of the middles of some photographs."""
    scenes = []
    for number, path in enumerate(list_images(folder)[::EVERY]):
        clean = crop_center(read_image(path, task.channels), SIDE)
        scene = task.problem({"image": clean}, Generator().manual_seed(number))
        scenes.append({name: value[None] for name, value in scene.items()})
    return scenes


@torch.no_grad()
def main(folders: Mapping[str, str]) -> None:
    """Print a table for each of the agents."""
    color = Denoising(channels=3, sigma=25, length=STEPS)
    gray = Inpainting(length=STEPS, fonts="bundled")
    for name, kind, task in (("denoising", "color", color), ("inpainting-gray", "gray", gray)):
        scenes = pose(task, Path(folders[kind]))
        print(f"\n{name}, {len(scenes)} photographs")
        print(f"| | {' | '.join(f'T={steps}' for steps in SHOWN)} | ms a step |")
        for row, (*found, spent) in measure(name, task, scenes).items():
            print(f"| {row} | {' | '.join(f'{each:.2f}' for each in found)} | {spent:.0f} |")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(dict(each.split("=", 1) for each in sys.argv[1:]))
