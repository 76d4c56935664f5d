"""Edit the pictures a user wants edited: one after another, none lost, none in another's way."""

import logging
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from torch import Tensor

from pixelrl.config.compose import Experiment
from pixelrl.data.reading import check_sizes
from pixelrl.errors import ConfigError, PixelRLError
from pixelrl.experiments.planning import Failure, Job, Plan
from pixelrl.experiments.watching import Watch
from pixelrl.images.files import as_map
from pixelrl.images.formats import format_of, list_reductions
from pixelrl.images.metadata import measure_picture
from pixelrl.images.photograph import Photograph, read_photograph
from pixelrl.images.profiles import read_map
from pixelrl.images.writing import write_photograph
from pixelrl.maps import check_scene
from pixelrl.records.write import write_beside
from pixelrl.rl.editing import finish_image
from pixelrl.rl.rollout import Intervention
from pixelrl.training.loggers import quiet
from pixelrl.training.module import PixelA3C
from pixelrl.training.precision import choose_precision

LOG = logging.getLogger(__name__)

End = tuple[Path, list[str] | str]
"""A picture, and what of it is not in its edit; or in one line why it could not be edited."""


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


@dataclass
class Outcome:
    """Collect what came of a plan.

    Attributes:
        edited: the pictures that were written.
        failed: those that were not, and why; those that were planned so among them.
        reduced: of which pictures what is not in their edits, by words.
        pixels: of all that were edited.
        seconds: that it took.
    """

    edited: list[Path] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    reduced: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    pixels: int = 0
    seconds: float = 0.0


def predict(
    module: PixelA3C, experiment: Experiment, plan: Plan, say: Say = Say(), processes: int = 1
) -> Outcome:
    """Edit the pictures of a plan; one that cannot be edited does not stop the others.

    Args:
        module: with its weights.
        experiment: tells device, precision and what becomes of color profiles.
        plan: what to edit and where to leave it.
        say: a person's, in what the agents choose.
        processes: that share the pictures.

    Returns:
        What came of it.

    Raises:
        ConfigError: the accelerator is not there, or several processes cannot be told the say.
    """
    outcome = Outcome(failed=list(plan.failed))
    if not plan.jobs:
        return outcome
    sizes = {job.maps["image"]: measure_picture(job.maps["image"]) for job in plan.jobs}
    began = time.monotonic()
    with Watch(len(sizes), sum(sizes.values())) as watch:
        if processes > 1:
            ends = edit_in_processes(module, experiment, plan.jobs, say, processes)
        else:
            ends = _edit_in_turn(module, experiment, plan.jobs, say, watch)
        for source, found in ends:
            if isinstance(found, str):
                outcome.failed.append((source, found))
            else:
                outcome.edited.append(source)
                outcome.pixels += sizes[source]
                for words in found:
                    outcome.reduced[words].append(source)
            watch.advance(sizes[source])
    outcome.seconds = time.monotonic() - began
    return outcome


def _edit_in_turn(
    module: PixelA3C, experiment: Experiment, jobs: Sequence[Job], say: Say, watch: Watch
) -> Iterator[End]:
    """Edit one picture after another in this process."""
    agents = open_agents(module, experiment)
    for job in jobs:
        yield try_picture(agents, job, say, watch.progress)


def edit_in_processes(
    module: PixelA3C, experiment: Experiment, jobs: Sequence[Job], say: Say, processes: int
) -> Iterator[End]:
    """Edit pictures in processes of their own, each picture in one.

    Args:
        module: with its weights.
        experiment: tells device, precision and what becomes of color profiles.
        jobs: what to edit.
        say: a person's; it must not bend the choices.
        processes: how many.

    Yields:
        What came of each picture, in the order in which they are done. Those of a process that
        dies count as failed.

    Raises:
        ConfigError: the accelerator is not there, or there is a say.
    """
    if say.intervention is not None:
        raise ConfigError("--jobs: rules cannot be handed to other processes; leave one out.")
    open_device(experiment)  # told once, and not by each
    run = experiment.run
    threads = run.threads or max(1, torch.get_num_threads() // processes)
    shared = replace(experiment, run=replace(run, threads=threads))
    started = multiprocessing.get_context("spawn")
    count = min(processes, len(jobs))
    with ProcessPoolExecutor(count, started, _take_agents, (module.cpu(), shared)) as pool:
        asked = {pool.submit(_edit_apart, job): job.maps["image"] for job in jobs}
        for future in as_completed(asked):
            error = future.exception()
            yield (asked[future], f"its process ended ({error})") if error else future.result()


_AGENTS: list[Opened] = []
"""What a process of `edit_in_processes` edits with."""


def _take_agents(module: PixelA3C, experiment: Experiment) -> None:
    """Begin as a process of `edit_in_processes`."""
    _AGENTS.append(open_agents(module, experiment))


def _edit_apart(job: Job) -> End:
    (agents,) = _AGENTS
    return try_picture(agents, job, Say())


def try_picture(
    agents: Opened, job: Job, say: Say, tell: Callable[[int], object] = lambda pixels: None
) -> End:
    """Edit one picture as `edit_picture` does; an error becomes the reason why it failed."""
    source = job.maps["image"]
    try:
        return source, edit_picture(agents, job, say, tell)
    except Exception as error:  # whosesoever: it is told, and the others have their turn
        LOG.debug("%s", source, exc_info=True)
        return source, _explain(error, source)


def edit_picture(agents: Opened, job: Job, say: Say, tell: Callable[[int], object]) -> list[str]:
    """Edit one picture and write its files.

    Args:
        agents: on their device.
        job: the files.
        say: a person's.
        tell: is told how many pixels more are edited, each time some are.

    Returns:
        What of the picture is not in its edit, in words.

    Raises:
        DataError: a file cannot be read or written, or maps differ in size.
        MapError: the picture is too small for the edits, or a rule does not fit it.
    """
    module, experiment, fabric = agents
    task, profile = module.task, experiment.data.profile
    photograph = read_photograph(job.maps["image"], task.channels, profile)
    scene = {"image": photograph.image}
    for name, path in job.maps.items():
        if name != "image":
            scene[name] = as_map(read_map(path, name, task.channels, profile))
    check_sizes(job.maps, {name: tuple(value.shape[1:]) for name, value in scene.items()})
    scene = {name: value.unsqueeze(0).to(fabric.device) for name, value in scene.items()}
    check_scene(scene, task.channels)
    with fabric.autocast():
        image = _edit(module, experiment, job, scene, say, tell)
    write_photograph(job.target, photograph, image[0])
    return describe_reductions(photograph, job.target, converted=profile != "ignore")


def describe_reductions(photograph: Photograph, target: Path, *, converted: bool) -> list[str]:
    """List what of a photograph is not in its edit, in words."""
    found = list_reductions(
        photograph.metadata, photograph.profile, format_of(target), converted=converted
    )
    if photograph.luminance_alone:
        found.append("gray agents edited the luminance; colors stay as they were")
    elif photograph.base is not None and photograph.metadata.gray and len(photograph.image) == 3:
        found.append("gray pictures stay gray, whatever color the agents put in")
    return found


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


def _edit(
    module: PixelA3C,
    experiment: Experiment,
    job: Job,
    scene: Mapping[str, Tensor],
    say: Say,
    tell: Callable[[int], object],
) -> Tensor:
    """Edit a scene ``(1,K,H,W)``, and write what shows how; returns the image ``(1,C,H,W)``."""
    if not job.beside and say.intervention is None:
        return finish_image(module.task, module.policy, scene, tile=module.tile, tell=tell)
    wanted = bool(job.beside)
    edited = module.edit(scene, with_trace=wanted, intervention=say.intervention)
    write_beside(job.beside, edited, scene, experiment, say.history, lean=job.lean)
    return edited.image


def _explain(error: Exception, source: Path) -> str:
    """Say in one line, without the picture's name before it, why it could not be edited."""
    told = " ".join(str(error).split()).removeprefix(f"{source}: ")
    return told if isinstance(error, PixelRLError) else f"{type(error).__name__}: {told}"
