"""What a fit comes to: no edit, the best fixed sequence of edits, and the policy, side by side."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from pixelrl.config.compose import Experiment
from pixelrl.data.module import Whole
from pixelrl.experiments.baselines import find_best_sequence, name_sequence
from pixelrl.maps import Scene, exact
from pixelrl.runs.layout import lay_out
from pixelrl.runs.tables import Row, Table, mean_values, means
from pixelrl.task import Task

SAME = "on the same images"
"""The column that tells the rows apart."""
SEQUENCE = "best fixed sequence"
"""What its row is called, and the line that names its edits."""
MOST = 8
"""So many images at most, for the sequence is searched on them."""
LONGEST = 1024
"""Larger images, by their longer side in pixels, are left out."""
ONE_SIDED = 0.98
"""The share of all choices from which on one edit counts as the only one."""


class Verdict(NamedTuple):
    """Hold what a fit comes to.

    Attributes:
        table: no edit, the best fixed sequence and the policy, with the task's scores and the
            reward on the same images; without rows if no image is small enough.
        warnings: what a person should know of, a sentence each.
        sequence: the best fixed one's edits, in words; empty if no image is small enough.
    """

    table: Table
    warnings: Sequence[str]
    sequence: str = ""

    def told(self) -> str:
        """Lay it out for a terminal, an empty text for nothing."""
        table = [lay_out(self.table), f"{SEQUENCE}: {self.sequence}"] if self.table.rows else []
        return "\n".join([*table, *(f"warning: {warning}" for warning in self.warnings)])


@torch.no_grad()
def judge(experiment: Experiment, policy: Table, shares: Mapping[str, float]) -> Verdict:
    """Compare a policy with what needs no learning, on the first few test images.

    The sequence is chosen on these very images, which favors it over the policy.

    Args:
        experiment: tells task, data and seed.
        policy: the policy's scores, a row per test image, in order.
        shares: of the edits among all choices, by name.

    Returns:
        The verdict.
    """
    task = experiment.task
    images = Whole(task, experiment.data, "test", experiment.run.seed)
    scenes: list[Scene] = []
    ours: list[Row] = []
    for index, row in enumerate(policy.rows):
        scene = {name: value.unsqueeze(0) for name, value in images[index].items()}
        if max(scene["image"].shape[-2:]) <= LONGEST:
            scenes.append(scene)
            ours.append(row)
        if len(scenes) == MOST:
            break
    warnings = [
        f"{share:.1%} of all choices are '{name}'; the policy hardly looks at its image."
        for name, share in shares.items()
        if share > ONE_SIDED
    ]
    if not scenes:
        return Verdict(Table((SAME,)), warnings)
    sequence, played = find_best_sequence(task, scenes)
    nothing = _scored(task, [scene["image"] for scene in scenes], scenes)
    rows: list[Row] = [
        {SAME: "no edit", **nothing, "reward": 0.0},
        {
            SAME: SEQUENCE,
            **_scored(task, played.images, scenes),
            "reward": played.reward,
        },
    ]
    found = mean_values(means(Table(policy.keys, ours)))
    rows.append({SAME: "policy", **{name: found[name] for name in (*nothing, "reward")}})
    reward = float(found["reward"] or 0.0)
    table = Table((SAME,), rows, policy.declared)
    told = name_sequence(task, sequence)
    return Verdict(table, [*_losses(reward, played.reward), *warnings], told)


def _losses(policy: float, sequence: float) -> list[str]:
    """Say what a policy loses against, by its mean reward."""
    if policy <= 0:
        return ["the policy leaves images worse than no edit would; do not use it."]
    if policy < sequence:
        return ["the policy earns less than one fixed sequence of edits; learn longer."]
    return []


def _scored(
    task: Task, images: Sequence[torch.Tensor], scenes: Sequence[Scene]
) -> dict[str, float | None]:
    rows: list[Row] = []
    for image, scene in zip(images, scenes, strict=True):
        with exact(image.device):
            scores = task.scores(image, scene)
        rows.append({name: float(score[0]) for name, score in scores.items()})
    return mean_values(means(Table((), rows)))
