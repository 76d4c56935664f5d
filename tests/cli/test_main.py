"""Every verb's bad input is one line on stderr and status 2, never a traceback."""

import errno
import os
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from modules import SLOW, imported_by, run_python
from photos import tiny, write_photos
from pixelrl.cli.main import main
from pixelrl.cli.verbs import NAMES
from pixelrl.config.recipes import find_recipe
from pixelrl.data.kept import Kept
from pixelrl_tasks.denoising import Denoising

ROOT = Path(__file__).parents[2]


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(words) == 2
    told = capsys.readouterr().err.strip().splitlines()
    last = told[-1]
    assert last.startswith("pixelrl: "), told
    assert all(line.startswith("recipe: ") for line in told[:-1]), told
    return last.removeprefix("pixelrl: ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fti"], "no verb 'fti'. Did you mean 'fit'?"),
        (["fit"], "no task is named"),
        (["fit", "--task", "denoisng"], "Did you mean 'denoising'?"),
        (["fit", "--task", "denoising", "learning.rat=1"], "Did you mean 'learning.rate'?"),
        (["fit", "--task", "denoising", "lerning.rate=1"], "unknown key 'lerning.rate'"),
        (["fit", "--task", "denoising", "--tsk", "x"], "expected an option of the verb"),
        (["fit", "--task", "denoising", "--config", "nowhere"], "no recipe 'nowhere'"),
        (["fit", "--task"], "--task: expected one argument"),
        (["evaluate", "--split", "train"], "--split"),
        (["evaluate"], "no policy is named"),
        (["predict"], "no policy is named"),
        (["replay", "--choices", "a"], "required: --image, --out"),
        (["check"], "required: --task"),
        (["data", "nothing"], "nothing"),
        (["sweep", "denoising", "--format", "gif"], "--format: invalid choice: 'gif'"),
        (["fit", "--task", "denoising", "run.figures=gif"], "run.figures"),
    ],
)
def test_usage_errors(capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    assert told in refused(capsys, *words)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["tasks"],
        *([verb, "--help"] for verb in NAMES),
        ["fti"],
        ["fit", "--task", "denoisng"],
        ["fit", "--task", "denoising", "learning.rat=1"],
        ["fit", "--task", "denoising", "--config", "nowhere"],
        ["replay", "--choices", "a"],
    ],
)
def test_answers_known_from_names_import_nothing_slow(words: list[str]) -> None:
    assert not SLOW & imported_by(words)


def test_matplotlib_is_imported_when_something_is_drawn_and_not_before(
    tmp_path: Path, checkpoint: Path
) -> None:
    fit = ["fit", "--task", "denoising", "--dry-run", *tiny(tmp_path)]
    photos = f"data.predict.image={tmp_path / 'photos'}"
    edit = ["predict", "--checkpoint", str(checkpoint), "--out", str(tmp_path / "out"), photos]
    score = ["evaluate", "--checkpoint", str(checkpoint), "--out", str(tmp_path / "out")]
    program = (
        "import sys\nfrom lightning_utilities.core.imports import RequirementCache as Cache\n"
        # torchmetrics imports it by itself wherever it is installed; here it is not to find it.
        "found = Cache.__bool__\n"
        "Cache.__bool__ = lambda self: 'matplotlib' != self.requirement and found(self)\n"
        "import pixelrl\nfrom pixelrl.cli.main import main\n"
        f"for words in (['tasks', 'denoising'], {fit!r}, {edit!r}):\n"
        "    assert main(words) == 0, words\n"
        "    assert 'matplotlib' not in sys.modules, words\n"
        f"assert main({score!r}) == 0\n"
        "assert 'matplotlib' in sys.modules\n"
    )
    run_python(program)


def test_tasks_lists_name_summary_and_owner(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == 0
    told = capsys.readouterr().out
    assert "denoising" in told
    assert "Take Gaussian, Poisson or salt-and-pepper noise out of a photograph." in told
    assert "[pixelrl 0.1.0]" in told


def test_tasks_explains_every_key_of_a_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "denoising", "task.sigma=15"]) == 0
    told = capsys.readouterr().out
    assert "task.sigma=15.0  (float: gray levels from 0 to 510; default 25.0)" in told
    assert "    standard deviation of Gaussian noise, in gray levels." in told
    assert "task.noise=gaussian  (gaussian | poisson | salt_and_pepper)" in told
    assert "task.length=5  (int: more than zero, at most 1000)" in told
    assert {f"task.{item.name}=" for item in fields(Denoising)} <= set(
        re.findall(r"task\.\w+=", told)
    )
    assert "learning.rate=" not in told


def test_tasks_shows_the_recipe_that_fit_would_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "inpainting", "--all"]) == 0
    told = capsys.readouterr().out
    assert "task.length=5  (int: more than zero, at most 1000; default 15)" in told
    assert "learning.goal_episodes=2200  (int: from zero, at most 1000000000; default 0)" in told
    recipe = find_recipe("inpainting")
    assert f"recipe of `pixelrl fit --task inpainting`: {recipe}" in told
    assert all(f"    {line}" in told for line in recipe.read_text("utf-8").splitlines())


def test_tasks_shows_the_recipe_that_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "denoising", "--config", "published/denoising", "--all"]) == 0
    assert "network.kind=published  (published | goal)" in capsys.readouterr().out


def test_tasks_takes_settings_of_a_task_that_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no task is named" in refused(capsys, "tasks", "--all")
    assert "task.sigma" in refused(capsys, "tasks", "denoising", "task.sigma=-1")


def test_print_config_is_a_recipe(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["fit", "--task", "denoising", "--print-config", "--learning.rate=0.5"]) == 0
    recipe = tmp_path / "again.yaml"
    recipe.write_text(capsys.readouterr().out)
    again = ["fit", "--task", "denoising", "--config", str(recipe), "--print-config"]
    assert main(again) == 0
    assert capsys.readouterr().out == recipe.read_text()


def test_dry_run_leaves_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = tiny(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["fit", "--task", "denoising", "--dry-run", *options]) == 0
    assert "nothing was written" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


def test_check_says_that_the_built_in_tasks_keep_their_promises(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for task in ("denoising", "inpainting"):
        assert main(["check", "--task", task]) == 0
        assert "keeps every promise" in capsys.readouterr().out


def broken(folder: Path, kind: str) -> str:
    """Write one bad image beside good ones, and return what must be told of it."""
    path = folder / "broken.png"
    whole = (write_photos(folder) / "photo0.png").read_bytes()
    if kind == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
        return "broken.png: a damaged or unknown image"
    if kind == "empty":
        path.write_bytes(b"")
        return "broken.png: an empty file"
    if kind == "text":
        path.write_text("not a picture")
        return "broken.png: not an image"
    size = {"one pixel": 1, "smaller than a crop": 20}[kind]
    Image.fromarray(np.zeros((size, size), np.uint8)).save(path)
    return f"broken.png: {size}x{size} pixels are fewer than a crop of 24"


@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "one pixel", "smaller than a crop"])
def test_bad_images_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str
) -> None:
    told = broken(tmp_path / "bad", kind)
    options = tiny(tmp_path, f"data.train.image={tmp_path / 'bad'}")
    assert told in refused(capsys, "fit", "--task", "denoising", *options)
    assert not (tmp_path / "runs").exists()  # found before anything was begun


def test_folders_that_do_not_fit_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def told(*more: str) -> str:
        return refused(capsys, "fit", "--task", "denoising", *tiny(tmp_path, *more))

    (tmp_path / "empty").mkdir()
    assert "no images in" in told(f"data.train.image={tmp_path / 'empty'}")
    assert "no such folder" in told(f"data.val.image={tmp_path / 'nowhere'}")
    fewer = write_photos(tmp_path / "fewer", count=2)
    assert "photo2.png: no target of that name" in told(f"data.train.target={fewer}")
    larger = write_photos(tmp_path / "larger", size=64)
    assert "they must be equal" in told(f"data.train.target={larger}")
    assert "no folder is given for image" in told("data.train={target: x}")


def test_predict_needs_images_large_enough(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path
) -> None:
    words = ["predict", "--checkpoint", str(checkpoint), "--out", str(tmp_path / "out")]
    assert "pass data.predict.image=DIR" in refused(capsys, *words)
    dot = tmp_path / "dot.png"
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(dot)
    assert main([*words, f"data.predict.image={dot}"]) == 3
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if str(dot) in line and "1x1 pixels are too few" in line]


def test_files_that_are_no_checkpoints_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path
) -> None:
    def told(path: Path, *more: str) -> str:
        return refused(capsys, "evaluate", "--checkpoint", str(path), *more)

    assert "no such file" in told(tmp_path / "nowhere.ckpt")
    (tmp_path / "text.ckpt").write_text("hello")
    assert "not a checkpoint, or a damaged one" in told(tmp_path / "text.ckpt")
    whole = checkpoint.read_bytes()
    (tmp_path / "half.ckpt").write_bytes(whole[: len(whole) // 2])
    assert "not a checkpoint, or a damaged one" in told(tmp_path / "half.ckpt")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    assert "not one of pixelrl" in told(tmp_path / "other.ckpt")
    torch.save({"run": print}, tmp_path / "code.ckpt")  # would run code if it were let
    assert "not a checkpoint" in told(tmp_path / "code.ckpt")
    assert "of task 'denoising', not of 'inpainting'" in told(checkpoint, "--task", "inpainting")
    assert "set network.width" in told(checkpoint, "network.width=9")
    assert "no checkpoint in this run" in told(tmp_path)
    words = ["fit", "--task", "denoising", "--resume", "last", f"run.root={tmp_path}"]
    assert "no run of task 'denoising'" in refused(capsys, *words)


def test_weights_that_do_not_fit_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "bad.npz").write_text("hello")
    words = ["evaluate", "--task", "denoising", f"network.init={tmp_path / 'bad.npz'}"]
    assert "bad.npz" in refused(capsys, *words)


def test_a_used_run_name_is_not_overwritten(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "file").touch()
    options = tiny(tmp_path, "run.name=mine")
    assert "choose another run.name" in refused(capsys, "fit", "--task", "denoising", *options)


@pytest.mark.parametrize(
    ("code", "told"),
    [(errno.ENOSPC, "No space left on device"), (errno.EACCES, "Permission denied")],
)
def test_a_full_disk_or_a_forbidden_folder_is_told(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    told: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code), str(tmp_path))

    monkeypatch.setattr("lightning.pytorch.Trainer.save_checkpoint", refuse)
    assert told in refused(capsys, "fit", "--task", "denoising", *tiny(tmp_path))


def test_a_really_full_disk_is_told(capsys: pytest.CaptureFixture[str], checkpoint: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    photo = checkpoint.parent.parent.parent.parent / "photos" / "photo0.png"
    told = refused(
        capsys,
        *("predict", "--checkpoint", str(checkpoint), "--out", "/dev/full"),
        f"data.predict.image={photo}",
    )
    assert "/dev/full" in told


def test_an_error_in_a_loaders_process_is_one_line_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixelrl.data.module.KEPT", Kept(-1))  # learning begins before all are read
    folder = tmp_path / "bad"
    told = broken(folder, "truncated")
    (folder / "broken.png").rename(folder / "z-broken.png")
    options = tiny(tmp_path, f"data.train.image={folder}", "data.workers=1")
    line = refused(capsys, "fit", "--task", "denoising", *options)
    assert told.replace("broken.png", "z-broken.png") in line
    assert "Traceback" not in line
