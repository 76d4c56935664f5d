"""Measure what records take (docs/photographs.md).

python docs/measure_records.py color=FILE gray=FILE   # 102061 of CBSD68 and of BSD68
"""

import io
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Generator

import pixelrl
from pixelrl import Task
from pixelrl.images.files import read_image
from pixelrl.records.file import Recorded, save_choices
from pixelrl.records.write import trace_arrays
from pixelrl_tasks.denoising import Denoising
from pixelrl_tasks.inpainting import Inpainting

SIDE = 256


def measure(name: str, task: Task, photo: Path) -> dict[str, float]:
    """Tell the kB of a record's parts, of all of it today and at first, and what choices need."""
    clean = read_image(photo, task.channels)[:, :SIDE, :SIDE]
    damaged = task.problem({"image": clean}, Generator().manual_seed(0))["image"][None]
    module = pixelrl.load(name, device="cpu").policy.module
    edited = module.edit({"image": damaged}, with_trace=True)
    assert edited.trace is not None
    choices, arrays = edited.choices[:, 0].numpy().astype(np.uint8), trace_arrays(edited.trace)
    first = io.BytesIO()
    np.savez_compressed(first, choices=choices, **arrays)  # type: ignore[arg-type]
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.choices.npz")
        save_choices(path, Recorded(choices, module.task.actions.names, {}, arrays))
        with zipfile.ZipFile(path) as archive:
            parts = {each.filename: each.compress_size for each in archive.infolist()}
        whole = path.stat().st_size
    shares = [np.bincount(step.ravel()) / step.size for step in choices]
    bits = sum(-(share[share > 0] * np.log2(share[share > 0])).sum() for share in shares)
    sizes = {
        "at first": len(first.getvalue()),
        "today": whole,
        **parts,
        "a byte each": choices.size,
    }
    return {what: size / 1000 for what, size in sizes.items()} | {"entropy": bits * SIDE**2 / 8000}


if __name__ == "__main__":
    torch.set_num_threads(1)
    photos = {name: Path(path) for name, path in (each.split("=", 1) for each in sys.argv[1:])}
    noise, text = Denoising(channels=3, sigma=25), Inpainting(fonts="bundled")
    for name, task, kind in (("denoising", noise, "color"), ("inpainting-gray", text, "gray")):
        told = measure(name, task, photos[kind])
        print(name, ", ".join(f"{what} {size:.0f} kB" for what, size in told.items()))
