"""Compare the nine published edits' speed with OpenCV's filters and Kornia's, in one run.

    python tests/benchmarks/edits.py [--runs 30]

One thread each. Libraries take turns, and the best of the runs counts, in milliseconds of the
thread's own time, so that other programs on the machine disturb less. The last row computes all
nine candidates of a step: ours stacked as agents need them, Kornia's likewise, OpenCV's as they
come. Kornia's bilateral window is a square, of 25 pixels instead of 13: another filter.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from itertools import chain

import cv2
import numpy as np
import torch
from kornia.filters import bilateral_blur, box_blur, gaussian_blur2d, median_blur
from torch import Tensor

from pixelrl.cli.allocator import keep_memory
from pixelrl_tasks.denoising import Denoising

GRAY_LEVEL = 1 / 255

OPENCV: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "-1": lambda image: cv2.add(image, -GRAY_LEVEL),
    "+1": lambda image: cv2.add(image, GRAY_LEVEL),
    "gaussian 0.5": lambda image: cv2.GaussianBlur(image, (5, 5), 0.5),
    "bilateral 0.1": lambda image: cv2.bilateralFilter(image, 5, 0.1, 5.0),
    "median": lambda image: cv2.medianBlur(image, 5),
    "gaussian 1.5": lambda image: cv2.GaussianBlur(image, (5, 5), 1.5),
    "bilateral 1.0": lambda image: cv2.bilateralFilter(image, 5, 1.0, 5.0),
    "box": lambda image: cv2.boxFilter(image, -1, (5, 5)),
}

KORNIA: Mapping[str, Callable[[Tensor], Tensor]] = {
    "-1": lambda image: image - GRAY_LEVEL,
    "+1": lambda image: image + GRAY_LEVEL,
    "gaussian 0.5": lambda image: gaussian_blur2d(image, (5, 5), (0.5, 0.5)),
    "bilateral 0.1": lambda image: bilateral_blur(image, (5, 5), 0.1, (5.0, 5.0)),
    "median": lambda image: median_blur(image, (5, 5)),
    "gaussian 1.5": lambda image: gaussian_blur2d(image, (5, 5), (1.5, 1.5)),
    "bilateral 1.0": lambda image: bilateral_blur(image, (5, 5), 1.0, (5.0, 5.0)),
    "box": lambda image: box_blur(image, (5, 5), separable=True),
}


def jobs(image: Tensor) -> dict[str, tuple[Callable[[], object], ...]]:
    """List what is timed, by name: ours, OpenCV's and Kornia's way to do it."""
    actions = Denoising().actions
    planes = [np.ascontiguousarray(plane.numpy()) for plane in image.flatten(0, 1)]
    alone = {
        name: (
            lambda name=name: actions[name](image),
            lambda name=name: [OPENCV[name](plane) for plane in planes],
            lambda name=name: KORNIA[name](image),
        )
        for name in OPENCV
    }
    together = (
        lambda: actions.candidates(image),
        lambda: [[edit(plane) for edit in OPENCV.values()] for plane in planes],
        lambda: torch.stack([image, *(edit(image) for edit in KORNIA.values())], 1),
    )
    return {**alone, "all nine": together}


def clock(work: Callable[[], object]) -> float:
    """Measure one call, in milliseconds of this thread's time."""
    began = time.thread_time()
    work()
    return (time.thread_time() - began) * 1000


def compare(image: Tensor, runs: int) -> dict[str, tuple[float, float, float]]:
    """Time every job in turn; keep the best of each, ours, OpenCV's and Kornia's, by name."""
    ways = jobs(image)
    for work in chain(*ways.values()):
        work()  # warms up
    rounds = [[clock(work) for work in chain(*ways.values())] for _ in range(runs)]
    best = np.min(rounds, 0).reshape(-1, 3)
    return {name: tuple(row) for name, row in zip(ways, best.tolist(), strict=True)}


def lay_out(times: Mapping[str, tuple[float, float, float]]) -> str:
    """Make a table of milliseconds and ratios."""
    heads = ("ours", "OpenCV", "Kornia", "ours/OpenCV", "Kornia/ours")
    lines = [f"{'ms':14}" + "".join(f"{head:>13}" for head in heads)]
    for name, (ours, opencv, kornia) in times.items():
        cells = (ours, opencv, kornia, ours / opencv, kornia / ours)
        lines.append(f"{name:14}" + "".join(f"{cell:13.2f}" for cell in cells))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--size", default="481x321", help="of the photograph, in pixels")
    parser.add_argument("--batch", type=int, default=64, help="of 70x70 crops, as in learning")
    settings = parser.parse_args(arguments)
    width, height = map(int, settings.size.split("x"))
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rng = torch.Generator().manual_seed(0)
    try:
        for shape in ((1, 1, height, width), (settings.batch, 1, 70, 70)):
            with torch.inference_mode():
                times = compare(torch.rand(shape, generator=rng), settings.runs)
            print(f"{shape[0]} x {shape[3]}x{shape[2]}, best of {settings.runs}")
            print(lay_out(times), end="\n\n")
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])


if __name__ == "__main__":
    keep_memory()  # as the command line does
    main()
