"""How benchmarks measure: the sides take turns, and medians are compared."""

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

Work = Callable[[], object]


def alternate(ways: Mapping[str, Work], runs: int, device: str = "cpu") -> dict[str, float]:
    """Time ways to do the same in turn, after one run of each that warms up.

    On one thread of the CPU its own time counts, which other programs disturb less; else the
    wall's, until the device is done.

    Returns:
        The median of each, in seconds.
    """
    found: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(runs + 1):
        for name, work in ways.items():
            spent = clock(work, device)
            if run:
                found[name].append(spent)
    return {name: median(spent) for name, spent in found.items()}


def clock(work: Work, device: str = "cpu") -> float:
    """Time one call, in seconds."""
    if device == "cpu" and torch.get_num_threads() == 1:
        began = time.thread_time()
        work()
        return time.thread_time() - began
    finish_device(device)
    began = time.perf_counter()
    work()
    finish_device(device)
    return time.perf_counter() - began


def finish_device(device: str) -> None:
    """Wait until a device has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def describe_hardware(device: str = "cpu") -> dict[str, str]:
    """Name what was measured on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = named[0].partition(": ")[2] if named else cpu
    found = {
        "cpu": cpu,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
    }
    if device == "cuda":
        found["accelerator"] = torch.cuda.get_device_name()
    return found


def lay_out(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Make a Markdown table; numbers get three digits."""
    told = [
        [f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows
    ]
    lines = [heads, ["---"] * len(heads), *told]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
