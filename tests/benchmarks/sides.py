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
from statistics import median
from typing import Literal, get_args

import torch

from benchmark_network import edit_ours, edit_plain, learn_ours, learn_plain
from benchmarks.measuring import alternate
from pixelrl.agents import find_weights
from pixelrl.cli.allocator import keep_memory
from pixelrl.rl.editing import edit_scene
from pixelrl.rl.network import PolicyValueNet
from pixelrl.training.checkpoint import restore
from plain_port import PlainNet

Side = Literal["ours", "port"]


def list_jobs(side: Side, size: tuple[int, int], batch: int) -> dict[str, Callable[[], None]]:
    """List what a side does: editing a photograph, learning from a batch; ours also aims."""
    width, height = size
    net = PolicyValueNet(1, 9)
    photo, crops = torch.rand(1, 1, height, width), torch.rand(batch, 1, 70, 70)
    if side == "port":
        port = PlainNet(net, 1)
        return {"edit": lambda: edit_plain(port, photo), "learn": lambda: learn_plain(port, crops)}
    # The same task, edits and steps as the port's, ending at a higher PSNR (docs/results.md).
    agents = restore(find_weights("denoising-25")).module.eval()

    def aim() -> None:
        edit_scene(agents.task, agents.policy, {"image": photo})

    return {
        "edit": lambda: edit_ours(net, photo),
        "learn": lambda: learn_ours(net, crops),
        "aim": aim,
    }


def time_apart(size: tuple[int, int], batch: int, runs: int) -> dict[str, float]:
    """Time the jobs of both sides in processes that take turns; the median of each, in seconds."""
    settings = ["--size", "{}x{}".format(*size), "--batch", str(batch)]
    jobs = [(side, job) for side in get_args(Side) for job in list_jobs(side, (8, 8), 1)]
    found: dict[str, list[float]] = {f"{side} {job}": [] for side, job in jobs}
    for _ in range(runs):
        for side, job in jobs:
            command = [sys.executable, "-m", "benchmarks.sides", side, job, *settings]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found[f"{side} {job}"].append(float(told))
    return {name: median(seconds) for name, seconds in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("side", choices=get_args(Side))
    parser.add_argument("job", choices=["edit", "learn", "aim"])
    parser.add_argument("--size", default="481x321", help="of the photograph, in pixels")
    parser.add_argument("--batch", type=int, default=8, help="crops of 70x70 to learn from")
    settings = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if settings.side == "ours":
        keep_memory()
    width, height = map(int, settings.size.split("x"))
    jobs = list_jobs(settings.side, (width, height), settings.batch)
    if settings.job not in jobs:
        parser.error(f"{settings.side} has no {settings.job}; expected one of {', '.join(jobs)}")
    print(alternate({settings.job: jobs[settings.job]}, runs=1)[settings.job])


if __name__ == "__main__":
    main()
