"""What a run will need is proven before it begins; what goes wrong anyway is one line."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from PIL import Image, UnidentifiedImageError

from photos import tiny, write_photos
from pixelrl.cli.failures import explain_failure
from pixelrl.cli.main import main
from pixelrl.data.kept import Kept
from pixelrl.files import check_writable, whole_file


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_every_file_of_every_split_is_read_before_a_run_has_a_name(
    tmp_path: Path, split: str, dry: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_photos(tmp_path / split)
    last = photos / "photo2.png"
    last.write_bytes(last.read_bytes()[:-400])
    options = tiny(tmp_path, f"data.{split}.image={photos}", "run.name=one")
    assert main(["fit", "--task", "denoising", *dry, *options]) == 2
    assert f"{last}: a damaged or unknown image" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_names_that_results_cannot_have_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_photos(tmp_path / "test", 1)
    first = photos / "photo0.png"
    options = tiny(tmp_path, f"data.test.image={photos}")
    for name, told in (
        (os.fsencode("a") + b"\xff.png", "not UTF-8"),
        (b"x" * 240 + b".png", "240"),
    ):
        path = os.fsencode(photos) + b"/" + name
        try:
            os.rename(first, path)  # noqa: PTH104 - a name of bytes
        except OSError:
            continue  # a file system that knows no such names
        assert main(["fit", "--task", "denoising", *options]) == 2
        assert told in capsys.readouterr().err
        os.rename(path, first)  # noqa: PTH104


@pytest.mark.parametrize("setting", ["run.wandb=online", "run.accelerator=gpu"])
def test_what_cannot_start_is_told_before_a_run_has_a_name(
    tmp_path: Path,
    setting: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr("wandb.login", lambda **_: False)
    monkeypatch.setenv("WANDB_MODE", "offline")  # what is asked for stands above it
    options = tiny(tmp_path, "run.name=one", setting)
    assert main(["fit", "--task", "denoising", *options]) == 2
    assert setting.partition("=")[0].removeprefix(
        "run."
    ) in capsys.readouterr().err.lower().replace("w&b", "wandb")
    assert not (tmp_path / "runs" / "one").exists()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file/runs"):
        check_writable(tmp_path / "file" / "runs")
    check_writable(tmp_path / "a" / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_error_of_the_system_names_the_file_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / ("ü" * 60 + ".csv")

    def fill() -> None:
        with whole_file(path) as part:
            part.write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left") as error:
        fill()
    assert error.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


ERRORS = {
    "stale": OSError(errno.ESTALE, "Stale file handle", "runs/a"),
    "too large": OSError(errno.EFBIG, "File too large", "runs/a"),
    "picture": UnidentifiedImageError("cannot identify image file runs/a"),
    "bomb": Image.DecompressionBombError("runs/a is too large"),
    "lightning": pl.utilities.exceptions.MisconfigurationException("runs/a"),
    "memory": MemoryError("runs/a"),
    "encoding": UnicodeEncodeError("ascii", "runs/a\xb1", 6, 7, "ordinal not in range"),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_errors_of_others_are_told_from_their_class(kind: str) -> None:
    failure = explain_failure(ERRORS[kind])
    assert failure is not None
    assert failure.status == 2
    assert "runs/a" in failure.line or kind == "memory"
    assert "\n" not in failure.line


def test_faults_of_the_program_keep_their_traceback() -> None:
    for error in (ZeroDivisionError(), TypeError("x"), KeyError("x"), RuntimeError("x")):
        assert explain_failure(error) is None


def test_a_closed_pipe_ends_quietly_and_any_encoding_will_do() -> None:
    words = [sys.executable, "-m", "pixelrl", "tasks", "denoising"]
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUNBUFFERED": "1"}
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, env=env, check=False)
    os.close(write)
    assert done.returncode == 141
    assert done.stderr == b""


def test_memory_is_bounded_in_bytes() -> None:
    kept = Kept(1000)
    for number in range(9):
        kept.get(number, lambda: torch.zeros(300, dtype=torch.uint8).numpy())
        assert kept.used <= 1000
    assert kept.full == (kept.used >= 900)
