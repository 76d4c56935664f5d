"""Trained agents that distributions bring along: found by name, with the card that each has.

A distribution offers them through the entry-point group ``pixelrl.agents``: a value is a package
that holds ``NAME.safetensors`` and ``NAME.json`` of each. Nothing is imported to list them.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from pixelrl.discovery import find_folder, list_installed
from pixelrl.documents import read_json
from pixelrl.errors import CheckpointError, nearest
from pixelrl.files import write_whole

AGENTS = "pixelrl.agents"
SUFFIX = ".safetensors"
"""Of the weights; a card has ``.json`` in its place."""


@dataclass(frozen=True)
class Scored:
    """Tell how agents did on one set of pictures.

    Attributes:
        pictures: the set, in words.
        count: how many pictures it has.
        means: each score's mean, by name; of the untouched input as ``input_NAME``.
        command: what measured it.
    """

    pictures: str
    count: int
    means: dict[str, float]
    command: str = ""


@dataclass(frozen=True)
class Card:
    """Tell what agents are for, where they come from, and what to expect.

    Attributes:
        name: of the agents.
        task: that they learned.
        about: what they do, in a line.
        data: the photographs that they learned from, with the licence note.
        limits: what not to expect.
        recipe: with which they learned.
        command: that trained them.
        seed: of the run.
        machine: that it ran on.
        hours: of the clock, from its beginning to its last checkpoint.
        episodes: batches that these weights have learned from, of both phases.
        versions: of what decides results.
        shares: each edit's share of all choices, by name, on the first set of ``scores``.
        curve: pairs of an episode and the score that chose the best checkpoint.
        scores: on sets of pictures that were not learned from.
    """

    name: str
    task: str
    about: str
    data: str
    limits: str
    recipe: str
    command: str
    seed: int
    machine: str
    hours: float
    episodes: int
    versions: dict[str, str] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    curve: list[tuple[int, float]] = field(default_factory=list)
    scores: list[Scored] = field(default_factory=list)


def list_agents() -> dict[str, Path]:
    """List the agents that are installed, by name, with their weight files.

    Example:
        >>> {path.suffix for path in list_agents().values()} <= {SUFFIX}
        True
    """
    found: dict[str, Path] = {}
    for point in list_installed(AGENTS):
        folder = find_folder(point)
        for path in sorted(folder.glob(f"*{SUFFIX}")) if folder else ():
            found.setdefault(path.stem, path)
    return found


def find_weights(name: str) -> Path:
    """Find weights: a file as it is named, or agents that are installed under that name.

    Args:
        name: of agents, or the path of a file.

    Returns:
        The weight file.

    Raises:
        CheckpointError: there is neither.

    Example:
        >>> find_weights("no such agents")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        pixelrl.errors.CheckpointError: no weights 'no such agents': neither a file nor agents ...
    """
    path = Path(name)
    if path.is_file():
        return path
    known = list_agents()
    if name in known:
        return known[name]
    raise CheckpointError(
        f"no weights '{name}': neither a file nor agents that are installed.{nearest(name, known)}"
        f" Installed: {', '.join(known) or 'none'}."
    )


def read_card(weights: Path) -> Card:
    """Read the card beside a weight file.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    path = weights.with_suffix(".json")
    try:
        told = read_json(path)
        known = {each.name for each in fields(Card)}
        told = {key: value for key, value in told.items() if key in known}
        scores = [Scored(**each) for each in told.pop("scores", [])]
        curve = [(int(at), float(value)) for at, value in told.pop("curve", [])]
        return Card(**told, scores=scores, curve=curve)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path}: no card of agents, or a damaged one; install its distribution again."
        ) from error


def write_card(weights: Path, card: Card) -> None:
    """Write a card beside its weight file.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps(asdict(card), indent=1, allow_nan=False)
    write_whole(weights.with_suffix(".json"), text + "\n")
