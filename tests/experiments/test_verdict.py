"""A fit ends with a verdict: against no edit, against the best fixed sequence, on equal images."""

from pathlib import Path

import pytest

from photos import tiny
from pixelrl.config.compose import Experiment, compose
from pixelrl.experiments.evaluate import run_scoring
from pixelrl.experiments.verdict import judge
from pixelrl.runs.tables import Table
from pixelrl.training.checkpoint import build


def untrained(folder: Path) -> Experiment:
    return compose("denoising", overrides=tiny(folder, "task.length=2"))


def rows_with(reward: float) -> Table:
    rows = [{"image": f"photo{n}", "psnr": 20.0, "ssim": 0.5, "reward": reward} for n in range(3)]
    return Table(("image",), rows)


def test_three_lines_are_of_the_same_images_and_scores(tmp_path: Path) -> None:
    experiment = untrained(tmp_path)
    scored = run_scoring(build(experiment), experiment, tmp_path / "out")
    table = scored.table
    verdict = judge(experiment, table, scored.shares)
    nothing, sequence, policy = verdict.table.rows
    assert sum(scored.shares.values()) == pytest.approx(1, abs=1e-6)
    mean = sum(float(row["input_psnr"]) for row in table.rows) / 3
    assert nothing["psnr"] == pytest.approx(mean)
    assert policy["psnr"] == pytest.approx(sum(float(row["psnr"]) for row in table.rows) / 3)
    assert sequence["on the same images"] == "best fixed sequence"
    assert f"\nbest fixed sequence: {verdict.sequence}\n" in verdict.told() + "\n"
    assert verdict.sequence.split(",")[0].partition(" x")[0] in experiment.task.actions.names
    assert float(sequence["reward"]) > 0
    assert float(sequence["psnr"]) > float(nothing["psnr"])


@pytest.mark.parametrize(
    ("reward", "told"), [(-0.1, "worse than no edit"), (0.01, "one fixed sequence"), (99.0, "")]
)
def test_a_policy_that_loses_is_told_so(tmp_path: Path, reward: float, told: str) -> None:
    warnings = judge(untrained(tmp_path), rows_with(reward), {"keep": 0.5}).warnings
    assert (told in warnings[0]) if told else not warnings


def test_a_policy_of_one_edit_is_told_so(tmp_path: Path) -> None:
    verdict = judge(untrained(tmp_path), rows_with(99.0), {"keep": 0.01, "box": 0.99})
    assert verdict.warnings == [
        "99.0% of all choices are 'box'; the policy hardly looks at its image."
    ]
    assert "warning: 99.0%" in verdict.told()
