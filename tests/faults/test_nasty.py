"""Nasty inputs at every verb: one line that names the thing, or a result; nothing else is said."""

import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from nasty import ARRAYS, PICTURES, PLACES, RECIPES, SETTINGS, TABLES, WEIGHTS
from photos import write_photos
from pixelrl.cli.main import main


class Bench(NamedTuple):
    """Hold a folder to work in, a trained policy, and how commands are run."""

    folder: Path
    checkpoint: Path
    photo: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str) -> tuple[int, str]:
        """Run a command that is to end with a line, whatever it is given.

        Returns:
            Its status, and all that it said.
        """
        self.capsys.readouterr()
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # whoever warns says more than our line
            status = main(list(words))
        told = self.capsys.readouterr()
        lines = told.err.strip().splitlines()
        assert status in {0, 2, 3}, (words, told)
        if status:
            assert lines, words
            assert lines[-1].startswith("pixelrl: "), (words, lines)
            assert len(lines[-1]) < 2000
            assert lines[-1].isprintable(), (words, lines)
        assert not [line for line in lines if "Warning" in line or "Traceback" in line], lines
        left = [path for path in self.folder.rglob("*") if ".part" in path.name]
        assert not left, (words, left)
        return status, told.out + told.err


@pytest.fixture
def bench(
    tmp_path: Path,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Bench]:
    monkeypatch.chdir(tmp_path)
    photo = write_photos(tmp_path / "photos", 1, 24) / "photo0.png"
    before = photo.read_bytes()
    yield Bench(tmp_path, checkpoint, photo, capsys)
    assert photo.read_bytes() == before


@pytest.fixture(scope="module")
def choices(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("choices")
    photos = write_photos(folder, 1, 24)
    words = ["predict", "--checkpoint", str(checkpoint), "--out", str(folder / "out")]
    assert main([*words, f"data.predict.image={photos}"]) == 0
    return folder / "out" / "photo0.choices.npz"


def test_of_strange_pictures_each_is_edited_or_named(bench: Bench) -> None:
    folder = bench.folder / "strange"
    folder.mkdir()
    for name, content in PICTURES.items():
        (folder / name).write_bytes(content)
    shutil.copy(bench.photo, folder / "good.png")
    words = ("edit", "--checkpoint", str(bench.checkpoint), str(folder))
    status, told = bench.run(*words, "--out", "edited")
    edited = {path.name for path in (bench.folder / "edited").rglob("*") if path.is_file()}
    assert (status, "good.png" in edited) == (3, True)
    for name, content in PICTURES.items():
        assert (folder / name).read_bytes() == content
        stem = Path(name).stem
        assert any(stem in each for each in edited) or name in told, name
    for name in ("moving.gif", "ink.jpg", "gray, 16 bits.png", "few colors, one clear.png"):
        assert any(Path(name).stem in each for each in edited), name
    for name in ("program.png", "8 EB.png", "many samples.tif", "no numbers.tif", "circle.tif"):
        assert name in told, name


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.faults)])
def test_a_strange_picture_or_mask_anywhere_is_taken_or_named(
    bench: Bench, choices: Path, every: int
) -> None:
    for name in list(PICTURES)[::every]:
        strange = bench.folder / name
        strange.write_bytes(PICTURES[name])
        status, told = bench.run(
            *("replay", "--choices", str(choices), "--image", str(strange), "--out", "out.png")
        )
        assert status == 0 or strange.stem in told, name
        status, told = bench.run(
            *("edit", str(bench.photo), "--checkpoint", str(bench.checkpoint), "--again"),
            *("--out", "edited", "--forbid", f"median@{strange}"),
        )
        assert status == 0 or strange.stem in told, name
        status, told = bench.run(
            *("evaluate", "--checkpoint", str(bench.checkpoint), "--no-records"),
            *("--out", "scores", f"data.test.image='{strange}'"),
        )
        assert status == 0 or strange.stem in told, name


def test_whatever_stands_at_a_path_and_however_it_is_called(bench: Bench, choices: Path) -> None:
    for name, put in PLACES.items():
        path = bench.folder / name
        put(path)
        for words in (
            ("edit", "--checkpoint", str(bench.checkpoint), "--out", "edited", str(path)),
            ("replay", "--choices", str(path), "--image", str(bench.photo), "--out", "a.png"),
            ("replay", "--choices", str(choices), "--image", str(path), "--out", "a.png"),
            ("edit", str(bench.photo), "--out", "edited", "--checkpoint", str(path)),
            ("report", str(path), "--out", "report.html"),
            ("runs", str(path)),
            ("sweep", str(path), "--local", "--count", "1"),
            ("benchmark", str(path)),
            ("weights", str(path)),
            ("fit", "--task", "denoising", "--print-config", "--config", str(path)),
            ("pack", str(path), "--out", "a.safetensors"),
        ):
            bench.run(*words)


def test_settings_that_nobody_means_are_named(bench: Bench) -> None:
    for setting in SETTINGS:
        bench.run("fit", "--task", "denoising", "--print-config", setting)


def test_recipes_sweeps_and_benchmarks_of_strange_text_are_named(bench: Bench) -> None:
    for name, text in RECIPES.items():
        path = bench.folder / f"{name}.yaml"
        path.write_text(text)
        for words in (
            ("fit", "--task", "denoising", "--print-config", "--config", str(path)),
            ("sweep", str(path), "--local", "--count", "1"),
            ("benchmark", str(path)),
        ):
            status, told = bench.run(*words)
            assert not status or name in told or "learning." in told or "run." in told, told


def test_tables_of_no_numbers_are_read_around_or_named(bench: Bench, choices: Path) -> None:
    folder = bench.folder / "results"
    folder.mkdir()
    shutil.copy(choices, folder / "photo0.choices.npz")
    run = bench.checkpoint.parents[1]
    shutil.copytree(run, "copied/one")
    for text in TABLES.values():
        (folder / "scores.csv").write_text(text)
        status, told = bench.run("report", str(folder), "--out", "report.html")
        page = Path("report.html")
        assert status == 2 or "<script>alert" not in page.read_text(), told
        Path("copied/one/scores.csv").write_text(text)
        bench.run("runs", "copied")
        bench.run("runs", "--compare", "copied/one", str(run))
    bench.run("pack", "copied/one", "--out", "packed.safetensors")


def test_weights_of_any_head_are_refused_by_name(bench: Bench) -> None:
    for index, (name, content) in enumerate(WEIGHTS.items()):
        path = bench.folder / f"{name}.safetensors"
        path.write_bytes(content)
        photo = ("edit", str(bench.photo), "--out", "edited")
        every = (
            (*photo, "--weights", str(path)),
            ("fit", "--task", "denoising", "--dry-run", f"network.init='{path}'"),
            (*photo, "--checkpoint", str(path)),
        )
        status, told = bench.run(*every[index % 3])
        assert status == 2, name
        assert path.stem in told, told
    sparse = bench.folder / "sparse.safetensors"
    with sparse.open("wb") as file:
        file.truncate(10**12)
    status, told = bench.run("edit", str(bench.photo), "--weights", str(sparse))
    assert (status, "sparse.safetensors: 1000 GB, more than the 9" in told) == (2, True), told


def test_archives_of_any_claim_are_refused_by_name(bench: Bench) -> None:
    for index, (name, content) in enumerate(ARRAYS.items()):
        path = bench.folder / f"{name}.npz"
        path.write_bytes(content)
        every = (
            ("edit-choices", "--choices", str(path)),
            ("replay", "--choices", str(path), "--image", str(bench.photo), "--out", "a.png"),
            ("fit", "--task", "denoising", "--dry-run", f"network.init='{path}'"),
        )
        status, told = bench.run(*every[index % 3])
        assert status == 2, name
        assert path.stem in told, told


def test_choices_of_more_pixels_than_images_have_are_not_read(
    bench: Bench, choices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixelrl.records.file.MOST_PIXELS", 700)
    status, told = bench.run("edit-choices", "--choices", str(choices))
    assert (status, "choices of 32x24 pixels, more than the" in told) == (2, True), told


def test_settings_inside_choices_may_be_anything(bench: Bench, choices: Path) -> None:
    with np.load(choices) as stored:
        held = dict(stored)
    about = json.loads(str(held["about"]))
    experiment = about["experiment"]
    values: list[Any] = [
        None,
        3,
        "x",
        [],
        {},
        float("nan"),
        10**300,
        "\ud800",
        "a\nb",
        "x" * 99_999,
    ]
    for key in ("name", "task", "data", "learning", "network", "run"):
        for value in values[:: 1 if key in {"name", "task"} else 3]:
            told = {**about, "experiment": {**experiment, key: value}}
            np.savez("odd.choices.npz", **{**held, "about": np.array(json.dumps(told))})
            for words in (
                ("replay", "--image", str(bench.photo), "--out", "a.png"),
                ("edit-choices",),
            ):
                bench.run(words[0], "--choices", "odd.choices.npz", *words[1:])


def test_pictures_of_another_kind_are_never_run(bench: Bench, monkeypatch: Any) -> None:
    """Pillow hands PostScript to another program; here a picture is a picture or refused."""
    import subprocess

    def started(*words: object, **_: object) -> None:
        raise AssertionError(f"started {words}")

    monkeypatch.setattr(subprocess, "Popen", started)
    path = bench.folder / "photo.png"
    path.write_bytes(PICTURES["program.png"])
    with Image.open(path) as opened:
        assert opened.format == "EPS"  # as it would have been taken
    words = ("edit", "--checkpoint", str(bench.checkpoint), "--out", "edited", str(path))
    assert bench.run(*words)[0] == 3
