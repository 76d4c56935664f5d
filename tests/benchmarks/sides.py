"""Time one job of one side in a process of its own, as a person would run it.

    PYTHONPATH=tests python -m benchmarks.sides {ours,port} {edit,learn,aim} [--size 481x321]

Ours keeps freed memory, as the command line does (`pixelrl.cli.allocator`); the port runs in plain
Python, where glibc maps every large tensor afresh (unless the process has learned before: so one
job alone). Prints the seconds of the thread's own time, after one run that warms up.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from torch import Tensor

from benchmark_network import edit_ours, edit_plain, learn_ours, learn_plain
from benchmarks.measuring import alternate
from pixelrl.agents import find_weights
from pixelrl.cli.allocator import keep_memory
from pixelrl.rl.editing import edit_scene
from pixelrl.rl.network import PolicyValueNet
from pixelrl.training.checkpoint import restore
from pixelrl.training.module import PixelA3C
from plain_port import PlainNet

JOBS = (("ours", "edit"), ("ours", "learn"), ("ours", "aim"), ("port", "edit"), ("port", "learn"))
"""What each side does: edit a photograph, learn from a batch; ours also aims."""


def make_job(side: str, job: str, size: tuple[int, int], batch: int) -> Callable[[], None]:
    """Make one of `JOBS`."""
    if job == "aim":
        # The same task, edits and steps as the port's, ending at a higher PSNR (docs/results.md).
        agents = restore(find_weights("denoising-25")).module.eval()
        photo = torch.rand(1, 1, size[1], size[0])
        return lambda: _aim(agents, photo)
    ours = PolicyValueNet(1, 9)
    net = PlainNet(ours, 1) if side == "port" else ours
    ways = {"edit": (edit_ours, edit_plain), "learn": (learn_ours, learn_plain)}[job]
    images = torch.rand(1, 1, size[1], size[0]) if job == "edit" else torch.rand(batch, 1, 70, 70)
    return partial(ways[side == "port"], net, images)


def _aim(agents: PixelA3C, photo: Tensor) -> None:
    edit_scene(agents.task, agents.policy, {"image": photo})


def time_apart(size: tuple[int, int], batch: int, runs: int) -> dict[str, float]:
    """Time the jobs of both sides in processes that take turns; the median of each, in seconds."""
    settings = ["--size", "{}x{}".format(*size), "--batch", str(batch)]
    found: dict[str, list[float]] = {f"{side} {job}": [] for side, job in JOBS}
    for _ in range(runs):
        for side, job in JOBS:
            command = [sys.executable, "-m", "benchmarks.sides", side, job, *settings]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found[f"{side} {job}"].append(float(told))
    return {name: median(seconds) for name, seconds in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("side", choices=["ours", "port"])
    parser.add_argument("job", choices=["edit", "learn", "aim"])
    parser.add_argument("--size", default="481x321", help="of the photograph, in pixels")
    parser.add_argument("--batch", type=int, default=8, help="crops of 70x70 to learn from")
    settings = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if settings.side == "ours":
        keep_memory()
    width, height = map(int, settings.size.split("x"))
    if (settings.side, settings.job) not in JOBS:
        parser.error(f"{settings.side} has no {settings.job}")
    job = make_job(settings.side, settings.job, (width, height), settings.batch)
    print(alternate({settings.job: job}, runs=1)[settings.job])


if __name__ == "__main__":
    main()
