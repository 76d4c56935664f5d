"""A picture's parts, edited one after another, as samples that its file can hold."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from pixelrl.experiments.opening import Opened
from pixelrl.images.formats import format_of, list_reductions
from pixelrl.images.original import Original
from pixelrl.images.photograph import see_region
from pixelrl.images.writing import finish_samples
from pixelrl.maps import Scene, check_scene
from pixelrl.rl.boxes import Box
from pixelrl.rl.editing import finish_blocks

Tell = Callable[[int], object]
"""Is told how many pixels more are edited, each time some are."""


def finish_parts(
    agents: Opened, original: Original, maps: Mapping[str, Tensor], target: Path, tile: int
) -> Iterator[tuple[Box, NDArray[Any]]]:
    """Edit a picture part by part; only the part at hand is held as maps.

    Args:
        agents: on their device.
        original: the picture.
        maps: its further maps, ``(K,H,W)`` each.
        target: the file to be written, whose suffix tells what samples it holds.
        tile: side of the parts of larger pictures, in pixels; 0 for the whole.

    Yields:
        The parts, row by row, and their samples ``(h,w,K)``.

    Raises:
        DataError: the file is damaged.
        MapError: the picture is too small for the edits.
    """
    module, _, fabric = agents

    def look(box: Box) -> Scene:
        further = {name: value[box.window] for name, value in maps.items()}
        return make_scene(agents, {"image": see_region(original, box).image, **further})

    blocks = finish_blocks(module.task, module.policy, original.size, look, tile=tile)
    while True:
        with fabric.autocast():
            part = next(blocks, None)
        if part is None:
            return
        block, image = part
        # Seen again rather than kept: what lies around the block has been as large as the block.
        photograph = see_region(original, block)
        yield block, finish_samples(photograph, image[0].detach().cpu(), format_of(target))


def make_scene(agents: Opened, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put a picture's maps ``(K,H,W)`` on the agents' device, as a scene ``(1,K,H,W)``.

    Raises:
        MapError: they do not fit together, or not the task.
    """
    scene = {name: value.unsqueeze(0).to(agents.fabric.device) for name, value in maps.items()}
    check_scene(scene, agents.module.task.channels)
    return scene


def describe_reductions(original: Original, target: Path) -> list[str]:
    """List what of a picture is not in its edit, in words."""
    metadata, converted = original.metadata, original.converted != "ignore"
    found = list_reductions(metadata, original.profile, format_of(target), converted=converted)
    if original.channels == 1 and not metadata.gray:
        found.append("gray agents edited the luminance; colors stay as they were")
    elif original.channels == 3 and metadata.gray:
        found.append("gray pictures stay gray, whatever color the agents put in")
    return found
