"""Make of a run what is handed on: weights and a card."""

import json
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pixelrl.agents import SUFFIX, Card, Scored, write_card
from pixelrl.config.compose import Experiment, as_plain
from pixelrl.documents import read_json
from pixelrl.errors import ConfigError, DataError
from pixelrl.runs.directory import ABOUT, checkpoint_in
from pixelrl.runs.metrics import read_metrics
from pixelrl.runs.protocol import FILE
from pixelrl.training.checkpoint import read_episode, restore
from pixelrl.training.weights import write_weights

REWARD = "val/reward"
"""What chooses a run's best checkpoint."""


class Words(NamedTuple):
    """Hold what a card's author says.

    Attributes:
        about: what the agents do, in a line.
        data: the photographs that they learned from, with the licence note.
        limits: what not to expect.
    """

    about: str
    data: str
    limits: str


def pack(
    run: Path,
    weights: Path,
    words: Words,
    scores: Mapping[str, Path],
    *,
    half: bool = True,
    overrides: Sequence[str] = (),
) -> Card:
    """Write a run's best weights and their card.

    Args:
        run: its directory.
        weights: the file to write, ``NAME.safetensors``; the card lies beside it.
        words: for the card.
        scores: folders that ``evaluate --weights`` has left, by a name of the pictures.
        half: whether to write 16-bit floats.
        overrides: settings that the agents are to be used with, such as ``task.length=10``.

    Returns:
        The card.

    Raises:
        CheckpointError: the run has no checkpoint, or a damaged one.
        ConfigError: the file has another suffix.
        DataError: a description or a folder of scores is missing or damaged.
        OSError: a file cannot be written.
    """
    if weights.suffix != SUFFIX:
        raise ConfigError(f"{weights}: expected a name that ends in {SUFFIX}.")
    checkpoint = checkpoint_in(run)
    experiment, module = restore(checkpoint, list(overrides))
    about = _read(run / ABOUT)
    begun = datetime.fromisoformat(str(about["started"]))
    ended = datetime.fromtimestamp((run / "checkpoints" / "last.ckpt").stat().st_mtime)
    protocols = {name: _read(folder / FILE) for name, folder in scores.items()}
    told = _without_places(shlex.split(str(about["command"])))
    card = Card(
        name=weights.stem,
        task=experiment.name,
        about=words.about,
        data=words.data,
        limits=words.limits,
        recipe=_following(told, "--config") or experiment.name,
        command=shlex.join(told),
        seed=experiment.run.seed,
        machine=str(about["machine"]),
        hours=round((ended - begun).total_seconds() / 3600, 2),
        episodes=read_episode(checkpoint),
        versions={key: str(value) for key, value in about["versions"].items()},
        shares=next((protocol["shares"] for protocol in protocols.values()), {}),
        curve=[(int(at), round(value, 4)) for at, value in read_metrics(run).get(REWARD, [])],
        scores=[
            _describe(name, protocol, weights.stem, experiment)
            for name, protocol in protocols.items()
        ],
    )
    weights.parent.mkdir(parents=True, exist_ok=True)
    write_weights(weights, module.state_dict(), experiment, half=half)
    write_card(weights, card)
    return card


def _describe(
    name: str, protocol: Mapping[str, Any], weights: str, experiment: Experiment
) -> Scored:
    """Tell one folder's scores, and the command that measures them again."""
    own = as_plain(experiment)
    changed = [
        f"{section}.{key}={json.dumps(value)}"
        for section in ("task", "network")
        for key, value in protocol[section].items()
        if key != "init" and own[section].get(key) != value
    ]
    folders = protocol["folders"]
    places = (
        [f"data.test.{key}={Path(folder).name}" for key, folder in folders.items()]
        if isinstance(folders, dict)
        else []
    )
    command = ["pixelrl", "evaluate", "--weights", weights, *places, *changed]
    means = {key: value for key, value in protocol["mean"].items() if value is not None}
    return Scored(name, protocol["images"], means, shlex.join(command))


def _without_places(command: Sequence[str]) -> list[str]:
    """Leave out of a command where data, runs and weights lay on the machine that it ran on."""
    folders = (f"data.{split}." for split in ("train", "val", "test", "predict"))
    places = (*folders, "run.root=", "run.name=")
    return [_without_folder(word) for word in command if not word.startswith(places)]


def _without_folder(word: str) -> str:
    """Name a file of a recipe or of other weights without the folder it lay in."""
    key, sign, value = word.partition("=")
    if sign and key == "network.init":
        return f"{key}={Path(value).name}"
    name = value if sign and key == "--config" else word
    return word.replace(name, Path(name).name) if Path(name).is_absolute() else word


def _following(command: Sequence[str], option: str) -> str:
    pairs = zip(command, [*command[1:], ""], strict=True)
    return next((value for word, value in pairs if word == option), "")


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: missing or damaged; pass a folder that pixelrl left.") from error
