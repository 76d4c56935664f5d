"""Agents on their device, and a person's say in what they choose: what editing begins with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.lightning import LightningEnvironment

from pixelrl.config.compose import Experiment
from pixelrl.errors import ConfigError
from pixelrl.rl.rollout import Intervention
from pixelrl.training.loggers import quiet
from pixelrl.training.module import PixelA3C
from pixelrl.training.precision import choose_precision


class Opened(NamedTuple):
    """Hold agents that are ready to edit.

    Attributes:
        module: on the device.
        experiment: tells what becomes of color profiles.
        fabric: the device and its precision.
    """

    module: PixelA3C
    experiment: Experiment
    fabric: Fabric


@dataclass(frozen=True)
class Say:
    """Hold a person's say in what the agents choose.

    Attributes:
        intervention: what it does to logits; None for none.
        history: the same in words, as `records.edit.sign` makes entries.
    """

    intervention: Intervention | None = None
    history: Sequence[Mapping[str, Any]] = ()


def open_agents(module: PixelA3C, experiment: Experiment) -> Opened:
    """Put agents on their device, to edit there.

    Raises:
        ConfigError: the accelerator is not there.
    """
    fabric = open_device(experiment)
    module.to(fabric.device).eval()
    return Opened(module, experiment, fabric)


def open_device(experiment: Experiment) -> Fabric:
    """Open the device that an experiment names, with its precision.

    Raises:
        ConfigError: it is not there.
    """
    quiet()
    run = experiment.run
    if run.threads:
        torch.set_num_threads(run.threads)
    precision = choose_precision(run, learns=False)
    try:
        # Whatever has started this process, it edits alone.
        alone = LightningEnvironment()
        return Fabric(accelerator=run.accelerator, devices=1, precision=precision, plugins=[alone])
    except (ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"run.accelerator={run.accelerator}: {reason}") from error
