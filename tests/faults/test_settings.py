"""Whatever a setting is given, it is taken or refused in one line that names it."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelrl.config.compose import compose
from pixelrl.errors import ConfigError, PixelRLError
from pixelrl.ranges import FOLDER, PLAIN
from pixelrl.settings import SECTIONS

KEYS = [f"{section}.{item.name}" for section, kind in SECTIONS.items() for item in fields(kind)]
TASKS = {
    "denoising": ("noise", "sigma", "sigma_min", "peak", "density", "clip", "channels", "length"),
    "inpainting": ("sizes", "rotation", "fonts"),
    "saliency_editing": ("direction", "model", "cap", "inside", "outside", "side", "masks"),
}

PAIRS = zip("abcdefgh", "bcdefghi", strict=True)
BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in PAIRS)
"""Stands for a hundred million values."""

numbers = st.one_of(
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.sampled_from([10**400, -1, 0, 2**63, 1e30, "1e400", "-0.0"]),
)
words = st.one_of(
    numbers.map(str),
    st.text(max_size=20),
    st.sampled_from(["null", "[]", "{}", "[nan]", "{a: .inf}", "\0", "x" * 5000, "../x", "???"]),
    st.lists(numbers, max_size=3).map(lambda each: json.dumps(each, default=str)),
)


@given(key=st.sampled_from(KEYS), text=words)
@settings(max_examples=60)
def test_any_text_for_any_setting(key: str, text: str) -> None:
    held(f"{key}={text}", "denoising", key)


@given(data=st.data(), task=st.sampled_from(list(TASKS)), text=words)
@settings(max_examples=40)
def test_any_text_for_any_setting_of_a_task(data: st.DataObject, task: str, text: str) -> None:
    key = f"task.{data.draw(st.sampled_from(TASKS[task]))}"
    held(f"{key}={text}", task, key)


def held(override: str, task: str, key: str) -> None:
    try:
        compose(task, overrides=[override])
    except PixelRLError as error:
        told = str(error)
        assert key.rpartition(".")[2] in told or "learning." in told, told
        assert len(told) < 7000


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("run.seed=-1", "run.seed: expected from zero, at most 4294967295, got -1"),
        (f"run.seed={10**400}", "run.seed: "),
        ("data.rotate=1e30", "data.rotate: expected degrees from 0 to 180"),
        ("data.workers=-1", "data.workers: expected from zero, at most 256, got -1"),
        ("learning.spread=100001", "learning.spread: expected 0 or an odd number"),
        ("learning.entropy=nan", "learning.entropy: expected a finite number, got nan"),
        ("learning.value=inf", "learning.value: expected a finite number, got inf"),
        ("network.widths=[8,-8]", "network.widths: expected more than zero"),
        ("run.name=../../escape", "run.name: expected the name of one folder"),
        ("run.name=..", "run.name: expected the name of one folder"),
        (f"run.name={'x' * 300}", "run.name: expected the name of one folder"),
        ("data.train.image=a\0b", "data.train.image: 'a\\x00b': expected"),
        ("data.train.image=\udcff", "data.train.image: '\\udcff': expected"),
        ("run.root=a\0b", "run.root: expected text"),
        ("run.root=\udcff", "run.root: expected text"),
        ("run.accelerator=abacus", "run.accelerator"),
        ("run.project=a/b", "run.project: expected a name"),
        ("task.channels=2", "task.channels: expected 1 (gray) or 3 (color)"),
        ("task.sigma=1e9", "task.sigma: expected gray levels"),
    ],
)
def test_a_setting_out_of_range_is_named(override: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        compose("denoising", overrides=[override])
    assert told in str(error.value)


@given(st.text())
def test_a_folders_name_stays_in_its_folder(name: str) -> None:
    if FOLDER.holds(name) and PLAIN.holds(name):
        assert Path("root", name).resolve() in {
            Path("root").resolve() / name,
            Path("root").resolve(),
        }


def test_a_section_of_comments_changes_nothing_and_what_must_be_given_is_asked_for(
    tmp_path: Path,
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("learning:\n  # rate: 0.01\ndata:\n  crop: 24\n")
    assert compose("denoising", [recipe]).data.crop == 24
    recipe.write_text("learning:\n  rate: ???\n")
    with pytest.raises(ConfigError, match=r"learning.rate: \?\?\? stands for a value"):
        compose("denoising", [recipe])


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "[" * 2000,
        "run: " + "{a: " * 2000,
        "run: &run {name: *run}",
        "run: {seed: 2026-99-99}",
        "run: {seed: !!python/object/apply:os.system [id]}",
        "\0",
        "run: [1, 2]",
        "run: 1\n run: 2",
        "1: 2",
        "- run",
        "run.seed.deep: 1",
        "'': 1",
        "? [a]\n: 1",
    ],
)
def test_a_recipe_of_any_content_is_one_line(tmp_path: Path, text: str) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(text)
    with pytest.raises(ConfigError, match=r"recipe.yaml"):
        compose("denoising", [recipe])
