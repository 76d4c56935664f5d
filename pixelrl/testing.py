"""For the authors of tasks: one call that finds every broken promise of the contract."""

import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass

import torch
from torch import Generator, Tensor

from pixelrl.declaration import declare
from pixelrl.errors import ContractError, MapError
from pixelrl.maps import Scene, check_map, check_scene, map_channels
from pixelrl.oracle import Reward
from pixelrl.rl.rollout import replay
from pixelrl.saliency.checks import check_saliency
from pixelrl.task import Task

__all__ = ["check_saliency", "check_task"]


def check_task(task: Task, size: int = 24) -> None:
    """Check a task against the promises of its contract, on made-up maps.

    Args:
        task: the task.
        size: side of the maps, in pixels; the image is half as wide again.

    Raises:
        ContractError: one sentence that names the culprit and the cure.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> check_task(Denoising())  # keeps them all
        >>> check_task("blur")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        pixelrl.errors.ContractError: str is no frozen dataclass; put @dataclass(frozen=True)...
    """
    _check_value(task)
    maps = _made_up(task, size)
    scene = _check_problem(task, maps)
    batch = {name: torch.stack([value, value.flip(-1)]) for name, value in scene.items()}
    _guarded("problem", check_scene, batch, task.channels)
    _check_edits(task, batch)
    _check_observation(task, batch)
    _check_teacher(task, batch)
    _check_reward(task, batch)
    _check_scores(task, batch)
    choices = torch.zeros(task.length, *batch["image"].shape[:1], *batch["image"].shape[2:])
    for _ in replay(task, choices.long(), batch):
        pass


def _check_value(task: Task) -> None:
    name = type(task).__name__
    _promise(
        is_dataclass(task) and type(task).__dataclass_params__.frozen,  # type: ignore[attr-defined]
        f"{name} is no frozen dataclass; put @dataclass(frozen=True) above it.",
    )
    own = {item.name: getattr(task, item.name) for item in fields(task)}
    _promise(
        type(task)(**own) == task,
        f"{name} cannot be rebuilt from its fields; __post_init__ must not change them.",
    )
    try:
        copy = pickle.loads(pickle.dumps(task))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ContractError(f"{name} cannot be pickled ({error}); keep fields plain.") from error
    _promise(copy == task, f"{name} does not equal its pickled copy; keep fields plain.")


def _made_up(task: Task, size: int) -> Scene:
    rng = Generator().manual_seed(0)
    shape = (size, size + size // 2)
    return {
        name: torch.rand((map_channels(name, task.channels), *shape), generator=rng)
        for name in task.learns_from
    }


def _check_problem(task: Task, maps: Scene) -> Scene:
    before = {name: value.clone() for name, value in maps.items()}
    scenes = [dict(task.problem(maps, Generator().manual_seed(1))) for _ in range(2)]
    _promise(
        all(torch.equal(maps[name], before[name]) for name in maps),
        "problem writes into the maps it is given; make new ones.",
    )
    first, second = scenes
    _promise(
        first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first),
        "problem differs between two calls with equal generators; draw from the given one only.",
    )
    for name in task.works_on:
        _promise(name in first, f"problem returns no '{name}', which the task works on.")
    return first


def _check_edits(task: Task, batch: Scene) -> None:
    image = batch["image"]
    for name, edit in task.actions.items():
        given = image.clone()
        after, again = edit(given), edit(image.clone())
        _promise(
            torch.equal(given, image),
            f"edit '{name}' writes into its image; make a new one.",
        )
        _promise(
            isinstance(after, Tensor) and after.shape == image.shape,
            f"edit '{name}' changes the shape from {tuple(image.shape)} to"
            f" {tuple(getattr(after, 'shape', ()))}; it must keep it.",
        )
        _promise(
            after.dtype == image.dtype,
            f"edit '{name}' changes the type from {image.dtype} to {after.dtype}; keep it.",
        )
        _promise(bool(after.isfinite().all()), f"edit '{name}' makes NaN or infinity.")
        _promise(torch.equal(after, again), f"edit '{name}' differs between two equal calls.")


def _check_observation(task: Task, batch: Scene) -> None:
    size = dict(zip("BHW", (*batch["image"].shape[:1], *batch["image"].shape[2:]), strict=True))
    seen = task.observe(batch["image"], batch)
    channels = task.observation_channels
    _promise(
        seen.ndim == 4 and seen.shape[1] == channels,
        f"observe returns {tuple(seen.shape)}, observation_channels is {channels};"
        " make them agree.",
    )
    _guarded("observe", check_map, "observation", seen, "B K H W", **size)


def _check_teacher(task: Task, batch: Scene) -> None:
    if type(task).demonstrate is Task.demonstrate:
        return
    wanted, image = task.demonstrate(batch["image"], batch), batch["image"]
    _promise(
        wanted.dtype == torch.int64 and wanted.shape == (image.shape[0], *image.shape[2:]),
        f"demonstrate returns {tuple(wanted.shape)} of {wanted.dtype}; expected choices (B,H,W) of"
        " int64.",
    )
    _promise(
        0 <= int(wanted.min()) <= int(wanted.max()) < len(task.actions),
        f"demonstrate chooses edits that there are not; there are {len(task.actions)}, from 0 on.",
    )


def _check_reward(task: Task, batch: Scene) -> None:
    _check_map_of("reward", task.reward, task, batch)
    if task.local_reward:
        _check_local(
            "reward", task.reward, task, batch, "the task promises local_reward; set it to False"
        )
    if type(task).aim_reward is not Task.aim_reward:
        _check_map_of("aim_reward", task.aim_reward, task, batch)
        _check_local(
            "aim_reward", task.aim_reward, task, batch, "agents that aim price single edits by it"
        )


def _check_map_of(name: str, reward: Reward, task: Task, batch: Scene) -> None:
    image = batch["image"]
    size = dict(zip("BHW", (*image.shape[:1], *image.shape[2:]), strict=True))
    for edit, function in task.actions.items():
        paid = reward(image, function(image), batch)
        _guarded(name, check_map, name, paid, "B 1 H W", **size)
        _promise(bool(paid.isfinite().all()), f"{name} of edit '{edit}' is NaN or infinite.")


def _check_local(name: str, reward: Reward, task: Task, batch: Scene, promised: str) -> None:
    image = batch["image"]
    first, *_, last = (edit(image) for edit in task.actions.values())
    half = torch.arange(image.shape[-1]) < image.shape[-1] // 2
    mixed = torch.where(half, first, last)
    alone = reward(image, first, batch)[..., half]
    _promise(
        torch.allclose(reward(image, mixed, batch)[..., half], alone, atol=1e-5),
        f"{name} at a pixel depends on other pixels' edits, although {promised}.",
    )


def _check_scores(task: Task, batch: Scene) -> None:
    count = batch["image"].shape[0]
    answered = task.scores(batch["image"], batch)
    for name, value in answered.items():
        _promise(
            tuple(value.shape) == (count,),
            f"score '{name}' has shape {tuple(value.shape)}; expected one number per image,"
            f" ({count},).",
        )
    declare(task.declared_scores)  # raises for what is no declaration
    for score in task.declared_scores:
        _promise(
            score.name in answered,
            f"declared_scores names '{score.name}', but scores answers"
            f" {', '.join(answered) or 'nothing'}; declare what it answers.",
        )


def _promise(kept: bool, sentence: str) -> None:  # noqa: FBT001
    if not kept:
        raise ContractError(sentence)


def _guarded(where: str, check: Callable[..., object], *args: object, **sizes: object) -> None:
    try:
        check(*args, **sizes)
    except MapError as error:
        raise ContractError(f"{where} breaks its promise: {error}") from error
