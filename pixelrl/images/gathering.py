"""Pictures in folders and folders below these: what counts, and what is left alone."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from pixelrl.errors import DataError
from pixelrl.files import find_real
from pixelrl.images.folders import SUFFIXES, explain_refusal


@dataclass(frozen=True)
class Picture:
    """Name a picture.

    Attributes:
        path: the file.
        name: its path below the folder that was named, or its file name if it was named itself.

    Example:
        >>> Picture(Path("photos/trip/a.png"), PurePath("trip/a.png")).name.parent.name
        'trip'
    """

    path: Path
    name: PurePath


@dataclass(frozen=True)
class Gathered:
    """Hold the pictures that were found, and what else lay there.

    Attributes:
        pictures: in order, each once.
        others: how many files that are no pictures, by suffix.
        repeated: how often a picture was named again.

    Example:
        >>> Gathered((), Counter({".txt": 2})).others.total()
        2
    """

    pictures: tuple[Picture, ...]
    others: Counter[str]
    repeated: int = 0


def gather_pictures(places: Sequence[Path], leave_out: Path | None = None) -> Gathered:
    """Find the pictures of folders, those of their subfolders too, or take files for themselves.

    Hidden files and folders do not count. Links to folders are not followed, but counted.

    Args:
        places: folders and files.
        leave_out: a folder within these that does not count, as it takes the results.

    Returns:
        What was found.

    Raises:
        DataError: a place is missing or cannot be read, or no picture is in any of them.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     Path(folder, "trip").mkdir()
        ...     for name in ("b.PNG", "trip/a.jpg", "notes.txt"):
        ...         Path(folder, name).touch()
        ...     found = gather_pictures([Path(folder)])
        >>> [picture.name.as_posix() for picture in found.pictures], dict(found.others)
        (['b.PNG', 'trip/a.jpg'], {'.txt': 1})
    """
    found: dict[Path, Picture] = {}
    others: Counter[str] = Counter()
    repeated = 0
    closed = find_real(leave_out) if leave_out else None
    for place in places:
        for picture in _list(place, closed):
            real = find_real(picture.path)
            is_picture = picture.path == place or picture.path.suffix.lower() in SUFFIXES
            if not is_picture or picture.path.is_dir():
                others[picture.path.suffix.lower() or "no suffix"] += 1
            elif real in found:
                repeated += 1
            else:
                found[real] = picture
    if not found:
        told = ", ".join(str(place) for place in places)
        raise DataError(f"no images in {told}; expected files like NAME.png or NAME.jpg.")
    return Gathered(tuple(found.values()), others, repeated)


def _list(place: Path, closed: Path | None) -> Iterator[Picture]:
    """List all files of a place that are not hidden, in order of their names."""
    if place.is_file():
        yield Picture(place, PurePath(place.name))
        return
    for entry in _scan(place):
        path = place / entry.name
        if not entry.is_dir(follow_symlinks=False):
            yield Picture(path, PurePath(entry.name))
        elif find_real(path) != closed:
            for below in _list(path, closed):
                yield Picture(below.path, entry.name / below.name)


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    """List what lies in a folder and is not hidden, by name."""
    try:
        with os.scandir(folder) as entries:
            shown = [entry for entry in entries if not entry.name.startswith(".")]
    except FileNotFoundError as error:
        raise DataError(f"{folder}: no such file or folder; expected images.") from error
    except OSError as error:
        raise explain_refusal(folder, error) from error
    return sorted(shown, key=lambda entry: entry.name)
