"""Edit a picture beyond memory: a TIFF read by regions and written by tiles, a block at a time."""

from collections.abc import Iterator
from dataclasses import replace
from math import lcm
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pixelrl.errors import DataError
from pixelrl.experiments.opening import Opened, Say
from pixelrl.experiments.parts import Tell, describe_reductions, finish_parts
from pixelrl.experiments.planning import Job
from pixelrl.images.exif import BELOW, load_exif
from pixelrl.images.formats import TIFF, format_of
from pixelrl.images.limits import MOST_PIXELS
from pixelrl.images.original import Original, open_original
from pixelrl.images.regions import open_regions
from pixelrl.images.tiff import is_big, write_tiles
from pixelrl.rl.blocks import find_reaches
from pixelrl.rl.boxes import round_up

STRIDE = 16
"""Sides of a TIFF's tiles are multiples of so many pixels."""


def edit_by_regions(agents: Opened, job: Job, say: Say, tell: Tell) -> list[str]:
    """Edit a picture of which a block and what lies around it are held at a time.

    Args:
        agents: on their device.
        job: the files.
        say: a person's; there must be none.
        tell: is told how many pixels more are edited, each time some are.

    Returns:
        What of the picture is not in its edit, in words.

    Raises:
        DataError: the picture cannot be read by regions or edited by blocks, or the file cannot be
            written.
    """
    module, path = agents.module, job.maps["image"]
    if why := _refuse(agents, job, say):
        raise DataError(f"{path}: more than {MOST_PIXELS / 1e6:.0f} million pixels: {why}.")
    with open_regions(path) as regions:
        profile = agents.experiment.data.profile
        original = open_original(path, module.task.channels, profile, regions)
        _edit(agents, original, job.target, tell)
    return [*describe_reductions(original, job.target), *_describe(original)]


def _edit(agents: Opened, original: Original, target: Path, tell: Tell) -> None:
    """Edit a picture block by block into a file, of which each is a tile."""
    reaches = find_reaches(agents.module.task, agents.module.policy)
    side = round_up(agents.module.tile, lcm(STRIDE, reaches.stride))

    def finish() -> Iterator[NDArray[Any]]:
        for block, samples in finish_parts(agents, original, {}, target, side):
            yield samples
            tell(block.pixels)

    told = replace(original.metadata, profile=original.profile)
    write_tiles(target, finish(), side, _shape(original), told)


def _refuse(agents: Opened, job: Job, say: Say) -> str:
    """Say why a picture cannot be edited by blocks; empty if it can."""
    task = agents.module.task
    if task.reach is None:
        return f"{type(task).__name__} does not state its reach, so it cannot be edited in tiles"
    if not agents.module.tile:
        return "data.tile=0 has pictures edited whole; leave it at 1024"
    if job.beside or say.intervention is not None:
        return "records, strips, GIFs and rules are of pictures that are held whole; leave them out"
    if more := sorted(job.maps.keys() - {"image"}):
        return f"its {more[0]} would be held whole; cut both"
    if format_of(job.target) is not TIFF:
        return "it is written as TIFF alone; pass --format tif"
    return ""


def _shape(original: Original) -> tuple[int, int, int]:
    metadata = original.metadata
    return (*original.size, (1 if metadata.gray else 3) + metadata.clear)


def _describe(original: Original) -> list[str]:
    """List what reading and writing by regions alone changes, in words."""
    metadata, found = original.metadata, []
    if metadata.turn != 1:
        found.append("stored upright, where it was turned by its orientation tag")
    exif = load_exif(metadata.exif)
    if is_big(_shape(original), metadata.kind) and any(exif.get_ifd(tag) for tag in BELOW):
        found.append("EXIF of exposure and place left out of a BigTIFF")
    return found
