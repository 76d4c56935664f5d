"""Measure learning and editing on an accelerator, in one call of under eight minutes.

    PYTHONPATH=tests python -m benchmarks.gpu --out FOLDER

Runs the suite's tests of accelerators, then an episode of the published size (64 crops of 70x70,
five steps) beside the plain port's, a batch of the agents that aim, where an episode's time goes,
and what share of the device's own matrix products it reaches. Leaves `gpu.json`, `gpu.md` and a
trace of one episode (`trace.json`, for `chrome://tracing`). Without an accelerator it measures the
CPU; `--batch 2 --side 24 --runs 1 --tests off` is over in seconds.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.episodes import (
    make_plain_conv,
    make_scene,
    our_episode,
    plain_episode,
)
from benchmarks.measuring import alternate, clock, describe_hardware, lay_out
from pixelrl.data.module import Crops
from pixelrl.rl.aim import GoalPolicy
from pixelrl.rl.network import PolicyValueNet
from pixelrl.rl.optimizers import make_optimizer
from pixelrl.rl.returns import RewardMapConv
from pixelrl.settings import Data
from pixelrl.task import reward_map
from pixelrl.training.goal_phase import goal_losses
from pixelrl_tasks.denoising import Denoising
from plain_port import PlainNet

TASK = Denoising()
EDITS = len(TASK.actions)


def measure_peak(device: str, side: int, runs: int) -> dict[str, float]:
    """Measure matrix products of ``side`` squared, in operations per second, by their type."""
    found = {}
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        one = torch.rand(side, side, device=device, dtype=dtype)
        spent = alternate({name: lambda one=one: one @ one}, runs, device)[name]
        found[name] = 2 * side**3 / spent
    return found


def measure_episodes(device: str, scene: dict[str, Tensor], runs: int) -> dict[str, Any]:
    """Time learning from an episode: ours, ours in bfloat16, and the plain port's."""
    net = PolicyValueNet(1, EDITS).to(device)
    plain, conv = PlainNet(net, 1).to(device), RewardMapConv(33).to(device)
    plain_conv = make_plain_conv(device)
    ours = our_episode(TASK, net, conv, make_optimizer([net, conv], "adam", 1e-3), scene)
    other = make_optimizer([plain, plain_conv], "adam", 1e-3)
    seconds = alternate(
        {
            "ours, float32": ours,
            "ours, bfloat16": under_autocast(ours, device),
            "plain port, float32": plain_episode(plain, plain_conv, other, scene),
        },
        runs,
        device,
    )
    with FlopCounterMode(display=False) as counter:
        ours()
    return {"seconds": seconds, "operations": counter.get_total_flops(), "episode": ours}


def under_autocast(work: Callable[[], object], device: str) -> Callable[[], object]:
    """Do the same with the network in bfloat16."""

    def in_bfloat16() -> None:
        with torch.autocast(device, torch.bfloat16):
            work()

    return in_bfloat16


def measure_goal(device: str, scene: dict[str, Tensor], runs: int) -> float:
    """Time one batch of the goal phase, in seconds."""
    net = GoalPolicy(TASK).goal.to(device)
    optimizer = make_optimizer([net], "muon", 1e-3)

    def work() -> None:
        optimizer.zero_grad()
        goal_losses(TASK, net, scene).total(torch.ones((), device=device)).backward()
        optimizer.step()

    return alternate({"goal": work}, runs, device)["goal"]


def measure_parts(device: str, scene: dict[str, Tensor], runs: int) -> dict[str, float]:
    """Time the parts of an episode alone, in seconds per episode."""
    net, image = PolicyValueNet(1, EDITS).to(device), scene["image"]
    batch, side = image.shape[0], image.shape[-1]
    crops = Crops(TASK, Data(crop=side, batch=batch), seed=0)

    def network() -> None:
        memory, total = None, image.new_zeros(())
        for _ in range(TASK.length):
            output = net(image, memory)
            memory = output.memory.detach()
            total = total + output.logits.square().mean() + output.value.square().mean()
        total.backward()

    def data() -> None:
        for number in range(batch):
            crops[number, number % len(crops)]

    edits = repeat(lambda: TASK.candidates(image, scene))
    reward = repeat(lambda: reward_map(TASK, image, scene["target"], scene))
    parts = {"network": network, "edits": edits, "reward": reward}
    return {**alternate(parts, runs, device), "data": alternate({"data": data}, runs)["data"]}


def repeat(work: Callable[[], object]) -> Callable[[], object]:
    """Do something as often as an episode has steps."""

    def all_steps() -> None:
        for _ in range(TASK.length):
            work()

    return all_steps


def trace_episode(work: Callable[[], object], device: str, file: Path) -> None:
    """Leave the trace of one episode."""
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device == "cuda" else [])]
    with profile(activities=kinds) as trace:
        clock(work, device)
    trace.export_chrome_trace(str(file))


def run_tests(seconds: int) -> str:
    """Run the suite's tests of accelerators; returns the last line of what was said."""
    words = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider"]
    folder = Path(__file__).parents[1]
    try:
        done = subprocess.run(
            [*words, str(folder)], capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return f"not finished after {seconds} s"
    return done.stdout.strip().rpartition("\n")[2]


def measure(device: str, batch: int, side: int, runs: int, folder: Path) -> dict[str, Any]:
    """Measure all but the tests, and leave the trace."""
    scene = make_scene(batch, side, device)
    peak = measure_peak(device, 8192 if device == "cuda" else 256, runs)
    episodes = measure_episodes(device, scene, runs)
    trace_episode(episodes.pop("episode"), device, folder / "trace.json")
    seconds = episodes["seconds"]
    reached = {
        kind: episodes["operations"] / seconds[f"ours, {kind}"] / peak[kind]
        for kind in ("float32", "bfloat16")
    }
    return {
        "hardware": describe_hardware(device),
        "sizes": {"batch": batch, "side": side, "steps": TASK.length, "runs": runs},
        "peak": peak,
        "episode": episodes,
        "share_of_peak": reached,
        "goal": measure_goal(device, scene, runs),
        "parts": measure_parts(device, scene, runs),
    }


def tell(found: dict[str, Any]) -> str:
    """Lay out what was measured."""
    seconds = found["episode"]["seconds"]
    plain, batch = seconds["plain port, float32"], found["sizes"]["batch"]
    rows = [
        (f"an episode, {name}", 1000 * spent, plain / spent, batch / spent)
        for name, spent in seconds.items()
    ]
    rows.append(("a batch of the goal phase", 1000 * found["goal"], "", batch / found["goal"]))
    rows += [
        (f"of it alone: {name}", 1000 * spent, "", "") for name, spent in found["parts"].items()
    ]
    rows += [
        (f"share of measured peak, {kind}", f"{100 * share:.1f} %", "", "")
        for kind, share in found["share_of_peak"].items()
    ]
    return lay_out(("what", "ms", "times the plain port's speed", "crops per s"), rows)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("gpu-report"))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--side", type=int, default=70)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--tests", choices=("on", "off"), default="on")
    settings = parser.parse_args(arguments)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    settings.out.mkdir(parents=True, exist_ok=True)
    found = measure(device, settings.batch, settings.side, settings.runs, settings.out)
    if settings.tests == "on":
        found["tests"] = run_tests(240)
    (settings.out / "gpu.json").write_text(json.dumps(found, indent=1))
    table = f"{json.dumps(found['hardware'])}\n\n{tell(found)}\n"
    (settings.out / "gpu.md").write_text(table)
    print(table)
    print(found.get("tests", ""))


if __name__ == "__main__":
    main()
