"""Alter recorded choices, and keep the record of who changed what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelrl.errors import ConfigError
from pixelrl.intervention.regions import Region, check_steps, describe_steps, write_steps
from pixelrl.intervention.rules import check_edit
from pixelrl.records.file import Recorded, save_choices

ANY = "*"
"""Stands for every edit, as the one to be replaced."""


@dataclass(frozen=True)
class Swap:
    """State that one edit is to be replaced by another, everywhere and always unless told so.

    Attributes:
        old: the edit to be replaced, or `ANY`.
        new: the edit to take its place.
        region: where; None for the whole picture.
        steps: when, counted from zero; None for all steps.
    """

    old: str
    new: str
    region: Region | None = None
    steps: range | None = None


def swap(recorded: Recorded, wish: Swap) -> NDArray[np.uint8]:
    """Replace one edit by another.

    Args:
        recorded: choices ``(T,H,W)`` and the edits' names.
        wish: what to replace, where and when.

    Returns:
        The altered choices, ``(T,H,W)`` uint8; what is recorded stays as it is.

    Raises:
        ConfigError: an edit or step does not exist.
        DataError: the mask is not of the picture's size.
    """
    edits, choices = recorded.edits, recorded.choices
    length, *size = choices.shape
    new = edits.index(check_edit(wish.new, edits))
    wanted = np.ones(choices.shape, bool)
    if wish.old != ANY:
        wanted &= choices == edits.index(check_edit(wish.old, edits))
    if wish.region:
        wish.region.check_size((size[0], size[1]))
        wanted &= wish.region.inside.cpu().numpy()
    if wish.steps is not None:
        check_steps(wish.steps, length)
        meant = [step in wish.steps for step in range(length)]
        wanted &= np.array(meant)[:, None, None]
    return np.where(wanted, np.uint8(new), choices)


def replace_choices(
    recorded: Recorded, wishes: Sequence[Swap], command: str, when: datetime | None = None
) -> Recorded:
    """Replace edits, one wish after another, and note it.

    The choices as first recorded stay in the array ``original``, however often they are altered.
    Arrays that told of the episode before the change are left out; the target is still true.

    Args:
        recorded: what was recorded, with its arrays.
        wishes: what to replace, in order.
        command: what makes the change, such as ``edit-choices``.
        when: it is made; now by default.

    Returns:
        The altered record, its history longer by one entry per wish.

    Raises:
        ConfigError: an edit or step does not exist.
        DataError: a mask is not of the picture's size.
    """
    first = recorded.arrays.get("original", recorded.choices)
    kept = {name: array for name, array in recorded.arrays.items() if name == "target"}
    for wish in wishes:
        choices = swap(recorded, wish)
        changed = int((choices != recorded.choices).sum())
        entry = sign({**_entry(wish), "changed": changed}, command, when)
        recorded = recorded._replace(choices=choices, history=(*recorded.history, entry))
    return recorded._replace(arrays={**kept, "original": first})


def sign(entry: Mapping[str, Any], command: str, when: datetime | None = None) -> dict[str, Any]:
    """Add to an entry of the history which command made the change, and when (UTC)."""
    moment = (when or datetime.now(UTC)).astimezone(UTC)
    return {**entry, "command": command, "when": moment.isoformat(timespec="seconds")}


def save(path: Path, recorded: Recorded) -> None:
    """Write a record with everything that belongs to it."""
    save_choices(path, recorded)


def describe_entry(entry: Mapping[str, Any]) -> str:
    """Tell an entry of the history to a person, in one line.

    Example:
        >>> describe_entry({"what": "median -> keep", "steps": "1-2", "changed": 7})
        'median -> keep in steps 1-2: 7 choices'
    """
    where = f" in {entry['mask']} ({entry.get('digest')})" if "mask" in entry else ""
    steps = f" in {describe_steps(entry['steps'])}" if "steps" in entry else ""
    count = f": {entry['changed']} choices" if "changed" in entry else ""
    by = f" [{entry['command']}, {entry.get('when')}]" if "command" in entry else ""
    return f"{entry.get('what')}{where}{steps}{count}{by}"


def read_swap(text: str) -> tuple[str, str]:
    """Split ``OLD=NEW``.

    Raises:
        ConfigError: it is no such pair.
    """
    old, equals, new = (word.strip() for word in text.partition("="))
    if not (old and equals and new):
        raise ConfigError(f"'{text}': expected OLD=NEW, such as median=keep, or *=keep for all.")
    return old, new


def _entry(wish: Swap) -> dict[str, Any]:
    mask = {"mask": wish.region.name, "digest": wish.region.digest} if wish.region else {}
    steps = {"steps": write_steps(wish.steps)} if wish.steps is not None else {}
    return {"what": f"{wish.old} -> {wish.new}", **mask, **steps}
