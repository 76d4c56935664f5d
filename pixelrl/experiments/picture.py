"""Edit one picture: decoded as a whole, or by regions if it is beyond memory."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pixelrl.data.reading import check_sizes
from pixelrl.errors import DataError
from pixelrl.experiments.opening import Opened, Say
from pixelrl.experiments.parts import Tell, describe_reductions, finish_parts, make_scene
from pixelrl.experiments.planning import Job
from pixelrl.experiments.regions import edit_by_regions
from pixelrl.images.files import as_map
from pixelrl.images.formats import format_of
from pixelrl.images.limits import is_beyond
from pixelrl.images.original import Original, open_original
from pixelrl.images.photograph import see_region
from pixelrl.images.profiles import read_map
from pixelrl.images.writing import finish_samples, write_samples
from pixelrl.records.write import write_beside


def edit_picture(agents: Opened, job: Job, say: Say, tell: Tell) -> list[str]:
    """Edit one picture and write its files.

    Args:
        agents: on their device.
        job: the files.
        say: a person's.
        tell: is told how many pixels more are edited, each time some are.

    Returns:
        What of the picture is not in its edit, in words.

    Raises:
        DataError: a file cannot be read or written, or maps differ in size; or the picture is
            beyond memory, and cannot be edited by regions.
        MapError: the picture is too small for the edits, or a rule does not fit it.
    """
    task, profile = agents.module.task, agents.experiment.data.profile
    path = job.maps["image"]
    if is_beyond(path):
        return edit_by_regions(agents, job, say, tell)
    original = open_original(path, task.channels, profile)
    maps = {
        name: as_map(read_map(other, name, task.channels, profile))
        for name, other in job.maps.items()
        if name != "image"
    }
    sizes = {name: tuple(value.shape[1:]) for name, value in maps.items()}
    check_sizes(job.maps, {"image": original.size, **sizes})
    if job.beside or say.intervention is not None:
        samples = _edit_with_trace(agents, job, original, maps, say)
    else:
        samples = _edit_in_memory(agents, job, original, maps, tell)
    write_samples(job.target, samples, original.metadata, original.profile)
    return describe_reductions(original, job.target)


def _edit_with_trace(
    agents: Opened, job: Job, original: Original, maps: Mapping[str, Tensor], say: Say
) -> NDArray[Any]:
    """Edit a picture as a whole, and write what shows how; returns the samples ``(H,W,K)``."""
    module, experiment, fabric = agents
    photograph = see_region(original, original.whole)
    scene = make_scene(agents, {"image": photograph.image, **maps})
    with fabric.autocast():
        edited = module.edit(scene, with_trace=bool(job.beside), intervention=say.intervention)
        write_beside(job.beside, edited, scene, experiment, say.history, lean=job.lean)
    return finish_samples(photograph, edited.image[0].detach().cpu(), format_of(job.target))


def _edit_in_memory(
    agents: Opened, job: Job, original: Original, maps: Mapping[str, Tensor], tell: Tell
) -> NDArray[Any]:
    """Edit a picture of which the samples are held and nothing else; returns them, ``(H,W,K)``."""
    samples: NDArray[Any] | None = None
    for block, found in finish_parts(agents, original, maps, job.target, agents.module.tile):
        if samples is None:
            samples = np.empty((*original.size, found.shape[2]), found.dtype)
        samples[block.top : block.bottom, block.left : block.right] = found
        tell(block.pixels)
    if samples is None:
        raise DataError(f"{original.path}: a picture without pixels.")
    return samples
