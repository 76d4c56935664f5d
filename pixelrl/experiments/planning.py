"""What to edit and where to leave it, known before the first edit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from pixelrl.data.partners import find_partner, group_stems
from pixelrl.data.reading import check_folders
from pixelrl.errors import ConfigError, DataError
from pixelrl.files import check_targets, make_folder
from pixelrl.images.formats import BY_SUFFIX, suffix_for
from pixelrl.images.gathering import Gathered, Picture, gather_pictures
from pixelrl.images.targets import Target, name_targets
from pixelrl.records.write import BESIDE, CHOICES
from pixelrl.task import Task

Failure = tuple[Path, str]
"""A picture that could not be edited, and why."""


@dataclass(frozen=True)
class Wish:
    """Say what editing pictures is to leave.

    Attributes:
        beside: the kinds of files beside each picture, those of `BESIDE` that are wanted.
        format: the format of the edited pictures, one of `formats.CHOICES`; None for their own.
        again: whether pictures that were edited before are edited again.
        limit: edit only the first so many pictures; 0 for all.
        share: (rank, ranks): edit the rank-th of every so many pictures, and leave the others to
            the other ranks.
        lean: whether records hold choices alone, which is what `replay` needs.
    """

    beside: Sequence[str] = ()
    format: str | None = None
    again: bool = False
    limit: int = 0
    share: tuple[int, int] = (0, 1)
    lean: bool = False


@dataclass(frozen=True)
class Job:
    """Name the files of one edit.

    Attributes:
        maps: what is read, by the map's name, ``image`` among them.
        target: the edited picture.
        beside: further files by their kind.
        lean: whether the record, if there is one, holds choices alone.
    """

    maps: Mapping[str, Path]
    target: Path
    beside: Mapping[str, Path]
    lean: bool = False


@dataclass(frozen=True)
class Plan:
    """Hold what is to be done, and what is not.

    Attributes:
        jobs: to be done, in order.
        gathered: the pictures and whatever lay beside them.
        out: where edited pictures go: a folder, or the file of a single one.
        there: pictures that are not edited since their edits exist.
        failed: pictures that cannot be edited.
        beyond: how many pictures `Wish.limit` leaves out.
        others: how many pictures are other ranks'.
    """

    jobs: list[Job]
    gathered: Gathered
    out: Path
    there: list[Path] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    beyond: int = 0
    others: int = 0


def plan_edits(
    task: Task, photos: Sequence[Path], maps: Mapping[str, str], out: Path, wish: Wish
) -> Plan:
    """Find what to edit and name what will be written; nothing is written yet, but the folder made.

    Args:
        task: tells which maps it works on.
        photos: files and folders.
        maps: folders (or a file each) of further maps, by name.
        out: a folder; or the file to write, if its suffix is an image's and there is one picture.
        wish: what is wanted.

    Raises:
        ConfigError: the file to write is of another format than is wished for.
        DataError: a place is missing or empty, what would be written is what is read, or the folder
            cannot be made.
    """
    check_folders(task, {**maps, **({"image": ""} if photos else {})}, "predict")
    single = len(photos) == 1 and photos[0].is_file() and _is_file(out)
    folder = out.parent if single else out
    found = gather_pictures(photos, leave_out=out)
    pictures = found.pictures
    if single:
        targets = [_name_single(out, wish)]
    else:
        targets = name_targets([picture.name for picture in pictures], wish.beside, wish.format)
    partners = _Partners(maps, alone=len(pictures) == 1)
    written = [folder / file for target in targets for file in target.files]
    check_targets(written, [picture.path for picture in pictures] + partners.files)
    make_folder(folder)
    plan = Plan([], found, out, beyond=len(pictures[wish.limit :]) if wish.limit else 0)
    chosen = list(zip(pictures, targets, strict=True))[: wish.limit or None]
    # Not by what is still to be done, which changes while other ranks are at work.
    rank, ranks = wish.share
    own = chosen[rank::ranks]
    plan = replace(plan, others=len(chosen) - len(own))
    for picture, target in own:
        _sort_in(plan, picture, partners, _place(folder, target), wish)
    return plan


class _Partners:
    """Find the further maps of pictures.

    Args:
        maps: folders (or a file each) by the map's name.
        alone: whether there is one picture, so that single files need no common name.
    """

    def __init__(self, maps: Mapping[str, str], *, alone: bool) -> None:
        self.maps, self.alone = maps, alone
        self.found = {name: gather_pictures([Path(place)]).pictures for name, place in maps.items()}
        self.groups = {
            name: group_stems((picture.name, picture.path) for picture in pictures)
            for name, pictures in self.found.items()
        }

    @property
    def files(self) -> list[Path]:
        """All files of all further maps."""
        return [picture.path for pictures in self.found.values() for picture in pictures]

    def of(self, picture: Picture) -> dict[str, Path]:
        """Find a picture's.

        Raises:
            DataError: one is missing, or several could be meant.
        """
        return {
            name: self.found[name][0].path
            if self.alone and Path(place).is_file()
            else find_partner(picture.name, self.groups[name], name, place)
            for name, place in self.maps.items()
        }


def _sort_in(
    plan: Plan, picture: Picture, partners: _Partners, files: Mapping[str, Path], wish: Wish
) -> None:
    """Put a picture where it belongs in a plan."""
    target = files[""]
    beside = {kind: path for kind, path in files.items() if kind}
    if target.exists() and not wish.again:
        plan.there.append(picture.path)
        return
    # A record tells that the pictures beside it are of an earlier try; else they may be anyone's.
    ours = wish.again or (CHOICES in beside and beside[CHOICES].exists())
    strange = [path for path in beside.values() if path.exists() and not ours]
    if strange:
        told = f"{strange[0]} is in the way; move it, or pass --again to have it replaced"
        plan.failed.append((picture.path, told))
        return
    try:
        maps = {"image": picture.path, **partners.of(picture)}
    except DataError as error:
        plan.failed.append((picture.path, str(error)))
        return
    plan.jobs.append(Job(maps, target, beside, wish.lean))


def _place(folder: Path, target: Target) -> dict[str, Path]:
    """Name a target's files in a folder, by their kind; the edited picture has none."""
    return {"": folder / target.picture} | {
        kind: folder / file for kind, file in target.beside.items()
    }


def _is_file(out: Path) -> bool:
    return out.suffix.lower() in BY_SUFFIX and not out.is_dir()


def _name_single(out: Path, wish: Wish) -> Target:
    """Name the files of one picture that is to become a certain file.

    Raises:
        ConfigError: that file is of another format than is wished for.
    """
    name = PurePath(out.name)
    if wish.format and suffix_for(name, wish.format) != out.suffix:
        raise ConfigError(f"--out {out} and --format {wish.format} differ; leave one out.")
    kinds = [kind for kind in BESIDE if kind in wish.beside]
    (target,) = name_targets([name], kinds)
    return target
