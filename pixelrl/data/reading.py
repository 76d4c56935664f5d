"""From folders to maps: files found and aligned by name, read once, and posed as problems."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Literal
from zlib import crc32

from numpy.typing import NDArray
from torch import Generator, Tensor

from pixelrl.data.kept import Kept
from pixelrl.data.partners import find_partner, group_stems
from pixelrl.data.sampling import seed_sample
from pixelrl.errors import DataError
from pixelrl.images.files import as_map
from pixelrl.images.folders import list_bundled, list_images
from pixelrl.images.limits import measure_image
from pixelrl.images.profiles import read_map
from pixelrl.maps import Scene, check_scene
from pixelrl.settings import Data, Profile
from pixelrl.task import Task

Split = Literal["train", "val", "test"]
Aligned = Mapping[str, Path]
"""The files of one sample by map name."""

KEPT = Kept()
"""What this process has decoded."""
LONGEST = 200
"""Bytes of the longest name of an image without suffix; what is made of it is called longer."""


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
    check_folders(task, folders, split)
    files = {name: list_images(Path(folder)) for name, folder in folders.items()}
    for path in files.get("image", ()):
        check_name(path)
    return _partners(files, folders)


def check_folders(
    task: Task, folders: Mapping[str, str], split: Split | Literal["predict"]
) -> None:
    """Check that every map a task needs has a folder.

    Raises:
        DataError: one has none.
    """
    needed = task.works_on if split == "predict" else task.learns_from
    for name in needed:
        if name not in folders:
            raise DataError(
                f"{type(task).__name__} {'works on' if split == 'predict' else 'learns from'}"
                f" {', '.join(needed)}; no folder is given for {name}"
                f" (data.{split}.{name}=DIR)."
            )


def check_splits(task: Task, data: Data) -> None:
    """Check that what is learned from files with maps of their own is scored on such files, too.

    What a task makes up for bundled images (an expert's look, say) is another problem: the best
    state would be chosen, and the verdict spoken, on what was never learned.

    Raises:
        DataError: a split has folders that pose the problem, another has none.
    """
    splits: tuple[Split, ...] = ("train", "val", "test")
    missing = [split for split in splits if not getattr(data, split)]
    given = [split for split in splits if split not in missing]
    pairs = len(task.learns_from) > 1 and given
    if not missing or not (pairs or is_posed(task, data, "train")):
        return
    needed = data.train or getattr(data, given[0])
    wanted = " ".join(f"data.{missing[0]}.{name}=DIR" for name in needed)
    raise DataError(
        f"data.{missing[0]}: no folders are given, and what {type(task).__name__} makes up for the"
        f" bundled images is another problem than your files pose. Pass {wanted}; some of your"
        " files, kept apart, will do."
    )


def is_posed(task: Task, data: Data, split: Split) -> bool:
    """Tell whether the folders pose the problem themselves, so that the task must not.

    They do if they bring a target that the task would have made from the image.
    """
    return "target" in getattr(data, split) and "target" not in task.learns_from


class Maps:
    """Read a sample's maps; what bundled images lack for a task, let the task invent.

    Args:
        task: tells which maps it needs, and invents them.
        profile: what becomes of the files' color profiles.
        seed: of what is invented; the same photograph gets the same maps in every process.
        cache_mb: the most megabytes of decoded files that the process keeps.
    """

    def __init__(
        self, task: Task, profile: Profile, seed: int, cache_mb: int = Data.cache_mb
    ) -> None:
        self.task, self.profile, self.seed, self.cache_mb = task, profile, seed, cache_mb
        self._own = object()  # no other's inventions are kept under it
        self._names: dict[Path, tuple[str, ...]] = {}

    def __call__(self, sample: Aligned) -> dict[str, NDArray[Any]]:
        """Read or invent ``(H,W,K)`` arrays by map name."""
        KEPT.most = self.cache_mb * 10**6  # here, where a loader's own process comes by too
        if set(sample) != {"image"} or set(self.task.learns_from) == {"image"}:
            return read_aligned(self.task, sample, self.profile)
        path = sample["image"]
        made: dict[str, NDArray[Any]] = {}
        if path not in self._names:
            made = self._invent(path)
            self._names[path] = tuple(made)

        def find(name: str) -> NDArray[Any]:
            if name not in made:  # it was pushed out; the same is invented again
                made.update(self._invent(path))
            return made[name]

        return {
            name: KEPT.get((self._own, path, name), partial(find, name))
            for name in self._names[path]
        }

    def _invent(self, path: Path) -> dict[str, NDArray[Any]]:
        rng, _ = seed_sample(self.seed, crc32(path.name.encode()))
        image = as_map(_read(path, "image", self.task.channels, self.profile))
        maps = self.task.invent(image, rng)
        return {name: value.movedim(0, -1).contiguous().numpy() for name, value in maps.items()}


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
    check_sizes(sample, {name: value.shape[:2] for name, value in maps.items()})
    return maps


def check_sizes(sample: Aligned, sizes: Mapping[str, tuple[int, ...]]) -> None:
    """Check that the maps of a sample have one size, ``(H,W)`` each.

    Raises:
        DataError: sizes differ.
    """
    height, width = sizes["image"]
    for name, size in sizes.items():
        if size != (height, width):
            raise DataError(
                f"{sample[name]}: the {name} is {size[1]}x{size[0]} pixels, its image"
                f" {sample['image']} is {width}x{height}; they must be equal."
            )


def crop_center(value: Tensor, side: int) -> Tensor:
    """Cut the center of a map ``(K,H,W)``, at most ``side`` pixels a side; 0 cuts nothing."""
    if not side:
        return value
    height, width = value.shape[-2:]
    top, left = max(height - side, 0) // 2, max(width - side, 0) // 2
    return value[..., top : top + side, left : left + side]


def check_name(path: Path) -> None:
    """Check that tables and files can be named after an image.

    Raises:
        DataError: its name is not UTF-8, or too long.
    """
    try:
        length = len(path.stem.encode())
    except UnicodeEncodeError as error:
        raise DataError(f"{str(path)!a}: its name is not UTF-8; rename the file.") from error
    if length > LONGEST:
        raise DataError(
            f"{path}: its name has {length} bytes, and results are called after it; rename it to"
            f" {LONGEST} or fewer."
        )


def measure_aligned(task: Task, sample: Aligned, profile: Profile) -> tuple[int, int]:
    """Tell a sample's height and width from the heads of its files, where these tell.

    Raises:
        DataError: a file is unreadable or too large, or sizes differ.
    """
    sizes = {measure_image(path) for path in sample.values()}
    found = sizes.pop() if len(sizes) == 1 else None
    if found is None:  # or one is turned by its camera
        height, width = read_aligned(task, sample, profile)["image"].shape[:2]
        return height, width
    return found[1], found[0]


def _read(path: Path, name: str, channels: int, profile: Profile) -> NDArray[Any]:
    key = (path, name, channels, profile)
    return KEPT.get(key, lambda: read_map(path, name, channels, profile))


def _bundled(task: Task, split: Split) -> Sequence[Path]:
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
    groups = {
        name: group_stems((PurePath(path.name), path) for path in paths)
        for name, paths in files.items()
    }
    for name, stems in groups.items():
        for other, partners in groups.items():
            if lonely := sorted(stems.keys() - partners.keys()):
                first = next(iter(stems[lonely[0]].values()))
                raise DataError(
                    f"{first}: no {other} of that name in {folders[other]}"
                    f" ({len(lonely)} of the {name} files have none)."
                )
    aligned: list[Aligned] = []
    for path in sorted(files["image"], key=lambda path: (path.stem, path.name)):
        others = {
            name: find_partner(PurePath(path.name), group, name, folders[name])
            for name, group in groups.items()
            if name != "image"
        }
        aligned.append({"image": path, **others})
    return aligned


def name_files(paths: Sequence[Path]) -> list[str]:
    """Name files by what tells them apart: without suffix, or with it where that is needed.

    Example:
        >>> name_files([Path("a.png"), Path("b.png"), Path("b.jpg")])
        ['a', 'b.png', 'b.jpg']
    """
    counts = Counter(path.stem for path in paths)
    return [path.stem if counts[path.stem] == 1 else path.name for path in paths]
