"""Files of several folders that belong together because they are called alike."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import TypeVar

from pixelrl.errors import DataError

File = TypeVar("File")


def group_stems(files: Iterable[tuple[PurePath, File]]) -> dict[PurePath, dict[PurePath, File]]:
    """Group files by their names without suffix.

    Example:
        >>> found = group_stems([(PurePath("a.png"), 1), (PurePath("a.jpg"), 2)])
        >>> {stem.name: list(group.values()) for stem, group in found.items()}
        {'a': [1, 2]}
    """
    groups: defaultdict[PurePath, dict[PurePath, File]] = defaultdict(dict)
    for name, file in files:
        groups[name.with_suffix("")][name] = file
    return dict(groups)


def find_partner(
    name: PurePath, groups: Mapping[PurePath, Mapping[PurePath, File]], what: str, where: str
) -> File:
    """Find the file of the same name; the suffix matters only where several differ in nothing else.

    Args:
        name: of the file that wants a partner.
        groups: the possible partners, as `group_stems` groups them.
        what: the partner's map, for the error.
        where: its folder, for the error.

    Raises:
        DataError: there is no such file, or there are several.

    Example:
        >>> masks = group_stems([(PurePath("a.png"), "mask")])
        >>> find_partner(PurePath("a.jpg"), masks, "mask", "masks")
        'mask'
    """
    group = groups.get(name.with_suffix(""), {})
    if name in group:
        return group[name]
    if not group:
        raise DataError(f"{name}: no {what} of that name in {where}.")
    if len(group) > 1:
        told = ", ".join(str(other) for other in group)
        raise DataError(f"{name}: several files in {where} could be its {what}: {told}; keep one.")
    return next(iter(group.values()))
