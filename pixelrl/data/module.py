"""From files to scenes: crops for learning, whole images for the rest."""

from functools import cached_property
from typing import Any

import lightning.pytorch as pl
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pixelrl.data.augment import Augment, make_augmentation
from pixelrl.data.reading import (
    KEPT,
    Aligned,
    Maps,
    Split,
    align_files,
    check_splits,
    crop_center,
    is_posed,
    measure_aligned,
    name_files,
    pose,
)
from pixelrl.data.sampling import EpisodeLoader, EpisodeSampler, seed_sample
from pixelrl.errors import DataError
from pixelrl.images.files import as_map
from pixelrl.images.profiles import find_profile
from pixelrl.settings import Data
from pixelrl.task import Task


class Crops(Dataset[dict[str, Tensor]]):
    """Cut, mirror and rotate crops and pose the task's problem, for learning.

    A sample is asked for by ``(number, index)``: the number in the run seeds all its randomness,
    the index tells which image it is cut from. So a sample is the same in whichever process and
    after whichever interruption it is made.

    Args:
        task: poses the problem.
        data: tells where the images are and how they are cut.
        seed: the run's seed.

    Raises:
        DataError: an image is unreadable or smaller than a crop.
    """

    def __init__(self, task: Task, data: Data, seed: int) -> None:
        self.task, self.data, self.seed = task, data, seed
        self.files = align_files(task, data, "train")
        self.posed = is_posed(task, data, "train")
        self.maps = Maps(task, data.profile, seed, data.cache_mb)
        self.augment: Augment = make_augmentation(data, tuple(self.maps(self.files[0])))
        for sample in self.files:
            if KEPT.full:
                self.check_size(sample, measure_aligned(task, sample, data.profile))
            else:
                self.read(sample)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Tensor]:
        number, index = key
        rng, seed = seed_sample(self.seed, number)
        maps = self.augment(self.read(self.files[index]), seed)
        tensors = {name: as_map(value) for name, value in maps.items()}
        return pose(self.task, tensors, None if self.posed else rng)

    def read(self, sample: Aligned) -> dict[str, NDArray[Any]]:
        """Read one sample's files whole, ``(H,W,K)`` each.

        Raises:
            DataError: a file is unreadable, sizes differ, or the image is smaller than a crop.
        """
        maps = self.maps(sample)
        self.check_size(sample, maps["image"].shape[:2])
        return maps

    def check_size(self, sample: Aligned, size: tuple[int, ...]) -> None:
        """Check that an image, ``(H, W)``, is not smaller than a crop.

        Raises:
            DataError: it is.
        """
        height, width = size
        if min(height, width) < self.data.crop:
            raise DataError(
                f"{sample['image']}: {width}x{height} pixels are fewer than a crop of"
                f" {self.data.crop}; remove it or lower data.crop."
            )


class Whole(Dataset[dict[str, Tensor]]):
    """Read whole images, or their center, and pose the task's problem unless that is done.

    The problem of the n-th image is the same every time and on every machine.

    Args:
        task: poses the problem.
        data: tells where the images are.
        split: ``val`` or ``test``.
        seed: the seed of the problems.

    Raises:
        DataError: a folder is missing or empty, or a file has no partner.
    """

    def __init__(self, task: Task, data: Data, split: Split, seed: int) -> None:
        self.task, self.data, self.seed = task, data, seed
        self.maps = Maps(task, data.profile, seed, data.cache_mb)
        files = align_files(task, data, split)
        files = files[: data.limit] if data.limit else files
        self.count = len(files)
        self.files = files * data.val_repeat if split == "val" else files
        self.crop = data.val_crop if split == "val" else 0
        self.posed = is_posed(task, data, split)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng, _ = seed_sample(self.seed, index)
        maps = self.maps(self.files[index])
        tensors = {name: crop_center(as_map(value), self.crop) for name, value in maps.items()}
        return pose(self.task, tensors, None if self.posed else rng)

    @property
    def names(self) -> list[str]:
        """What `name_files` calls the images, in order; numbered when used again."""
        count = self.count
        names = name_files([sample["image"] for sample in self.files[:count]])
        return [
            f"{names[index % count]}{f'-{index // count + 1}' if index >= count else ''}"
            for index in range(len(self.files))
        ]

    def check(self) -> None:
        """Read every file, so that scoring does not stop at one.

        Raises:
            DataError: one is unreadable, or does not fit.
        """
        self[0]
        for index in range(self.count):
            self.maps(self.files[index])
            self.profile(index)

    def profile(self, index: int) -> bytes:
        """Find the ICC profile that an edit of an image has to carry; empty for none.

        Raises:
            ConfigError: a conversion is wanted and imagecodecs is not installed.
            DataError: the image cannot be read.
        """
        return find_profile(self.files[index]["image"], self.data.profile, self.task.channels)

    def loader(self) -> DataLoader[dict[str, Tensor]]:
        """Load the images one at a time, in order, maps of ``(1,K,H,W)``."""
        return DataLoader(self, batch_size=1)


class ImageData(pl.LightningDataModule):
    """Hand the splits to the trainer.

    Args:
        task: what to learn.
        data: where the images are.
        episodes: how many to learn from.
        seed: the run's seed.
    """

    def __init__(self, task: Task, data: Data, *, episodes: int = 0, seed: int = 0) -> None:
        super().__init__()
        self.task, self.data, self.episodes, self.seed = task, data, episodes, seed

    @cached_property
    def crops(self) -> Crops:
        """The crops to learn from."""
        return Crops(self.task, self.data, self.seed)

    def check(self) -> None:
        """Find and read all that learning and scoring will need, before anything is begun.

        Raises:
            DataError: files are missing, unreadable or do not fit together.
        """
        self.crops[0, 0]
        check_splits(self.task, self.data)
        splits: tuple[Split, ...] = ("val", "test")
        for split in splits:
            Whole(self.task, self.data, split, self.seed).check()

    def train_dataloader(self) -> EpisodeLoader:
        """Load crops, an episode at a time.

        Raises:
            ConfigError: the batch cannot be shared among the devices.
            DataError: files are missing, unreadable or do not fit together.
        """
        trainer = self.trainer
        share = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        sampler = EpisodeSampler(
            len(self.crops), self.episodes, self.data.batch, seed=self.seed, share=share
        )
        return EpisodeLoader(
            self.crops,
            batch_sampler=sampler,
            num_workers=self.data.workers,
            pin_memory=bool(trainer and trainer.strategy.root_device.type == "cuda"),
        )

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Load images to validate on, one at a time, maps of ``(1,K,H,W)``.

        Raises:
            DataError: a folder is missing or empty, or a file has no partner.
        """
        return Whole(self.task, self.data, "val", self.seed).loader()
