"""What a policy should beat: nothing, one edit over and over, the best fixed sequence, chance."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from pixelrl.maps import Scene, exact
from pixelrl.runs.tables import Row, Table
from pixelrl.task import Task

Images = list[Tensor]
"""One image ``(B,C,H,W)`` per scene."""


class Finished(NamedTuple):
    """Hold finished images and the mean over scenes and pixels of the summed rewards."""

    images: Images
    reward: float


@torch.no_grad()
def roll_out_baselines(
    task: Task, scenes: Sequence[Scene], seed: int = 0
) -> Iterator[tuple[str, Images]]:
    """Finish images in ways that do not look at them.

    Numbers of repetitions and the sequence are chosen on these very scenes by the reward, which
    favors them over a policy that has seen none of them. They do the same at every pixel of every
    image. What the task itself wants to be compared with follows at the end.

    Args:
        task: the task.
        scenes: maps ``(B,K,H,W)``, with what the reward needs; none of them too large to keep.
        seed: of the random policy.

    Yields:
        A name, and one finished image per scene.
    """
    yield "no edit", [scene["image"] for scene in scenes]
    for edit in range(len(task.actions)):
        times, finished = _repeat_edit(task, scenes, edit)
        if times:
            yield f"{task.actions.names[edit]} x{times}", finished.images
    sequence, finished = find_best_sequence(task, scenes)
    yield f"best sequence ({name_sequence(task, sequence)})", finished.images
    yield "random policy", _random(task, scenes, seed)
    own = [task.baselines(scene) for scene in scenes]
    for name in own[0] if own else ():
        yield name, [each[name] for each in own]


def score_baselines(task: Task, scenes: Sequence[Scene], policy: Table, seed: int = 0) -> Table:
    """Score the baselines beside a policy.

    Args:
        task: the task.
        scenes: one image each, ``(1,K,H,W)``.
        policy: the policy's scores, a row per scene.
        seed: of the random policy.

    Returns:
        A row per baseline and image; the policy comes first.
    """
    names = [row["image"] for row in policy.rows]
    rows: list[Row] = []
    for title, images in roll_out_baselines(task, scenes, seed):
        rows += [
            {"baseline": title, "image": name, **_scored(task, image, scene)}
            for name, image, scene in zip(names, images, scenes, strict=True)
        ]
    compared = list(rows[0])[2:] if rows else []
    own = [
        {"baseline": "policy", "image": row["image"], **{name: row.get(name) for name in compared}}
        for row in policy.rows
    ]
    return Table(("baseline", "image"), [*own, *rows], policy.declared)


def _scored(task: Task, image: Tensor, scene: Scene) -> dict[str, float]:
    with torch.no_grad(), exact(image.device):
        return {name: float(score[0]) for name, score in task.scores(image, scene).items()}


def _repeat_edit(task: Task, scenes: Sequence[Scene], edit: int) -> tuple[int, Finished]:
    """Repeat an edit everywhere as often as is rewarded best, at most the episode's length."""
    now = best = _begun(scenes)
    times = 0
    for step in range(1, task.length + 1):
        now = _all_take(task, now, edit, scenes)
        if now.reward > best.reward:
            best, times = now, step
    return times, best


def name_sequence(task: Task, sequence: Sequence[int]) -> str:
    """Name the edits of a sequence in order, repeated ones with how often.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> name_sequence(Denoising(), [8, 6, 6, 6])
        'box, gaussian 1.5 x3'
    """
    runs = [(task.actions.names[edit], len(list(same))) for edit, same in groupby(sequence)]
    told = [name if times == 1 else f"{name} x{times}" for name, times in runs]
    return ", ".join(told) or "no edit"


@torch.no_grad()
def find_best_sequence(task: Task, scenes: Sequence[Scene]) -> tuple[list[int], Finished]:
    """Add to a sequence the edit of the highest reward, until none has any or the episode ends.

    Args:
        task: the task.
        scenes: maps ``(B,K,H,W)``, with what the reward needs.

    Returns:
        The edits' numbers, and what they make of the images.
    """
    best = _begun(scenes)
    sequence: list[int] = []
    while len(sequence) < task.length:
        found = _each_edit(task, best, scenes)
        edit = max(range(len(found)), key=lambda each: found[each].reward)
        if found[edit].reward <= best.reward:
            break
        best = found[edit]
        sequence.append(edit)
    return sequence, best


def _each_edit(task: Task, finished: Finished, scenes: Sequence[Scene]) -> list[Finished]:
    """Let every pixel of every image take the same edit, for each edit."""
    edits = range(len(task.actions))
    if type(task).step is not Task.step:
        return [_all_take(task, finished, edit, scenes) for edit in edits]
    images: list[Images] = [[] for _ in edits]
    rewards = [0.0 for _ in edits]
    for before, scene in zip(finished.images, scenes, strict=True):
        with exact(before.device):
            for edit, after in enumerate(task.candidates(before, scene).unbind(1)):
                images[edit].append(after)
                rewards[edit] += float(task.reward(before, after, scene).mean())
    return [Finished(images[edit], finished.reward + rewards[edit] / len(scenes)) for edit in edits]


def _random(task: Task, scenes: Sequence[Scene], seed: int) -> Images:
    """Let every pixel choose by chance at every step."""
    images = []
    for number, scene in enumerate(scenes):
        image = scene["image"]
        rng = Generator().manual_seed(seed + number)
        shape = (task.length, image.shape[0], *image.shape[-2:])
        with exact(image.device):
            for choice in torch.randint(len(task.actions), shape, generator=rng):
                image = task.step(image, choice.to(image.device), scene)
        images.append(image)
    return images


def _begun(scenes: Sequence[Scene]) -> Finished:
    return Finished([scene["image"] for scene in scenes], 0.0)


def _all_take(task: Task, finished: Finished, edit: int, scenes: Sequence[Scene]) -> Finished:
    """Let every pixel of every image take the same edit."""
    images, rewards = [], []
    for before, scene in zip(finished.images, scenes, strict=True):
        shape = (before.shape[0], *before.shape[-2:])
        choice = torch.full(shape, edit, dtype=torch.int64, device=before.device)
        with exact(before.device):
            after = task.step(before, choice, scene)
            rewards.append(float(task.reward(before, after, scene).mean()))
        images.append(after)
    return Finished(images, finished.reward + sum(rewards) / len(rewards))
