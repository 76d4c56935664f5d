"""Compare with a plain port of the official path, OpenCV and Kornia, all in one run.

    PYTHONPATH=tests python -m benchmarks.ratios [--record FILE] [--against FILE] [--plot FILE]

Sides take turns on one thread, and medians of the thread's own time are compared; the plain port is
compared with twice, as it runs (see `benchmarks.sides`) and with the memory kept that our command
line keeps. Every ratio says how many times as fast (or small) ours is. `--against` compares with
recorded ratios and ends with status 1 if one has lost more than 15 %: ratios and not times, so that
other hardware may be compared with, which is then said. Of editing, the plain port's side and that
of published agents are the network alone; agents that aim edit, too. `nox -s ratios` compares with
`tests/benchmarks/recorded.json`.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import cv2
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from benchmarks.edits import jobs
from benchmarks.measuring import alternate, describe_hardware, lay_out
from benchmarks.sides import JOBS, make_job, time_apart
from pixelrl.cli.allocator import keep_memory
from pixelrl.data.module import Crops
from pixelrl.rl.network import PolicyValueNet
from pixelrl.settings import Data
from pixelrl_tasks.denoising import Denoising
from plain_port import PlainNet

LOSS = 0.15
"""The share of a ratio that may be lost before it counts."""


def compare_networks(size: tuple[int, int], batch: int, runs: int) -> dict[str, float]:
    """Compare editing and learning with the plain port, and the agents that aim with both.

    First as each is run, in processes of their own; then here, where the port, too, has the memory
    that is kept, so that what is left is the networks' own difference.
    """
    apart = time_apart(size, batch, runs)
    jobs = {f"{side} {job}": make_job(side, job, size, batch) for side, job in JOBS}
    here = alternate(jobs, runs)
    return {
        f"{name} / {other}": seconds[f"port {theirs}"] / seconds[f"ours {ours}"]
        for other, seconds in (("plain port", apart), ("port with our memory", here))
        for name, ours, theirs in (
            ("editing, published agents", "edit", "edit"),
            ("editing, agents that aim", "aim", "edit"),
            ("learning", "learn", "learn"),
        )
    }


def compare_edits(size: tuple[int, int], runs: int) -> dict[str, float]:
    """Compare all nine candidates with OpenCV's and Kornia's filters."""
    image = torch.rand(1, 1, size[1], size[0])
    with torch.inference_mode():
        ways = dict(zip(("ours", "OpenCV", "Kornia"), jobs(image)["all nine"], strict=True))
        seconds = alternate(ways, runs)
    return {f"nine candidates / {name}": seconds[name] / seconds["ours"] for name in list(ways)[1:]}


def compare_data(batch: int, runs: int) -> dict[str, float]:
    """Compare crops from files kept in memory with crops whose files are read each time."""
    loaders: Mapping[str, Crops] = {
        name: Crops(Denoising(), Data(cache_mb=cache), seed=0)
        for name, cache in (("kept", 2000), ("read", 0))
    }

    def load(crops: Crops) -> list[dict[str, Tensor]]:
        return [crops[number, number % len(crops)] for number in range(batch)]

    seconds = {  # one after the other: what one keeps, the other drops
        name: alternate({name: lambda crops=crops: load(crops)}, runs)[name]
        for name, crops in loaders.items()
    }
    return {"data, files kept / read each time": seconds["read"] / seconds["kept"]}


def compare_start(runs: int) -> dict[str, float]:
    """Compare how long `--help` takes with importing torch."""

    def start(*words: str) -> float:
        timed = "import os, subprocess, sys; subprocess.run(sys.argv[1:], stdout=-3, check=True);"
        timed += "spent = os.times(); print(spent.children_user + spent.children_system)"
        command = [sys.executable, "-c", timed, sys.executable, *words]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    found = [(start("-c", "import torch"), start("-m", "pixelrl", "--help")) for _ in range(runs)]
    torch_alone, told = (sorted(side)[len(side) // 2] for side in zip(*found, strict=True))
    return {"--help / importing torch": torch_alone / told}


def compare_memory(size: tuple[int, int]) -> dict[str, float]:
    """Compare what a step allocates at most with the plain port's."""
    ours = PolicyValueNet(1, 9)
    plain, photo = PlainNet(ours, 1), torch.rand(1, 1, size[1], size[0])
    state = torch.cat([photo, photo.new_zeros(1, 64, *photo.shape[2:])], 1)
    with torch.inference_mode():
        memory = ours(photo, None, with_value=False).memory
        least = measure_peak(lambda: ours(photo, memory, with_value=False))
        most = measure_peak(lambda: plain(state))
    return {"memory of a step / plain port": most / least}


def measure_peak(work: Callable[[], object]) -> int:
    """Measure how many bytes a call's tensors take at most, beyond those that were there before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        work()
    events = seen.profiler.kineto_results.events()
    steps = sorted((each.start_ns(), each.nbytes()) for each in events if each.name() == "[memory]")
    return max(accumulate(size for _, size in steps))


def compare_all(size: tuple[int, int], batch: int, runs: int) -> dict[str, Any]:
    """Measure every ratio."""
    ratios = {
        **compare_networks(size, batch, runs),
        **compare_edits(size, 5 * runs),
        **compare_data(8 * batch, runs),
        **compare_start(runs),
        **compare_memory(size),
    }
    sizes = {"size": "x".join(map(str, size)), "batch": batch, "runs": runs}
    return {"hardware": describe_hardware(), "sizes": sizes, "ratios": ratios}


def find_losses(now: Mapping[str, Any], recorded: Mapping[str, Any]) -> list[str]:
    """Name the ratios that have lost more than `LOSS` since they were recorded, a line each."""
    return [
        f"{name}: {now['ratios'].get(name, 0.0):.2f}, recorded {ratio:.2f}"
        for name, ratio in recorded["ratios"].items()
        if now["ratios"].get(name, 0.0) < (1 - LOSS) * ratio
    ]


def draw(ratios: Mapping[str, float], file: Path) -> None:
    """Draw the ratios as bars from one: to the right ours is faster, to the left slower."""
    figure = Figure(figsize=(8, 0.8 + 0.4 * len(ratios)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(1, color="0.6", linewidth=1, zorder=0)
    colors = ["#2a788e" if ratio >= 1 else "#b8627d" for ratio in ratios.values()]
    widths = [ratio - 1 for ratio in ratios.values()]
    bars = axes.barh(list(ratios), widths, left=1, height=0.6, color=colors)
    axes.bar_label(bars, [f"{ratio:.2g}x" for ratio in ratios.values()], padding=4)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(min(0.5, *ratios.values()) / 2, max(2.0, *ratios.values()) * 1.6)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("times as fast (or small) as the other")
    figure.savefig(file, dpi=120)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", default="481x321", help="of the photograph, in pixels")
    parser.add_argument("--batch", type=int, default=8, help="crops of 70x70 to learn from")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--record", type=Path, help="where the ratios are left")
    parser.add_argument("--against", type=Path, help="recorded ratios; their sizes are taken")
    parser.add_argument("--plot", type=Path, help="where the bars are drawn")
    settings = parser.parse_args(arguments)
    if settings.against and not settings.against.is_file():
        parser.error(f"{settings.against}: nothing is recorded there yet; --record leaves it")
    recorded = json.loads(settings.against.read_text()) if settings.against else None
    sizes = recorded["sizes"] if recorded else vars(settings)
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(0)
    try:
        width, height = map(int, sizes["size"].split("x"))
        found = compare_all((width, height), sizes["batch"], sizes["runs"])
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
    print(json.dumps(found["hardware"]))
    print(lay_out(("ours / the other", "times as fast or small"), list(found["ratios"].items())))
    if settings.record:
        settings.record.write_text(json.dumps(found, indent=1) + "\n")
    if settings.plot:
        draw(found["ratios"], settings.plot)
    return judge(found, recorded) if recorded else 0


def judge(now: Mapping[str, Any], recorded: Mapping[str, Any]) -> int:
    """Tell what was lost; returns 1 if anything was."""
    if now["hardware"] != recorded["hardware"]:
        print(f"Recorded on other hardware, of which only ratios compare: {recorded['hardware']}")
    losses = find_losses(now, recorded)
    for line in losses:
        print(f"lost more than {LOSS:.0%}: {line}")
    return 1 if losses else 0


if __name__ == "__main__":
    keep_memory()  # as the command line does
    sys.exit(main())
