"""A checkpoint rebuilds its module: task, settings and weights, from the file alone."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from pixelrl.agents import SUFFIX, find_weights
from pixelrl.config.compose import Experiment, as_plain, from_plain
from pixelrl.discovery import Trust
from pixelrl.errors import CheckpointError, ConfigError
from pixelrl.rl.aim import GoalPolicy
from pixelrl.rl.goal import Views
from pixelrl.rl.network import PolicyValueNet
from pixelrl.rl.playing import Network
from pixelrl.runs.directory import LAST, PREVIOUS
from pixelrl.settings import flat
from pixelrl.training.files import read_whole
from pixelrl.training.module import PixelA3C
from pixelrl.training.official_weights import load_official_weights
from pixelrl.training.pretraining import hand_over
from pixelrl.training.starting import fill, start_from
from pixelrl.training.weights import FORMAT, KEY, read_weights

LOG = logging.getLogger(__name__)

PUBLISHED = {".npz", ".caffemodel"}
"""Suffixes of the authors' weight files."""

SUPERVISED = "supervised"
"""Marks, in our part of a checkpoint, what `pretrain` left: layers to start from, no policy."""


class Restored(NamedTuple):
    """Hold what a checkpoint holds: the experiment, and its module with the learned weights."""

    experiment: Experiment
    module: PixelA3C


def build(experiment: Experiment) -> PixelA3C:
    """Build the module of an experiment, with random weights or those of ``network.init``.

    What was loaded from there, and what keeps its random start, is logged.

    Raises:
        CheckpointError: the weight file does not fit.
    """
    network = experiment.network
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(experiment.run.seed)
        policy = _network(experiment)
    module = PixelA3C(
        experiment.task,
        policy,
        experiment.learning,
        seed=experiment.run.seed,
        tile=experiment.data.tile,
        accumulate=experiment.run.accumulate,
    )
    if network.init:
        published = Path(network.init).suffix in PUBLISHED
        path = Path(network.init) if published else find_weights(network.init)
        LOG.info("network.init: %s", initialize(module, path))
    return module


def _network(experiment: Experiment) -> Network:
    """Make the network that the settings describe."""
    task, network = experiment.task, experiment.network
    if network.kind == "goal":
        return GoalPolicy(
            task,
            widths=network.widths,
            blocks=network.blocks,
            views=Views(network.ensemble, network.mirror, network.spins),
            temperature=experiment.learning.temperature,
        )
    return PolicyValueNet(
        task.observation_channels, len(task.actions), width=network.width, memory=network.memory
    )


def initialize(module: PixelA3C, path: Path) -> str:
    """Start from the weights of a checkpoint or of a published file; tell what was loaded.

    Raises:
        CheckpointError: the file is missing, is no weight file, or does not fit.
    """
    policy = module.policy
    if path.suffix in PUBLISHED:
        if isinstance(policy, GoalPolicy):
            raise CheckpointError(
                f"{path}: weights of the published network; set network.kind=published."
            )
        loaded = load_official_weights(policy, module.spread, path)
        return f"{path}: {loaded}"
    stored = read(path)
    if not stored[KEY].get(SUPERVISED):
        return f"{path}: {start_from(module, stored['state_dict'], path)}"
    if isinstance(policy, GoalPolicy):
        raise CheckpointError(
            f"{path}: a supervised start of the published network; set network.kind=published."
        )
    try:
        return f"{path}: {len(hand_over(stored['state_dict'], policy))} parameters"
    except ValueError as error:
        raise CheckpointError(
            f"{path}: a supervised start of another shape ({error}); set network.width and the"
            " task's settings as they were."
        ) from error


def resume(
    path: Path, overrides: list[str] | None = None, *, trust: Trust | None = None
) -> tuple[Path, Experiment]:
    """Read from a checkpoint how its run goes on: as it would have, had it never stopped.

    Args:
        path: the checkpoint. If it is a run's last and damaged, the one before is taken.
        overrides: settings to change: where the run's data lie, what it shows and how often.
        trust: as in `restore`.

    Returns:
        The checkpoint to go on from, and the experiment.

    Raises:
        CheckpointError: the checkpoint is damaged, or holds a supervised start.
        ConfigError: a setting would make the run another one, or there is nothing to go on with.
    """
    try:
        found = restore(path, overrides, trust=trust)
    except CheckpointError as error:
        before = path.parent / PREVIOUS.name
        if path.name != LAST.name or not before.is_file():
            raise
        LOG.info("%s Going on from the state before, %s.", error, before)
        path, found = before, restore(before, overrides, trust=trust)
    stored = read(path)[KEY]
    episode = stored.get("episode")
    old = from_plain(stored["experiment"], source=str(path), trust=Trust(everything=True))
    _check_same(path, old, found.experiment, episode)
    return path, found.experiment


FREE = (
    "run.",
    *("data.train", "data.val", "data.test", "data.predict"),
    *("data.workers", "data.tile", "data.cache_mb"),
)
FIXED = ("run.seed", "run.precision")


def _check_same(path: Path, old: Experiment, new: Experiment, episode: int | None) -> None:
    """Refuse settings that would make a resumed run another one."""
    before, after = flat(as_plain(old)), flat(as_plain(new))
    for key in sorted(before.keys() | after.keys()):
        free = key.startswith(FREE) and not key.startswith(FIXED)
        if free or key == "network.init" or before.get(key) == after.get(key):
            continue
        if key.endswith("episodes") and episode == old.learning.batches:
            told = f"its run is finished, with {episode} episodes, and cannot be made longer"
        else:
            told = f"{key} was {before.get(key)} and cannot become {after.get(key)}"
        raise ConfigError(
            f"{path}: {told}: a resumed run ends as if never stopped. Begin a new one from its"
            f" weights: network.init={path}."
        )


def restore(
    path: Path, overrides: list[str] | None = None, *, trust: Trust | None = None
) -> Restored:
    """Rebuild experiment and module from a checkpoint alone.

    Args:
        path: the checkpoint.
        overrides: settings to change, such as ``data.test.image=DIR``.
        trust: which code the file may name beside installed plugins; by default what ``overrides``
            name.

    Raises:
        CheckpointError: the file is missing, no checkpoint of ours, or damaged.
        PluginError: its task is not installed, or it names code that is not trusted.
    """
    stored = read(path)
    if stored[KEY].get(SUPERVISED):
        raise CheckpointError(
            f"{path}: a supervised start, which has no policy yet; pass it to fit as"
            f" network.init={path}."
        )
    plain: dict[str, Any] = stored[KEY]["experiment"]
    plain = {**plain, "network": {**plain.get("network", {}), "init": ""}}  # its weights are inside
    experiment = from_plain(plain, overrides or (), source=str(path), trust=trust)
    module = build(experiment)
    fill(module, stored["state_dict"], path)
    return Restored(experiment, module)


def read(path: Path) -> dict[str, Any]:
    """Read a checkpoint without executing anything in it.

    Raises:
        CheckpointError: the file is missing, no checkpoint of ours, or damaged.
    """
    stored = read_weights(path) if path.suffix == SUFFIX else read_whole(path)
    if not isinstance(stored.get(KEY), Mapping):
        raise CheckpointError(f"{path}: a checkpoint, but not one of pixelrl.")
    if stored[KEY].get("format") != FORMAT:
        raise CheckpointError(
            f"{path}: checkpoint format {stored[KEY].get('format')}, this pixelrl reads {FORMAT};"
            " use the version that wrote it."
        )
    about, weights = stored[KEY].get("experiment"), stored.get("state_dict")
    sections = isinstance(about, Mapping) and all(
        isinstance(each, Mapping) for name, each in about.items() if name != "name"
    )
    named = isinstance(weights, Mapping) and all(
        isinstance(name, str) and isinstance(each, torch.Tensor) for name, each in weights.items()
    )
    if not (sections and named):
        raise CheckpointError(f"{path}: it lacks its settings or weights; use another checkpoint.")
    return stored


def read_episode(path: Path) -> int:
    """Tell how many episodes a checkpoint has learned from.

    Raises:
        CheckpointError: the file is missing, no checkpoint of ours, or damaged.
    """
    stored = read(path)
    known = stored[KEY].get("episode")
    if known is None:  # those of pixelrl 0.1.0 leave it to Lightning
        progress = stored["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        known = progress["total"]["ready"]
    return int(known)


def check_task_name(experiment: Experiment, name: str | None, path: Path) -> None:
    """Check that a checkpoint is of the task the caller thinks it is of.

    Raises:
        ConfigError: it is of another.
    """
    if name and name != experiment.name:
        raise ConfigError(
            f"{path}: a checkpoint of task '{experiment.name}', not of '{name}'; leave out --task."
        )
