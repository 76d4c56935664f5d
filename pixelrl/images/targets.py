"""Names of what is written for many pictures: no two pictures ever share one."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import PurePath

from pixelrl.images.formats import suffix_for


@dataclass(frozen=True)
class Target:
    """Name the files of an edited picture, below the folder of the results.

    Attributes:
        picture: the edited picture.
        beside: the others, by their kind, such as ``.choices.npz``.

    Example:
        >>> [str(file) for file in Target(PurePath("a.png"), {".gif": PurePath("a.gif")}).files]
        ['a.png', 'a.gif']
    """

    picture: PurePath
    beside: dict[str, PurePath]

    @property
    def files(self) -> tuple[PurePath, ...]:
        """All of them.

        Example:
            >>> Target(PurePath("a.png"), {}).files == (PurePath("a.png"),)
            True
        """
        return (self.picture, *self.beside.values())


def name_targets(
    names: Sequence[PurePath], kinds: Iterable[str] = (), wanted: str | None = None
) -> list[Target]:
    """Name the files of edited pictures, each once, whatever the pictures are called.

    An edited picture is called as its picture, but for the suffix of another format; what lies
    beside it, as the picture without its suffix. Where that name is another's, it is called by the
    picture's whole name, and in the end by a number. Names that some system takes for equal (in
    case or in composed letters) count as equal.

    Args:
        names: the pictures', each perhaps below folders.
        kinds: how the names of further files end.
        wanted: the format of the edited pictures, one of `formats.CHOICES`; None for their own.

    Returns:
        The names, in order.

    Example:
        >>> names = [PurePath("a.png"), PurePath("a.jpg"), PurePath("trip/a.gif")]
        >>> for target in name_targets(names, [".gif"]):
        ...     print(target.picture.as_posix(), target.beside[".gif"].as_posix())
        a.png a.gif
        a.jpg a.jpg.gif
        trip/a.png trip/a.gif
    """
    claimed: set[str] = set()
    pictures: dict[int, PurePath] = {}
    suffixes = [suffix_for(name, wanted) for name in names]
    # Who keeps its name has it before whoever would come to it by a new suffix.
    kept = [name.suffix == suffix for name, suffix in zip(names, suffixes, strict=True)]
    for index in sorted(range(len(names)), key=lambda index: not kept[index]):
        (pictures[index],) = _claim(names[index], [suffixes[index]], claimed)
    ends = list(kinds)
    return [
        Target(
            pictures[index],
            dict(zip(ends, _claim(name, ends, claimed) if ends else (), strict=True)),
        )
        for index, name in enumerate(names)
    ]


def _claim(name: PurePath, ends: Sequence[str], claimed: set[str]) -> list[PurePath]:
    """Take the first of a picture's possible names with which all files are free."""
    bases = _bases(name)
    while True:
        base = next(bases)
        files = [name.with_name(f"{base}{end}") for end in ends]
        keys = {_key(file) for file in files}
        if not keys & claimed:
            claimed |= keys
            return files


def _bases(name: PurePath) -> Iterator[str]:
    yield name.stem
    yield name.name
    yield from (f"{name.name}-{number}" for number in count(2))


def _key(file: PurePath) -> str:
    """Make equal what some file system takes for equal."""
    return unicodedata.normalize("NFKC", file.as_posix().casefold()).casefold()
