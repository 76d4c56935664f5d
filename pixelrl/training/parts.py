"""A batch learned from in parts, one after the other: the same gradient in less memory."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from numpy.random import SeedSequence
from torch import Generator, Tensor

from pixelrl.errors import ConfigError
from pixelrl.maps import Scene
from pixelrl.rl.rollout import Environment, Transition


class Part(NamedTuple):
    """Hold one part's episode, under way.

    Attributes:
        scene: the part's maps, ``(B,K,H,W)``.
        environment: where it is played.
        windows: its windows of transitions, each rolled out when it is asked for.
    """

    scene: Scene
    environment: Environment
    windows: Iterator[list[Transition]]


def rng_of(seed: int, episode: int, device: torch.device) -> Generator:
    """Make the generator from which all of an episode's choices are drawn, on a device.

    Example:
        >>> first, again = (rng_of(0, 7, torch.device("cpu")) for _ in range(2))
        >>> torch.equal(torch.rand(3, generator=first), torch.rand(3, generator=again))
        True
    """
    chosen = SeedSequence((seed, episode)).generate_state(1, "uint64").item()
    return Generator(device).manual_seed(chosen >> 1)


def split_scene(scene: Scene, parts: int) -> list[Scene]:
    """Split a batch's maps ``(B,K,H,W)`` into equal parts, in order.

    Raises:
        ConfigError: the batch is no multiple of the parts.

    Example:
        >>> halves = split_scene({"image": torch.arange(4.0)[:, None, None, None]}, parts=2)
        >>> [half["image"].flatten().tolist() for half in halves]
        [[0.0, 1.0], [2.0, 3.0]]
    """
    if parts == 1:
        return [scene]
    batch = max(len(value) for value in scene.values())
    if batch % parts:
        raise ConfigError(
            f"run.accumulate: {batch} crops a process are no multiple of {parts}; change it or"
            " data.batch."
        )
    chunks = {name: value.chunk(parts) for name, value in scene.items()}
    return [{name: chunk[part] for name, chunk in chunks.items()} for part in range(parts)]


def mean_parts(found: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Average what was found on each part of a batch, scalars by name, to that of the batch.

    Example:
        >>> mean_parts([{"reward": torch.tensor(1.0)}, {"reward": torch.tensor(2.0)}])
        {'reward': tensor(1.5000)}
    """
    return {name: torch.stack([part[name] for part in found]).mean() for name in found[0]}
