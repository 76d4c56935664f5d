"""Records that no policy made, for tests of what shows them."""

from pathlib import Path

import numpy as np

from pixelrl.records.file import Recorded, save_choices

EDITS = ["-1", "keep", "+1", "median"]


def record(
    path: Path, shape: tuple[int, int, int], seed: int = 0, channels: int = 1
) -> dict[str, np.ndarray]:
    """Write a made-up record of choices ``(T,H,W)``; returns what is in it."""
    rng = np.random.default_rng(seed)
    length, height, width = shape
    held: dict[str, np.ndarray] = {
        name: rng.normal(size=shape).astype(np.float16) for name in ("value", "reward")
    }
    held["entropy"] = rng.uniform(0, np.log(4), shape).astype(np.float16)
    held["frames"] = rng.integers(0, 256, (length + 1, height, width, channels), np.uint8)
    held["target"] = rng.integers(0, 256, (height, width, channels), np.uint8)
    choices = rng.integers(0, len(EDITS), shape, np.uint8)
    save_choices(path, Recorded(choices, EDITS, {"name": "toy", "task": {"length": length}}, held))
    return {"choices": choices, **held}
