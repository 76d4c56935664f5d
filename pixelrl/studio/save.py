"""What is worth keeping of an episode: result, choices, masks, and the recipe as a command line."""

import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pixelrl.files import check_targets, whole_file, write_whole
from pixelrl.images.files import write_image
from pixelrl.images.formats import suffix_for
from pixelrl.images.photograph import read_photograph
from pixelrl.images.writing import write_photograph
from pixelrl.intervention.regions import Region
from pixelrl.intervention.syntax import describe_rule, write_rule
from pixelrl.records.edit import sign
from pixelrl.records.write import BESIDE, write_beside
from pixelrl.studio.session import Episode, Session


def save_episode(
    session: Session, episode: Episode, policy: Sequence[str], out: Path
) -> dict[str, Any]:
    """Write an episode's record, its masks, and the command line that gives the same again.

    Args:
        session: where it was rolled out.
        episode: what to keep.
        policy: the words of the command line that name the policy and its settings.
        out: the folder; a picture that came through the page is copied to ``inputs`` in it.

    Returns:
        ``files``, the paths written, and ``command``.

    Raises:
        DataError: the picture cannot be read, a file cannot be written, or it is the picture.
    """
    source = episode.picture.path
    name = source.stem
    target = out / f"{name}{suffix_for(source)}"
    beside = {kind: out / f"{name}{kind}" for kind in BESIDE}
    recipe = out / f"{name}.sh"
    check_targets([target, *beside.values(), recipe], [source])
    if episode.picture.uploaded:
        with whole_file(out / "inputs" / source.name) as part:
            shutil.copyfile(source, part)
        source = out / "inputs" / source.name
    masks = _write_masks(episode, out, name)
    history = [
        sign({**describe_rule(rule), **_mask(rule.region, masks)}, "studio")
        for rule in episode.rules
    ]
    edited, scene = episode.edited, episode.picture.scene
    write_beside(beside, edited, scene, session.experiment, history)
    profile = session.experiment.data.profile
    photograph = read_photograph(source, session.task.channels, profile)
    write_photograph(target, photograph, edited.image[0])
    rules = [write_rule(rule, _file(rule.region, masks)) for rule in episode.rules]
    maps = [f"data.predict.image={source}"]
    if episode.picture.mask:
        maps.append(f"data.predict.mask={_file(episode.picture.mask, masks)}")
    words = ["predict", *policy, "--out", str(out), "--again", *rules, *maps]
    command = shlex.join(["python", "-m", "pixelrl", *words])
    write_whole(recipe, f"{command}\n")
    return {
        "files": [str(path) for path in (target, *beside.values(), *masks.values(), recipe)],
        "command": command,
    }


def _write_masks(episode: Episode, out: Path, name: str) -> dict[str, Path]:
    """Write each region once; returns their files by digest."""
    files: dict[str, Path] = {}
    for region in (episode.picture.mask, *(rule.region for rule in episode.rules)):
        if region and region.digest not in files:
            path = out / "masks" / f"{name}-{region.digest}.png"
            write_image(path, region.inside.float()[None])
            files[region.digest] = path
    return files


def _file(region: Region | None, masks: Mapping[str, Path]) -> str | None:
    return str(masks[region.digest]) if region else None


def _mask(region: Region | None, masks: Mapping[str, Path]) -> dict[str, str]:
    return {"mask": str(masks[region.digest])} if region else {}
