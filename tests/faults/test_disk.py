"""A disk that is full, read-only or gone: one line that names the file, and nothing cut is left.

A real small file system is mounted where that is permitted; elsewhere a limit on the size of files
stands in for it.
"""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from made_up import record
from pixelrl.api.notebook import write_whole as write_page
from pixelrl.cli.failures import explain_failure
from pixelrl.cli.main import main
from pixelrl.cli.scaffold import new_task
from pixelrl.drawing import charts
from pixelrl.drawing.gif import write_animation
from pixelrl.files import append_whole
from pixelrl.images.files import whole_picture, write_image
from pixelrl.images.photograph import read_photograph
from pixelrl.images.writing import write_photograph
from pixelrl.report import build
from pixelrl.runs.protocol import write_json
from pixelrl.runs.tables import Table, write_csv
from pixelrl.training.files import WholeCheckpoints
from pixelrl.training.rows import RowLogger
from pixelrl.training.weights import write_weights

ROOM = 8192
"""Bytes that are left on the disk."""


def noise(channels: int = 3, side: int = 200) -> torch.Tensor:
    return torch.rand(channels, side, side, generator=torch.Generator().manual_seed(0))


def pictures() -> list[Image.Image]:
    arrays = (255 * noise().movedim(0, -1)).byte().numpy()
    return [Image.fromarray(arrays), Image.fromarray(arrays[::-1].copy())]


def animate(path: Path) -> None:
    with whole_picture(path) as part:
        write_animation(part, pictures())


def photograph(path: Path) -> None:
    source = path.parent.parent / f"{path.parent.name}-{path.stem}-source.png"
    if not source.exists():
        pictures()[0].save(source)
    read = read_photograph(source, 3)
    write_photograph(path, read, read.image)


def chart(path: Path) -> None:
    figure = charts.make_figure(4, 3, "noise")
    figure.subplots().imshow(noise().movedim(0, -1).numpy())
    charts.save(figure, path)


def report(path: Path) -> None:
    folder = path.parent.parent / f"{path.parent.name}-records"
    if not folder.exists():
        record(folder / "a.choices.npz", (3, 60, 60), channels=3)
    build(folder, path)


def weigh(path: Path) -> None:
    from pixelrl.config.compose import compose

    write_weights(path, {"policy.a": torch.rand(30_000)}, compose("denoising"))


WRITERS: dict[str, Callable[[Path], object]] = {
    "a.choices.npz": lambda path: record(path, (3, 60, 60)),
    "a.strip.png": lambda path: write_image(path, noise()),
    "a.gif": animate,
    **{f"photo.{kind}": photograph for kind in ("png", "jpg", "webp", "bmp", "tif", "ppm")},
    "curve.png": chart,
    "curve.pdf": chart,
    "report.html": report,
    "page.html": lambda path: write_page(path, "x" * 50_000),
    "protocol.json": lambda path: write_json(path, {"x": ["y" * 20] * 2000}),
    "scores.csv": lambda path: write_csv(
        path, Table(("image",), [{"image": "n" * 50, "psnr": 1.0}] * 500)
    ),
    "last.ckpt": lambda path: WholeCheckpoints().save_checkpoint({"x": torch.rand(9000)}, path),
    "a.safetensors": weigh,
    "rows.jsonl": lambda path: append_whole(path, json.dumps(["x" * 20] * 2000).encode()),
}
"""What we write, each larger than the room that is left."""


@contextmanager
def small_disk(folder: Path, *options: str) -> Iterator[Path]:
    """Mount a disk of a hundred kilobytes; skips where that is not permitted."""
    folder.mkdir()
    mount = shutil.which("mount")
    words = ["-t", "tmpfs", "-o", ",".join(["size=100k", *options]), "tmpfs", str(folder)]
    if not mount or subprocess.run([mount, *words], check=False, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def limited(folder: Path) -> Iterator[Path]:
    """Let no file grow beyond the room, as a quota does."""
    resource = pytest.importorskip("resource", reason="no limits on this system")
    folder.mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def refused(write: Callable[[Path], object], path: Path) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what is told is looked at
        write(path)
    failure = explain_failure(caught.value)
    assert failure, caught.value
    assert str(path) in failure.line
    assert "\n" not in failure.line


OLD = b"what was here before\n"


@pytest.mark.parametrize("disk", ["full", "quota"])
def test_what_finds_no_room_is_named_and_leaves_what_was(tmp_path: Path, disk: str) -> None:
    folder = tmp_path / "disk"
    for name, write in WRITERS.items():  # what they need beside the disk is made before
        (tmp_path / "trial").mkdir(exist_ok=True)
        write(tmp_path / "trial" / name)
        for made in tmp_path.glob("trial-*"):
            made.replace(tmp_path / made.name.replace("trial", "disk", 1))
    with small_disk(folder) if disk == "full" else limited(folder):
        for name in WRITERS:
            (folder / name).write_bytes(OLD)
        if disk == "full":
            room = shutil.disk_usage(folder).free - ROOM
            (folder / "filler").write_bytes(bytes(room))
        before = sorted(folder.iterdir())
        for name, write in WRITERS.items():
            refused(write, folder / name)
            assert sorted(folder.iterdir()) == before, name
            assert (folder / name).read_bytes() == OLD, name
        if disk == "full":
            refused(lambda path: new_task("blurring", path), folder / "plugin")
            assert sorted(folder.iterdir()) == before


def test_a_disk_that_may_only_be_read_is_named(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "ro") as folder:
        for name, write in WRITERS.items():
            if name.startswith(("photo", "report")):
                continue  # these need a file beside the disk, and are written as pictures are
            refused(write, folder / name)
            with pytest.raises(Exception, match="disk") as caught:
                write(folder / "new" / name)
            assert explain_failure(caught.value), name
        assert list(folder.iterdir()) == []


def test_rows_are_appended_whole(tmp_path: Path) -> None:
    logger = RowLogger(tmp_path, 0)
    logger.log_metrics({"loss": 1.0}, 1)
    whole = logger.file.read_bytes()
    logger.file.write_bytes(whole + b'{"step": 2, "lo')  # as a kill leaves it
    logger.log_metrics({"loss": 0.5}, 3)
    told = logger.file.read_bytes()
    assert told.startswith(whole + b'{"step": 2, "lo\n{"step": 3')
    resource = pytest.importorskip("resource", reason="no limits on this system")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(told) + 10, before[1]))
        refused(lambda _: logger.log_metrics({"loss": 0.5}, 4), logger.file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert logger.file.read_bytes() == told


def test_a_folder_that_is_gone_is_one_line(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    photo = tmp_path / "photo.png"
    Image.fromarray(np.full((32, 32), 99, np.uint8)).save(photo)
    for words in (
        ["predict", "--checkpoint", str(checkpoint), "--out", "out", f"data.predict.image={photo}"],
        ["fit", "--task", "denoising", "run.root=runs", "learning.episodes=1"],
        ["new-task", "blurring"],
        ["runs"],
    ):
        capsys.readouterr()
        assert main(words) in {0, 2, 3}, words
        assert "Traceback" not in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)


def test_a_full_disk_behind_standard_output_is_one_line(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    with full.open("w") as out:
        done = subprocess.run(
            [sys.executable, "-m", "pixelrl", "tasks"],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "pixelrl: standard output: No space left on device.\n"
