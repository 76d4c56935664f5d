"""Score edits on whole images, and what they should be compared with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pixelrl.config.compose import Experiment, as_plain
from pixelrl.data.module import Whole
from pixelrl.errors import ConfigError
from pixelrl.experiments.baselines import score_baselines
from pixelrl.experiments.trainer import make_trainer
from pixelrl.experiments.writers import Extras, WriteScores
from pixelrl.images.folders import digest
from pixelrl.runs import directory as runs
from pixelrl.runs.tables import Table, write_csv
from pixelrl.training.files import digest_of
from pixelrl.training.module import PixelA3C


def score(
    module: PixelA3C,
    experiment: Experiment,
    directory: Path,
    split: str = "test",
    extras: Extras = Extras(),
) -> Table:
    """Score a module's edits on a split's images, before and after.

    Args:
        module: with its weights.
        experiment: tells the data, seed and precision.
        directory: where ``scores.csv``, ``protocol.json``, the calibration and ``images/`` go.
        split: ``test`` or ``val``.
        extras: what is wanted beside the scores.

    Returns:
        The scores, a row per image.

    Raises:
        ConfigError: as `run_scoring` does.
    """
    return run_scoring(module, experiment, directory, split, extras).table


def run_scoring(
    module: PixelA3C,
    experiment: Experiment,
    directory: Path,
    split: str = "test",
    extras: Extras = Extras(),
) -> WriteScores:
    """Score a module's edits as `score` does; returns all that was collected.

    Raises:
        ConfigError: no such split, or an oracle is asked of a task whose reward is not local.
    """
    if extras.oracle and not experiment.task.local_reward:
        raise ConfigError(
            f"--oracle: {type(experiment.task).__name__} does not promise local_reward, so that its"
            " edits have no reward of their own; leave --oracle out."
        )
    images = _whole(experiment, split)
    images.check()
    protocol = _protocol(module, experiment, images, split)
    writer = WriteScores(directory, images, protocol, experiment, extras)
    trainer = make_trainer(experiment, None, [writer])
    trainer.test(module, dataloaders=images.loader(), verbose=False)
    return writer


def evaluate_baselines(
    experiment: Experiment, directory: Path, policy: Table, split: str = "test"
) -> Table:
    """Score what a policy should beat on the images it was scored on.

    Args:
        experiment: tells the data and seed.
        directory: where ``baselines.csv`` goes, a row per baseline and image.
        policy: the policy's scores, from `score`.
        split: ``test`` or ``val``, as in `score`.

    Returns:
        The scores, a row per baseline and image, the policy first.

    Raises:
        ConfigError: no such split.
    """
    images = _whole(experiment, split)
    scenes = [
        {name: value.unsqueeze(0) for name, value in images[index].items()}
        for index in range(len(images))
    ]
    table = score_baselines(experiment.task, scenes, policy, experiment.run.seed)
    write_csv(directory / "baselines.csv", table)
    return table


def state_grounds(
    module: PixelA3C, experiment: Experiment, split: str = "test"
) -> Mapping[str, Any]:
    """State what scores depend on, as `score` writes it into ``protocol.json`` beside them.

    Raises:
        ConfigError: no such split.
        DataError: an image cannot be read.
    """
    return _protocol(module, experiment, _whole(experiment, split), split)


def _whole(experiment: Experiment, split: str) -> Whole:
    if split not in {"val", "test"}:
        raise ConfigError(f"split: expected val or test, got {split}.")
    kind: Literal["val", "test"] = "val" if split == "val" else "test"
    return Whole(experiment.task, experiment.data, kind, experiment.run.seed)


def _protocol(
    module: PixelA3C, experiment: Experiment, images: Whole, split: str
) -> dict[str, Any]:
    folders = getattr(experiment.data, split) or "the bundled images"
    settings = as_plain(experiment)
    return {
        "task": settings["task"],
        "network": settings["network"],
        "split": split,
        "folders": folders,
        "images": len(images),
        "digest": digest([path for sample in images.files for path in sample.values()]),
        "problem": "as in the folders" if images.posed else "posed by the task",
        "seed": experiment.run.seed,
        "crop": images.crop,
        "precision": experiment.run.precision,
        "scored": "clamped to [0, 1], rounded to 8 bits; mean of images",
        "versions": runs.versions(),
        "weights": experiment.network.init or "of this run",
        "weights_digest": digest_of(module.policy.state_dict()),
    }
