"""Sweeps whose trials take no time, and how they stand."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from pixelrl.cli.main import main
from pixelrl.sweeps.file import read_sweep
from pixelrl.sweeps.study import resume
from pixelrl.sweeps.trials import Trial

TRIAL = '''
"""A run in no time: log four validations that peak at x = 3 and y = up, then leave."""
import itertools, os, signal, sys, time
from pathlib import Path

given = dict(word.lstrip("-").split("=", 1) for word in sys.argv[1:] if "=" in word)
assert given["run.wandb"] == "disabled", given
x, y = float(given["x"]), given["y"]
held = Path(__file__).with_name("hold-" + given["run.name"])
seen = Path(__file__).with_name("seen-" + given["run.name"])

def is_waited_for(logged):
    """Tell whether a test holds this run, or wants each value to be looked at before the next."""
    looked = int(seen.read_text() or 0) if seen.exists() else 0
    return held.exists() or ("watched" in given and looked < logged)

print("begun", flush=True)
if y == "broken":
    sys.exit("this setting is broken")
if y == "term":
    os.kill(os.getpid(), signal.SIGTERM)
if y == "143":
    sys.exit(143)
run = Path(given["run.root"]) / given["run.name"]
logs = run / "logs" / "0"
logs.mkdir(parents=True)
top = -(x - 3) ** 2 + (y == "up")
with (logs / "metrics.csv").open("w") as file:
    print("step,val/psnr", file=file, flush=True)
    for step in range(4):
        print(f"{step},{top - 1 / (1 + step)}", file=file, flush=True)
        time.sleep(float(given.get("pause", 0)))
        for _ in itertools.takewhile(lambda _: is_waited_for(step + 1), range(60_000)):
            time.sleep(0.01)  # ten minutes at most, if the test is gone
if y != "unscored":
    (run / "scores.csv").write_text("image,psnr")
'''


def write_sweep(folder: Path, **changes: Any) -> Path:
    """Write a sweep over TRIAL, and TRIAL; a change to None leaves a key out."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trial.py").write_text(TRIAL)
    sweep = {
        "program": str(folder / "trial.py"),
        "method": "bayes",
        "metric": {"name": "val/psnr", "goal": "maximize"},
        "parameters": {"x": {"min": 0.0, "max": 10.0}, "y": {"values": ["down", "up"]}},
        "command": ["${env}", "${interpreter}", "${program}", "${args}"],
        **changes,
    }
    file = folder / "sweep.yaml"
    file.write_text(yaml.safe_dump({key: value for key, value in sweep.items() if value}))
    return file


def hold_run(file: Path, run: str) -> Path:
    """Let a run of a sweep wait after its first value, until what is returned is removed."""
    held = file.with_name(f"hold-{run}")
    held.touch()
    return held


def read_trials(file: Path, out: Path, address: str = "") -> list[Trial]:
    """Read how a sweep's trials stand."""
    return resume(read_sweep(file), out, seed=0, count=1000, address=address).trials()


def sweep(file: Path, *options: str, status: int = 0) -> list[Trial]:
    """Drive a sweep in ``out`` beside its file, and read its trials."""
    out = file.parent / "out"
    assert main(["sweep", str(file), "--local", "--out", str(out), *options]) == status
    return read_trials(file, out)


def start(file: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    """Drive a sweep by a process of its own, which leads a process group."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pixelrl",
            "sweep",
            str(file),
            "--local",
            "--out",
            str(out),
            *options,
        ],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something is there, as long as a process lives to bring it about."""
    while not reached():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process and all that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
