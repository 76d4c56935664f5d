"""Measure what reinforcement adds: agents learned in four ways, each in the same time.

    PYTHONPATH=tests python -m benchmarks.reinforcement [--minutes 4] [--seeds 3] [--way NAME ...]
        [KEY=VALUE ...]

Denoising at sigma 25, on one thread. Agents that aim learn their goal alone, or spend a part of the
time on reinforcement; published agents learn by the published rule (A3C with reward-map
convolution), from nothing or from a supervised start. How many batches a stage may take is found by
timing a few of it; seconds are the process's own, so that other programs disturb them little.
Settings such as `data.train.image=FOLDER` go to every run.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory

from benchmarks.measuring import describe_hardware, lay_out
from pixelrl.cli.allocator import keep_memory
from pixelrl.config.compose import Experiment, compose
from pixelrl.config.recipes import find_recipe
from pixelrl.experiments.fit import fit
from pixelrl.experiments.pretrain import pretrain
from pixelrl.runs.directory import BEST
from pixelrl.runs.tables import means

TASK = "denoising"
PUBLISHED = ("data.batch=8", "data.crop=64", "data.val_crop=160", "data.workers=0")
SHORT, LONG = 2, 12
"""Batches of the two runs whose difference tells what a batch takes."""


@dataclass(frozen=True)
class Stage:
    """Describe a part of a way to learn.

    Attributes:
        counts: the setting that says how many batches it takes.
        share: of the way's time.
        recipe: what is set at first.
        settings: what is set besides.
        supervised: whether it learns a start for the next stage, instead of agents.
    """

    counts: str
    share: float = 1.0
    recipe: str = "denoising"
    settings: tuple[str, ...] = ()
    supervised: bool = False

    def compose(self, batches: int, seed: int, settings: Sequence[str]) -> Experiment:
        """Put its experiment together."""
        given = [*self.settings, *settings, f"{self.counts}={batches}", f"run.seed={seed}"]
        given += [f"run.validate_every={batches}", f"run.checkpoint_every={batches}"]
        return compose(
            TASK, [find_recipe(self.recipe)], [*given, "run.threads=1", "run.accelerator=cpu"]
        )


GOAL = Stage("learning.goal_episodes", settings=("learning.episodes=0",))
AIMED = Stage("learning.episodes", settings=("learning.goal_episodes=0",))
A3C = Stage("learning.episodes", recipe="published/denoising", settings=PUBLISHED)
WAYS: Mapping[str, tuple[Stage, ...]] = {
    "a goal alone": (GOAL,),
    "a goal, then reinforcement": (replace(GOAL, share=0.75), replace(AIMED, share=0.25)),
    "published rule, from nothing": (A3C,),
    "published rule, from a supervised start": (
        replace(A3C, share=0.5, supervised=True),
        replace(A3C, share=0.5),
    ),
}


def run(stage: Stage, batches: int, seed: int, settings: Sequence[str]) -> tuple[Path, float]:
    """Go through a stage; returns what it kept, and the PSNR on the test images (0 for a start)."""
    experiment = stage.compose(batches, seed, settings)
    if stage.supervised:
        return pretrain(experiment), 0.0
    fitted = fit(experiment)
    return fitted.directory / BEST, means(fitted.scores)["psnr"].value or 0.0


def time_batch(stage: Stage, settings: Sequence[str]) -> float:
    """Time a batch of a stage, in seconds of a core: starting and scoring not counted."""
    spent = []
    for batches in (SHORT, SHORT, LONG):  # the first pays for what is loaded only once
        began = time.process_time()
        run(stage, batches, 0, settings)
        spent.append(time.process_time() - began)
    return max((spent[2] - spent[1]) / (LONG - SHORT), 1e-3)


def learn(
    way: Sequence[Stage], batches: Sequence[int], seed: int, settings: Sequence[str]
) -> float:
    """Learn in a way; returns the PSNR on the test images."""
    start: list[str] = []
    psnr = 0.0
    for stage, count in zip(way, batches, strict=True):
        kept, psnr = run(stage, count, seed, [*settings, *start])
        start = [f"network.init={kept}"]
    return psnr


def compare(minutes: float, seeds: int, ways: Sequence[str], settings: Sequence[str]) -> str:
    """Learn in each way with every seed; returns a table."""
    rows = []
    for name in ways:
        way = WAYS[name]
        each = [60 * minutes * stage.share / time_batch(stage, settings) for stage in way]
        batches = [max(1, round(count)) for count in each]
        found = [learn(way, batches, seed, settings) for seed in range(seeds)]
        spread = f"{stdev(found):.2f}" if seeds > 1 else ""
        rows.append((name, " + ".join(map(str, batches)), f"{mean(found):.2f}", spread))
        print(name, batches, found, flush=True)
    return lay_out(("learned by", "batches", "PSNR, mean of seeds", "their deviation"), rows)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="for every run")
    parser.add_argument(
        "--minutes", type=float, default=4, help="of a core, that each way may take"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--way", action="append", choices=list(WAYS), help="only this one; may be repeated"
    )
    given = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        table = compare(
            given.minutes,
            given.seeds,
            given.way or list(WAYS),
            [*given.settings, f"run.root={folder}"],
        )
    print(describe_hardware())
    print(table)
    return 0


if __name__ == "__main__":
    keep_memory()  # as the command line does
    sys.exit(main())
