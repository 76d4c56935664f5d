"""Recorded choices can be altered, and the record tells who changed what."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from photos import write_photos
from pixelrl.cli.main import main
from pixelrl.errors import ConfigError, DataError
from pixelrl.intervention.regions import Region
from pixelrl.records.edit import (
    ANY,
    Swap,
    describe_entry,
    read_swap,
    replace_choices,
    save,
    swap,
)
from pixelrl.records.file import Recorded, load_choices
from pixelrl.scores import psnr
from strategies import filled, seeds

EDITS = ("keep", "plus", "box")


def recorded(seed: int, length: int = 3, size: tuple[int, int] = (4, 5)) -> Recorded:
    choices = np.random.default_rng(seed).integers(3, size=(length, *size), dtype=np.uint8)
    arrays = {"entropy": np.zeros(choices.shape, np.float16)}
    return Recorded(choices, EDITS, {"task": "x"}, arrays)


@st.composite
def swaps(draw: st.DrawFn) -> Swap:
    old, new = draw(st.sampled_from([ANY, *EDITS])), draw(st.sampled_from(EDITS))
    inside = filled((4, 5), draw(seeds)) > 0.5
    region = draw(st.sampled_from([None, Region(inside, "mask")]))
    first = draw(st.integers(0, 2))
    return Swap(old, new, region, draw(st.sampled_from([None, range(first, 3)])))


@given(seeds, swaps())
def test_a_swap_replaces_what_it_names_where_and_when_it_says(seed: int, wish: Swap) -> None:
    before = recorded(seed)
    after = swap(before, wish)
    for step, y, x in np.ndindex(*after.shape):
        old = EDITS[before.choices[step, y, x]]
        meant = (
            wish.old in {ANY, old}
            and (wish.region is None or bool(wish.region.inside[y, x]))
            and (wish.steps is None or step in wish.steps)
        )
        assert EDITS[after[step, y, x]] == (wish.new if meant else old)
    assert after.dtype == np.uint8
    assert np.array_equal(before.choices, recorded(seed).choices)


@given(seeds, st.lists(swaps(), min_size=1, max_size=3))
def test_the_record_keeps_what_was_first_and_who_changed_what(
    seed: int, wishes: list[Swap]
) -> None:
    first = recorded(seed)
    once = replace_choices(first, wishes, "one")
    twice = replace_choices(once, wishes[:1], "two")
    assert np.array_equal(twice.arrays["original"], first.choices)
    assert set(twice.arrays) == {"original"}  # the entropy was that of another episode
    assert [entry["command"] for entry in twice.history] == ["one"] * len(wishes) + ["two"]
    assert first.history == ()
    changed, now = [], first
    for wish in wishes:
        after = swap(now, wish)
        changed.append(int((after != now.choices).sum()))
        now = now._replace(choices=after)
    assert [entry["changed"] for entry in once.history] == changed
    assert np.array_equal(once.choices, now.choices)


@given(seeds)
def test_files_keep_the_history(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path = tmp_path_factory.mktemp("record") / "x.choices.npz"
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    there = Region(filled((4, 5), seed) > 0.5, "sky.png")
    altered = replace_choices(
        recorded(seed), [Swap("box", "keep", there, range(1, 2))], "test", moment
    )
    save(path, altered)
    again = load_choices(path, with_arrays=True)
    assert again.history == altered.history
    assert np.array_equal(again.arrays["original"], recorded(seed).choices)
    assert [entry["what"] for entry in again.history] == ["box -> keep"]
    line = describe_entry(again.history[0])
    assert line.startswith(f"box -> keep in sky.png ({there.digest}) in step 2: ")
    assert line.endswith(" choices [test, 2026-01-02T03:04:05+00:00]")


def test_wishes_that_cannot_be_had_are_named() -> None:
    for wish, match in [
        (Swap("bx", "keep"), "no edit 'bx'. Did you mean 'box'"),
        (Swap(ANY, "kep"), "Did you mean 'keep'"),
        (Swap("box", "keep", None, range(3, 4)), "step 4: the episode has 3 steps"),
    ]:
        with pytest.raises(ConfigError, match=match):
            swap(recorded(0), wish)
    with pytest.raises(DataError, match="the mask is 2x2 pixels, the picture is 5x4"):
        swap(recorded(0), Swap("box", "keep", Region(torch.ones(2, 2, dtype=torch.bool), "mask")))
    with pytest.raises(ConfigError, match="expected OLD=NEW"):
        read_swap("box")
    assert read_swap("* = keep") == ("*", "keep")


# The command line


def test_alter_and_replay(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = write_photos(tmp_path / "photos", count=1) / "photo0.png"
    mask = np.zeros((48, 56), np.uint8)
    mask[:20] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    out = tmp_path / "out"
    words = ["--checkpoint", str(checkpoint), "--out", str(out), f"data.predict.image={photo}"]
    assert main(["predict", *words]) == 0
    choices, altered = out / "photo0.choices.npz", tmp_path / "altered.choices.npz"
    swapped = ["--replace", f"*=keep@{tmp_path / 'mask.png'}", "--replace", "keep=+1:5"]
    assert main(["edit-choices", "--choices", str(choices), *swapped, "--out", str(altered)]) == 0
    before, after = load_choices(choices), load_choices(altered)
    assert (after.choices[:4, :20] == after.edits.index("keep")).all()
    assert (after.choices[4, :20] == after.edits.index("+1")).all()
    assert np.array_equal(after.choices[:4, 20:], before.choices[:4, 20:])

    capsys.readouterr()
    assert main(["edit-choices", "--choices", str(altered)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"edits: {', '.join(after.edits)}"
    assert lines[1].startswith(f"* -> keep in {tmp_path / 'mask.png'} (")
    assert lines[2].startswith("keep -> +1 in step 5: ")

    again, change = tmp_path / "again.png", tmp_path / "change.png"
    files = ["--choices", str(altered), "--image", str(photo), "--map", f"target={photo}"]
    assert main(["replay", *files, "--out", str(again), "--difference", str(change)]) == 0
    one, other = (np.asarray(Image.open(path)).astype(int) for path in (out / "photo0.png", again))
    spoken = capsys.readouterr().out
    most = abs(one - other).max()
    assert (
        f"{(one != other).sum()} of {48 * 56} pixels differ from the outcome as recorded,"
        f" by {most} gray levels at most" in spoken
    )
    clean = torch.tensor(np.asarray(Image.open(photo)) / 255)[None, None]
    scores = [float(psnr(torch.tensor(each / 255)[None, None], clean)) for each in (one, other)]
    assert f"psnr: {scores[0]:.4f} as recorded, {scores[1]:.4f} now" in spoken
    drawn = np.asarray(Image.open(change))
    assert drawn.shape == (48, 56, 3)
    assert np.array_equal((drawn == 255).all(-1), one == other)  # white where nothing changed


def test_replay_of_an_unaltered_record_tells_its_scores_alone(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = write_photos(tmp_path / "photos", count=1) / "photo0.png"
    out = tmp_path / "out"
    words = ["--checkpoint", str(checkpoint), "--out", str(out), f"data.predict.image={photo}"]
    assert main(["predict", *words]) == 0
    capsys.readouterr()
    files = ["--choices", str(out / "photo0.choices.npz"), "--image", str(photo)]
    target = ["--map", f"target={out / 'photo0.png'}"]
    assert main(["replay", *files, *target, "--out", str(tmp_path / "x.png")]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "ssim: 1.0000",
        f"written: {tmp_path / 'x.png'}",
    ]


def test_mistakes_are_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.choices.npz"
    save(path, recorded(0))

    def refused(*words: str) -> str:
        assert main(["edit-choices", "--choices", str(path), *words]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        return lines[0]

    assert "--replace and --out need one another" in refused("--replace", "box=keep")
    assert "--replace and --out need one another" in refused("--out", "y.npz")
    assert "expected OLD=NEW" in refused("--replace", "box", "--out", "y.npz")
    assert "Did you mean 'box'" in refused("--replace", "boxx=keep", "--out", "y.npz")
    assert "takes no settings" in refused("task.sigma=3")
    assert "nowhere.npz: no such file" in refused("--choices", "nowhere.npz")
    broken = replace_choices(recorded(0), [Swap("box", "keep")], "test")
    save(path, broken._replace(arrays={"original": np.zeros((1, 1), np.uint8)}))
    assert "expected original (T,H,W) uint8" in refused()
