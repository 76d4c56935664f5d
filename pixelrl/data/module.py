"""From files to scenes: aligned folders, crops for learning, whole images for the rest."""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import lightning.pytorch as pl
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset

from pixelrl.data.augment import Augment, make_augmentation
from pixelrl.data.sampling import EpisodeLoader, EpisodeSampler, seed_sample
from pixelrl.errors import DataError
from pixelrl.images.files import as_map
from pixelrl.images.folders import list_bundled, list_images
from pixelrl.images.profiles import find_profile, read_map
from pixelrl.maps import Scene, check_scene
from pixelrl.settings import Data, Profile
from pixelrl.task import Task

Split = Literal["train", "val", "test", "predict"]
Aligned = Mapping[str, Path]
"""The files of one sample by map name."""

KEPT = 512
"""So many decoded files are kept in memory per process."""


def align_files(task: Task, data: Data, split: Split) -> list[Aligned]:
    """Find the files of a split, aligned by file name.

    Args:
        task: tells which maps it needs.
        data: tells where they are; without folders, the bundled images are used.
        split: which part.

    Returns:
        One mapping from map name to file per sample, sorted by name.

    Raises:
        DataError: a folder is missing or empty, or a file has no partner.
    """
    folders: Mapping[str, str] = getattr(data, split)
    if not folders:
        return [{"image": path} for path in _bundled(task, split)]
    needed = task.works_on if split == "predict" else task.learns_from
    for name in needed:
        if name not in folders:
            raise DataError(
                f"{type(task).__name__} {'works on' if split == 'predict' else 'learns from'}"
                f" {', '.join(needed)}; no folder is given for {name}"
                f" (data.{split}.{name}=DIR)."
            )
    files = {name: list_images(Path(folder)) for name, folder in folders.items()}
    return _partners(files, folders)


def is_posed(task: Task, data: Data, split: Split) -> bool:
    """Tell whether the folders pose the problem themselves, so that the task must not.

    They do if they bring a target that the task would have made from the image.
    """
    return "target" in getattr(data, split) and "target" not in task.learns_from


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
        self.maps = Maps(task, data.profile, seed)
        self.augment: Augment = make_augmentation(data, tuple(self.maps(self.files[0])))
        for sample in self.files[:KEPT]:
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
        height, width = maps["image"].shape[:2]
        if min(height, width) < self.data.crop:
            raise DataError(
                f"{sample['image']}: {width}x{height} pixels are fewer than a crop of"
                f" {self.data.crop}; remove it or lower data.crop."
            )
        return maps


class Whole(Dataset[dict[str, Tensor]]):
    """Read whole images, or their center, and pose the task's problem unless that is done.

    The problem of the n-th image is the same every time and on every machine.

    Args:
        task: poses the problem.
        data: tells where the images are.
        split: ``val``, ``test`` or ``predict``; the last poses no problem.
        seed: the seed of the problems.

    Raises:
        DataError: a folder is missing or empty, or a file has no partner.
    """

    def __init__(self, task: Task, data: Data, split: Split, seed: int) -> None:
        self.task, self.data, self.seed = task, data, seed
        self.maps = Maps(task, data.profile, seed)
        files = align_files(task, data, split)
        files = files[: data.limit] if data.limit else files
        self.count = len(files)
        self.files = files * data.val_repeat if split == "val" else files
        self.crop = data.val_crop if split == "val" else 0
        self.posed = split == "predict" or is_posed(task, data, split)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng, _ = seed_sample(self.seed, index)
        maps = self.maps(self.files[index])
        tensors = {name: crop_center(as_map(value), self.crop) for name, value in maps.items()}
        return pose(self.task, tensors, None if self.posed else rng)

    @property
    def names(self) -> list[str]:
        """The images' file names without suffix, in order; numbered when used again."""
        count = self.count
        return [
            f"{sample['image'].stem}{f'-{index // count + 1}' if index >= count else ''}"
            for index, sample in enumerate(self.files)
        ]

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
    """Hand the four splits to the trainer.

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
        """Find and read what learning will need, before anything is begun.

        Raises:
            DataError: files are missing, unreadable or do not fit together.
        """
        self.crops[0, 0]
        for split in ("val", "test"):
            Whole(self.task, self.data, split, self.seed)[0]

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
        return EpisodeLoader(self.crops, batch_sampler=sampler, num_workers=self.data.workers)

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Load images to validate on, one at a time, maps of ``(1,K,H,W)``.

        Raises:
            DataError: a folder is missing or empty, or a file has no partner.
        """
        return Whole(self.task, self.data, "val", self.seed).loader()


class Maps:
    """Read a sample's maps; what bundled images lack for a task, let the task invent.

    Args:
        task: tells which maps it needs, and invents them.
        profile: what becomes of the files' color profiles.
        seed: of what is invented; the same photograph gets the same maps in every process.
    """

    def __init__(self, task: Task, profile: Profile, seed: int) -> None:
        self.task, self.profile, self.seed = task, profile, seed
        self._invented: dict[Path, dict[str, NDArray[Any]]] = {}

    def __call__(self, sample: Aligned) -> dict[str, NDArray[Any]]:
        """Read or invent ``(H,W,K)`` arrays by map name."""
        if set(sample) != {"image"} or set(self.task.learns_from) == {"image"}:
            return read_aligned(self.task, sample, self.profile)
        path = sample["image"]
        if path not in self._invented:
            rng, _ = seed_sample(self.seed, crc32(path.name.encode()))
            image = as_map(_read(path, "image", self.task.channels, self.profile))
            maps = self.task.invent(image, rng)
            self._invented[path] = {
                name: value.movedim(0, -1).contiguous().numpy() for name, value in maps.items()
            }
        return dict(self._invented[path])


def pose(task: Task, maps: Scene, rng: Generator | None) -> dict[str, Tensor]:
    """Turn maps ``(K,H,W)`` into a scene; with a generator, the task poses its problem.

    Raises:
        MapError: the scene's maps are not aligned.
    """
    scene = dict(task.problem(maps, rng) if rng is not None else maps)
    check_scene({name: value.unsqueeze(0) for name, value in scene.items()}, task.channels)
    return scene


def read_aligned(task: Task, sample: Aligned, profile: Profile) -> dict[str, NDArray[Any]]:
    """Read one sample's files, ``(H,W,K)`` each, and check that they have one size.

    Raises:
        DataError: a file is unreadable, or sizes differ.
    """
    maps = {name: _read(path, name, task.channels, profile) for name, path in sample.items()}
    height, width = maps["image"].shape[:2]
    for name, value in maps.items():
        if value.shape[:2] != (height, width):
            raise DataError(
                f"{sample[name]}: the {name} is {value.shape[1]}x{value.shape[0]} pixels, its image"
                f" {sample['image']} is {width}x{height}; they must be equal."
            )
    return maps


def crop_center(value: Tensor, side: int) -> Tensor:
    """Cut the center of a map ``(K,H,W)``, at most ``side`` pixels a side; 0 cuts nothing."""
    if not side:
        return value
    height, width = value.shape[-2:]
    top, left = max(height - side, 0) // 2, max(width - side, 0) // 2
    return value[..., top : top + side, left : left + side]


@lru_cache(maxsize=KEPT)
def _read(path: Path, name: str, channels: int, profile: Profile) -> NDArray[Any]:
    array = read_map(path, name, channels, profile)
    array.setflags(write=False)
    return array


def _bundled(task: Task, split: Split) -> Sequence[Path]:
    if split == "predict":
        raise DataError("no images to edit are named; pass data.predict.image=DIR (or one file).")
    if set(task.learns_from) != {"image"} and type(task).invent is Task.invent:
        raise DataError(
            f"{type(task).__name__} learns from {', '.join(task.learns_from)}; bundled images"
            f" have no further maps. Pass data.{split}.image=DIR and the others."
        )
    return list_bundled(split)


def _partners(files: Mapping[str, Sequence[Path]], folders: Mapping[str, str]) -> list[Aligned]:
    """Align files by name without suffix; a single file per map needs no common name."""
    if all(len(paths) == 1 and Path(folders[name]).is_file() for name, paths in files.items()):
        return [{name: paths[0] for name, paths in files.items()}]
    by_stem = {name: {path.stem: path for path in paths} for name, paths in files.items()}
    for name, stems in by_stem.items():
        for other, partners in by_stem.items():
            if lonely := sorted(stems.keys() - partners.keys()):
                raise DataError(
                    f"{stems[lonely[0]]}: no {other} of that name in {folders[other]}"
                    f" ({len(lonely)} of the {name} files have none)."
                )
    return [
        {name: stems[stem] for name, stems in by_stem.items()} for stem in sorted(by_stem["image"])
    ]
