"""What is declared of a score is inherited, joined and kept; nothing is read out of its name."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pixelrl.scores
from pixelrl.declaration import (
    KNOWN,
    Score,
    as_plain,
    declare,
    find_score,
    from_plain,
    is_own,
    join,
)
from pixelrl.discovery import TASKS, list_installed, load
from pixelrl.errors import ContractError

NAMES = st.text("abcdefgh_", min_size=1, max_size=8).filter(is_own)
SCORES = st.builds(
    Score,
    NAMES,
    st.sampled_from(["", "dB", "Lab"]),
    higher_is_better=st.sampled_from([True, False, None]),
    digits=st.none() | st.integers(0, 12),
)


def test_a_score_without_a_declaration_tells_nothing() -> None:
    found = find_score(declare(), "loss_error")
    assert (found.unit, found.higher_is_better, found.arrow) == ("", None, "")
    assert found.title == "loss_error"


def test_scores_of_the_input_and_the_oracle_inherit() -> None:
    declared = declare([Score("gain", "log-odds", higher_is_better=True)])
    for name in ("gain", "input_gain", "oracle_gain"):
        found = find_score(declared, name)
        assert (found.name, found.unit, found.higher_is_better) == (name, "log-odds", True)
        assert found.title == f"{name} (log-odds)"
    assert [is_own(name) for name in ("gain", "input_gain", "oracle_gain")] == [True, False, False]
    exact = declare([Score("input_gain", "dB")])
    assert find_score(exact, "input_gain").unit == "dB"


@given(st.lists(SCORES, max_size=5))
def test_declarations_survive_json(scores: list[Score]) -> None:
    declared = {score.name: score for score in scores}
    names = [f"{prefix}{name}" for name in declared for prefix in ("input_", "", "oracle_")]
    plain = json.loads(json.dumps(as_plain(declared, names)))
    assert from_plain(plain) == declared
    assert as_plain(declared, ["another"]) == {}


@given(SCORES, SCORES)
def test_what_is_declared_in_two_ways_is_not_declared(one: Score, other: Score) -> None:
    joined = join([{"x": one}, {"x": other}, {"x": one}])
    assert joined["x"] == (one if one == other else Score("x"))


def test_values_are_written_with_the_declared_digits() -> None:
    score = Score("psnr", "dB", higher_is_better=True, digits=1)
    assert (score.text(28.847), score.with_unit(28.847)) == ("28.8", "28.8 dB")
    assert (score.text(math.inf), score.text(None), score.with_unit(None)) == ("inf", "", "none")
    assert [Score("x").text(value) for value in (0.5, -12.0)] == ["0.5000", "-12.000"]
    assert (score.arrow, Score("x", higher_is_better=False).arrow) == ("↑", "↓")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": ""}, "name: expected a name"),
        ({"name": "x", "unit": 3}, "unit: expected a text"),
        ({"name": "x", "higher_is_better": "yes"}, "expected True, False or None"),
        ({"name": "x", "digits": -1}, "digits: expected None or a whole number"),
        ({"name": "x", "digits": 2.5}, "digits: expected None or a whole number"),
    ],
)
def test_what_cannot_be_declared_is_told(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ContractError, match=told):
        Score(**wrong)  # type: ignore[arg-type]


def test_every_measure_of_pixelrl_is_known() -> None:
    measures = {"psnr", "ssim", "lab_error", "ciede2000"}
    assert measures | {"reward"} == {score.name for score in KNOWN}
    assert measures < set(pixelrl.scores.__all__)


def test_the_tasks_here_leave_none_of_their_scores_undeclared() -> None:
    """That what is declared is answered is `check_task`'s to check."""
    known = {point.name: declare(load(TASKS, point.name).declared_scores) for point in
             list_installed(TASKS) if point.value.startswith("pixelrl_tasks.")}  # fmt: skip
    assert set(known) >= {"denoising", "inpainting", "color_enhancement", "saliency_editing"}
    colors = ("lab_error", "ciede2000", "psnr", "ssim")
    assert [known["color_enhancement"][name].higher_is_better for name in colors] == [
        False, False, True, True,
    ]  # fmt: skip
