"""Which samples make up which episode, and where a sample's randomness comes from."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import torch
from numpy.random import SeedSequence
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Sampler

from pixelrl.errors import ConfigError


class EpisodeSampler(Sampler[list[tuple[int, int]]]):
    """Tell which samples make up which episode, from the numbers alone.

    Each pass over the images has its own order. A rank gets its share of every episode.

    Args:
        images: how many there are.
        episodes: how many to learn from.
        batch: samples of an episode, over all ranks.
        seed: the run's seed.
        share: (rank, ranks).

    Raises:
        ConfigError: the batch cannot be shared among the ranks.
    """

    def __init__(
        self, images: int, episodes: int, batch: int, *, seed: int, share: tuple[int, int]
    ) -> None:
        self.images, self.episodes, self.batch, self.seed = images, episodes, batch, seed
        self.rank, self.ranks = share
        self.start = 0
        if batch % self.ranks:
            raise ConfigError(
                f"data.batch: expected a multiple of the {self.ranks} processes, got {batch}."
            )

    def __len__(self) -> int:
        return self.episodes

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        part = self.batch // self.ranks
        for episode in range(self.start, self.episodes):
            first = episode * self.batch + self.rank * part
            yield [(number, self._index(number)) for number in range(first, first + part)]

    def _index(self, number: int) -> int:
        lap, position = divmod(number, self.images)
        return _order(self.images, self.seed, lap)[position]


class EpisodeLoader(DataLoader[dict[str, Tensor]]):
    """Load episodes, and remember for a checkpoint how many were handed out."""

    batch_sampler: EpisodeSampler

    def __iter__(self) -> Any:  # noqa: ANN401 - DataLoader promises its private iterator type
        """Yield the episodes that are left."""
        self.handed_out = self.batch_sampler.start
        for scene in super().__iter__():
            self.handed_out += 1
            yield scene

    def state_dict(self) -> dict[str, int]:
        """Tell where to go on; Lightning stores it in every checkpoint."""
        return {"handed_out": getattr(self, "handed_out", self.batch_sampler.start)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on there."""
        self.batch_sampler.start = state["handed_out"]


def seed_sample(seed: int, number: int) -> tuple[Generator, int]:
    """Make a sample's one source of randomness, and a 32-bit seed drawn with it."""
    wide, narrow = SeedSequence((seed, number)).generate_state(2, "uint64").tolist()
    return Generator().manual_seed(wide >> 1), narrow & 0xFFFFFFFF


@lru_cache(maxsize=2)  # an episode may end one pass and begin another
def _order(images: int, seed: int, lap: int) -> tuple[int, ...]:
    """Shuffle the images for one pass over them."""
    rng, _ = seed_sample(seed, lap)
    return tuple(torch.randperm(images, generator=rng).tolist())
