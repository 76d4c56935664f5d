"""Small photographs on disk, cut from the bundled ones."""

from pathlib import Path

import numpy as np
from PIL import Image

from pixelrl.images.folders import list_bundled


def write_photos(folder: Path, count: int = 3, size: int = 48) -> Path:
    """Write ``count`` gray crops of the bundled images as PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    source = np.asarray(Image.open(list_bundled("train")[1]).convert("L"))
    for index in range(count):
        top, left = 40 * index, 60 * index
        cut = source[top : top + size, left : left + size + 8]
        Image.fromarray(cut).save(folder / f"photo{index}.png")
    return folder


def tiny(folder: Path, *more: str) -> list[str]:
    """List overrides for a run of seconds on small photographs."""
    photos = write_photos(folder / "photos")
    return [
        *(f"data.{split}.image={photos}" for split in ("train", "val", "test")),
        "network.width=8",
        "learning.spread=9",
        "learning.episodes=6",
        "learning.goal_episodes=0",
        "data.crop=24",
        "data.batch=2",
        "run.checkpoint_every=2",
        "run.validate_every=3",
        f"run.root={folder / 'runs'}",
        "run.accelerator=cpu",  # on every machine the same, and bit for bit
        *more,
    ]
