"""Edit the pictures a user wants edited: one after another, none lost, none in another's way."""

import logging
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from pixelrl.config.compose import Experiment
from pixelrl.errors import ConfigError, PixelRLError
from pixelrl.experiments.opening import Opened, Say, open_agents, open_device
from pixelrl.experiments.picture import edit_picture
from pixelrl.experiments.planning import Failure, Job, Plan
from pixelrl.experiments.watching import Watch
from pixelrl.images.metadata import measure_picture
from pixelrl.training.module import PixelA3C

LOG = logging.getLogger(__name__)

End = tuple[Path, list[str] | str]
"""A picture, and what of it is not in its edit; or in one line why it could not be edited."""


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


def _explain(error: Exception, source: Path) -> str:
    """Say in one line, without the picture's name before it, why it could not be edited."""
    told = " ".join(str(error).split()).removeprefix(f"{source}: ")
    return told if isinstance(error, PixelRLError) else f"{type(error).__name__}: {told}"
