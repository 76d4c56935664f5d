"""Tables know their keys, means say what they leave out, and wide tables fold."""

import csv
import io
import json
import math
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelrl.declaration import Score, declare
from pixelrl.runs.layout import lay_out, lay_out_means, lay_out_scores, markdown
from pixelrl.runs.protocol import describe_scores, write_json
from pixelrl.runs.tables import (
    Table,
    average,
    group_rows,
    list_notes,
    mean_values,
    means,
    write_csv,
)

NUMBERS = st.floats(-1e6, 1e6) | st.sampled_from([math.inf, -math.inf, math.nan])

STEPS = Table(
    ("image", "step"),
    [
        {"image": "a", "step": 0, "psnr": 20.0, "loss": 1.0},
        {"image": "a", "step": 1, "psnr": math.inf, "loss": 2.0},
        {"image": "b", "step": 0, "psnr": 30.0, "loss": math.nan},
        {"image": "b", "step": 1, "psnr": 25.0},
    ],
    declare(),
)


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "__stdout__", io.StringIO())


@given(st.lists(NUMBERS | st.none(), max_size=20))
def test_a_mean_is_one_of_finite_numbers_and_counts_the_others(
    cells: list[float | None],
) -> None:
    found = average(cells)
    finite = [cell for cell in cells if cell is not None and math.isfinite(cell)]
    assert (found.value is None) == (not finite)
    if found.value is not None:
        assert found.value == pytest.approx(sum(finite) / len(finite), abs=1e-6)
        assert min(finite) - 1e-6 <= found.value <= max(finite) + 1e-6
    assert found.finite + found.infinite + found.missing == len(cells)
    assert found.infinite == sum(cell in {math.inf, -math.inf} for cell in cells)
    assert bool(found.note) == (len(finite) < len(cells))


def test_keys_are_never_averaged_and_numbers_always() -> None:
    found = means(STEPS)
    assert list(found) == ["psnr", "loss"]
    assert mean_values(found) == {"psnr": 25.0, "loss": 1.5}
    assert list_notes(found, "here") == [
        "here, psnr: mean of 3 of 4, 1 infinite",
        "here, loss: mean of 2 of 4, 2 missing",
    ]
    assert mean_values(means(Table(("image",), [{"image": 1.0, "count": 2}]))) == {"count": 2.0}
    assert means(Table(("image",))) == {}


def test_groups_keep_the_order_of_their_rows() -> None:
    groups = group_rows(STEPS, "step")
    assert {step: len(group.rows) for step, group in groups.items()} == {0: 2, 1: 2}
    assert mean_values(means(groups[0])) == {"psnr": 25.0, "loss": 1.0}


def test_a_file_holds_numbers_as_they_are(tmp_path: Path) -> None:
    write_csv(tmp_path / "deep" / "a.csv", STEPS)
    with (tmp_path / "deep" / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image", "step", "psnr", "loss"]
    assert [row["psnr"] for row in rows] == ["20.0", "inf", "30.0", "25.0"]
    assert [row["step"] for row in rows] == ["0", "1", "0", "1"]
    assert rows[3]["loss"] == ""
    write_csv(tmp_path / "empty.csv", Table(("image",)))
    assert (tmp_path / "empty.csv").read_text().strip() == "image"


def test_a_protocol_is_valid_json_whatever_was_scored(tmp_path: Path) -> None:
    rows = [{"image": "a", "psnr": math.inf, "mine": math.nan, "ssim": 0.5}]
    told = describe_scores(Table(("image",), rows, declare()))
    write_json(tmp_path / "p.json", {**told, "deep": [{"x": -math.inf}, (1, math.nan)]})

    def refuse(token: str) -> None:
        raise AssertionError(token)

    read = json.loads((tmp_path / "p.json").read_text(), parse_constant=refuse)
    assert read["mean"] == {"psnr": None, "mine": None, "ssim": 0.5}
    assert read["left_out"] == {"psnr": {"infinite": 1}, "mine": {"missing": 1}}
    assert set(read["scores"]) == {"psnr", "ssim"}
    assert read["deep"] == [{"x": None}, [1, None]]


def test_scores_end_in_their_means_and_what_these_leave_out() -> None:
    lines = lay_out_scores(STEPS).splitlines()
    assert lines[0].split("  ")[0] == "image"
    assert lines[0].endswith("psnr (dB)    loss")
    assert lines[3].split() == ["a", "1", "inf", "2.000"]
    assert lines[-3].split() == ["mean", "of", "4", "25.000", "1.5000"]
    assert set(lines[1]) == set(lines[-4]) == {"-"}
    assert lines[-2:] == ["psnr: mean of 3 of 4, 1 infinite", "loss: mean of 2 of 4, 2 missing"]


def test_means_of_groups_name_the_group() -> None:
    lines = lay_out_means(STEPS, "image").splitlines()
    assert lines[2].split() == ["a", "20.000", "1.5000"]
    assert lines[3].split() == ["b", "27.500"]
    assert lines[4:] == [
        "a, psnr: mean of 1 of 2, 1 infinite",
        "b, loss: mean of 0 of 2, 2 missing",
    ]


def test_an_input_that_scores_zero_everywhere_is_not_shown() -> None:
    rows = [
        {"image": name, "input_gain": 0.0, "input_psnr": 20.0, "gain": 0.0} for name in ("a", "b")
    ]
    table = Table(("image",), rows)
    assert table.shown == ["image", "input_psnr", "gain"]
    assert table.columns == ["image", "input_gain", "input_psnr", "gain"]
    assert "input_gain" not in lay_out_scores(table) + markdown(table)


def test_markdown_tells_units_and_what_is_better() -> None:
    declared = declare([Score("mine", "Lab", higher_is_better=False), Score("bare")])
    row = {"name": "a | b", "psnr": 28.0, "mine": 3.5, "bare": 1.0, "other": None}
    assert markdown(Table(("name",), [row], declared)).splitlines() == [
        "| name | psnr (dB) ↑ | mine (Lab) ↓ | bare | other |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| a \\| b | 28.000 | 3.500 | 1.0000 |  |",
    ]


@given(
    widths=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    room=st.integers(10, 120),
    count=st.integers(1, 3),
)
def test_wide_tables_fold_into_blocks_that_lose_nothing(
    widths: list[int], room: int, count: int
) -> None:
    names = ["key", *(f"{index}" + "x" * width for index, width in enumerate(widths))]
    rows = [{name: f"{name}{number}" for name in names} for number in range(count)]
    table = Table(tuple(names), rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(room))
        folded = lay_out(table)
    blocks = [block.splitlines() for block in folded.split("\n\n")]
    for block in blocks:
        head = block[0].split()
        assert head[0] == "key"
        assert len(block) == count + 2
        assert len(block[1]) <= room or len(head) == 2  # no narrower is possible
        assert block[2].split() == [f"{name}0" for name in head]
    shown = [name for block in blocks for name in block[0].split()[1:]]
    assert shown == names[1:]
    assert lay_out(table).count("\n\n") == 0  # what is no terminal has no width
