"""The way users go: fit, evaluate, predict, replay, a task of their own."""

import csv
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from photos import tiny, write_photos
from pixelrl.cli.main import main
from pixelrl.images.files import read_image
from pixelrl.records.file import Recorded, load_choices, save_choices
from pixelrl.records.write import KINDS


@pytest.mark.parametrize("task", ["denoising", "inpainting"])
def test_fit_evaluate_predict_replay(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = tiny(tmp_path, "run.name=one", "data.limit=0", "run.figures=svg")
    assert main(["fit", "--task", task, "--config", "smoke", *options]) == 0
    run = tmp_path / "runs" / "one"
    for left in ("config.yaml", "run.json", "scores.csv", "protocol.json"):
        assert (run / left).is_file()
    for kind in ("checkpoints/last.ckpt", "checkpoints/best.ckpt", "logs/metrics.csv"):
        assert (run / kind).is_file()
    assert len(list((run / "filmstrips").glob("episode-*.png"))) == 2
    assert {path.stem for path in run.glob("*.svg")} == {"curves", "calibration"}
    about = json.loads((run / "run.json").read_text())
    assert about["task"] == task
    assert about["versions"]["torch"] == torch.__version__

    scores = tmp_path / "scores"
    assert main(["evaluate", "--checkpoint", str(run), "--oracle", "--out", str(scores)]) == 0
    told = capsys.readouterr().out
    assert (scores / "calibration.svg").is_file()  # as the checkpoint says
    with (scores / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == ["photo0", "photo1", "photo2"]
    mean = np.mean([float(row["psnr"]) for row in rows])
    assert "mean of 3" in told
    assert f"{mean:.3f}" in told
    protocol = json.loads((scores / "protocol.json").read_text())
    assert protocol["mean"]["psnr"] == pytest.approx(mean)
    assert protocol["seed"] == 0
    for row in rows:  # the ceiling of the edits stands above what was reached
        assert float(row["oracle_psnr"]) > float(row["psnr"])

    out = tmp_path / "edited"
    photos = tmp_path / "photos"
    words = ["--checkpoint", str(run), "--out", str(out), f"data.predict.image={photos}"]
    assert main(["predict", *words, "--record", "--strip", "--gif"]) == 0
    assert {path.name for path in out.iterdir()} == {
        f"photo{n}{suffix}" for n in range(3) for suffix in KINDS
    }
    again = tmp_path / "again.png"
    choices = out / "photo1.choices.npz"
    files = ["--choices", str(choices), "--image", str(photos / "photo1.png")]
    assert main(["replay", *files, "--out", str(again)]) == 0
    assert again.read_bytes() == (out / "photo1.png").read_bytes()


def test_altered_choices_have_their_effect_where_they_were_altered(
    tmp_path: Path, checkpoint: Path
) -> None:
    photos, out = write_photos(tmp_path / "photos", count=1), tmp_path / "out"
    words = ["--checkpoint", str(checkpoint), "--out", str(out), f"data.predict.image={photos}"]
    assert main(["predict", *words]) == 0
    path = out / "photo0.choices.npz"
    recorded = load_choices(path)
    choices = recorded.choices.copy()
    keep = recorded.edits.index("keep")
    choices[:, :20] = keep
    save_choices(path, Recorded(choices, recorded.edits, recorded.experiment))
    files = ["--choices", str(path), "--image", str(photos / "photo0.png")]
    assert main(["replay", *files, "--out", str(tmp_path / "kept.png")]) == 0
    kept = read_image(tmp_path / "kept.png", 1)
    assert torch.equal(kept[:, :20], read_image(photos / "photo0.png", 1)[:, :20])
    # five steps of edits that look two pixels aside reach ten pixels across the line, no farther
    assert torch.equal(kept[:, 30:], read_image(out / "photo0.png", 1)[:, 30:])


def test_replay_tells_what_does_not_fit(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = write_photos(tmp_path / "photos", count=1), tmp_path / "out"
    words = ["--checkpoint", str(checkpoint), "--out", str(out), f"data.predict.image={photos}"]
    assert main(["predict", *words]) == 0
    path, photo = out / "photo0.choices.npz", photos / "photo0.png"
    recorded = load_choices(path)

    def told(choices: Path, image: Path) -> str:
        files = ["--choices", str(choices), "--image", str(image), "--out", str(tmp_path / "x.png")]
        assert main(["replay", *files]) == 2
        return capsys.readouterr().err

    assert "no such file" in told(tmp_path / "nowhere.npz", photo)
    assert "not a choice file" in told(photo, photo)
    larger = write_photos(tmp_path / "larger", count=1, size=60) / "photo0.png"
    assert "is of 56x48; replay it on its image" in told(path, larger)
    save_choices(
        path, Recorded(recorded.choices, ["other", *recorded.edits[1:]], recorded.experiment)
    )
    assert "recorded with edits other" in told(path, photo)
    wild = recorded.choices.copy()
    wild[0, 0, 0] = 200
    save_choices(path, Recorded(wild, recorded.edits, recorded.experiment))
    assert "below 9" in told(path, photo)


def test_damaged_images_beside_clean_ones_are_taken_as_they_are(
    tmp_path: Path, checkpoint: Path
) -> None:
    clean = write_photos(tmp_path / "clean", count=2)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in clean.iterdir():
        array = np.asarray(Image.open(path)).copy()
        array[10:14] = 255
        Image.fromarray(array).save(damaged / path.name)
    out = tmp_path / "scores"
    words = ["evaluate", "--checkpoint", str(checkpoint), "--out", str(out)]
    folders = [f"data.test={{image: {damaged}, target: {clean}}}"]
    assert main([*words, *folders]) == 0
    assert json.loads((out / "protocol.json").read_text())["problem"] == "as in the folders"
    with (out / "scores.csv").open() as file:
        row = next(csv.DictReader(file))
    one, two = (np.asarray(Image.open(f / "photo0.png"), float) for f in (damaged, clean))
    psnr = 10 * np.log10(255**2 / np.mean((one - two) ** 2))
    assert float(row["input_psnr"]) == pytest.approx(psnr, abs=1e-3)


TASK = '''
from dataclasses import dataclass
from pixelrl import Task, keep
from pixelrl.actions import shift
from pixelrl.rewards import squared_error_drop

@dataclass(frozen=True)
class Invert(Task):
    """Turn a photograph into its negative."""
    length: int = 3
    stride: float = 0.2
    def edits(self):
        return {"keep": keep, "up": shift(self.stride), "down": shift(-self.stride)}
    def problem(self, maps, rng):
        return {"image": maps["image"], "target": 1 - maps["image"]}
    def reward(self, before, after, scene):
        return squared_error_drop(before, after, scene["target"])
'''


def test_a_task_in_one_file_trains_without_packaging(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "mine.py").write_text(TASK)
    options = tiny(tmp_path, "run.name=own", "task.stride=0.3")
    assert main(["check", "--task", "mine:Invert"]) == 0
    assert main(["fit", "--task", "mine:Invert", *options]) == 0
    run = tmp_path / "runs" / "own"
    words = ["evaluate", "--checkpoint", str(run), "--out", str(tmp_path / "scores")]
    assert main(words) == 2  # a file alone may not choose what runs
    assert "--trust" in capsys.readouterr().err
    assert main([*words, "--task", "mine:Invert"]) == 0
    capsys.readouterr()
    assert main(["fit", "--task", "mine:Invrt", *options]) == 2
    assert "Did you mean 'Invert'" in capsys.readouterr().err
    assert main(["fit", "--task", "nowhere:Invert", *options]) == 2
    assert "module 'nowhere' fails to import" in capsys.readouterr().err


def test_a_task_is_found_by_its_entry_point_once_installed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    about = site / "negative-1.2.dist-info"
    about.mkdir(parents=True)
    (site / "negative.py").write_text(TASK)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: negative\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text("[pixelrl.tasks]\nnegative = negative:Invert\n")
    program = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "from pixelrl.cli.main import main\n"
        "assert main(['tasks']) == 0\n"
        f"sys.exit(main(['fit', '--task', 'negative', *{tiny(tmp_path)!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("negative "))
    assert line.endswith("Turn a photograph into its negative.  [negative 1.2]")


def test_loggers_by_the_same_names(tmp_path: Path) -> None:
    options = tiny(tmp_path, "run.name=logged", "run.loggers=[tensorboard]")
    assert main(["fit", "--task", "denoising", "--config", "smoke", *options]) == 0
    run = tmp_path / "runs" / "logged"
    assert list((run / "tensorboard").glob("events.out.tfevents.*"))
    with (run / "logs" / "metrics.csv").open() as file:
        columns = set(csv.DictReader(file).fieldnames or ())
    assert {"train/reward", "train/policy", "train/value", "train/entropy", "val/psnr"} <= columns


def test_wandb_offline_keeps_its_id_in_the_run(tmp_path: Path) -> None:
    options = tiny(tmp_path, "run.name=kept", "run.wandb=offline")
    words = ["fit", "--task", "denoising", "--config", "smoke", *options]
    done = subprocess.run(
        [sys.executable, "-m", "pixelrl", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "kept"
    identity = (run / "wandb-id.txt").read_text().strip()
    assert list((run / "wandb").glob(f"offline-run-*-{identity}/run-{identity}.wandb"))


def read_all(terminal: int) -> bytes:
    """Read what is written to a terminal until nobody has it open."""
    parts = []
    with suppress(OSError):  # how Linux says so
        while part := os.read(terminal, 4096):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.slow
def test_a_bar_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    fit = [sys.executable, "-m", "pixelrl", "fit", "--task", "denoising"]
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (30, 100))
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_all, parent)  # at once: a terminal holds little, then waits
        done = subprocess.run(
            [*fit, *tiny(tmp_path, "run.name=seen")],
            stdout=subprocess.DEVNULL,
            stderr=child,
            check=False,
        )
        os.close(child)
        shown = reading.result()
    os.close(parent)
    assert done.returncode == 0, shown.decode()
    assert b"6/6" in shown
    assert b"episodes" in shown
    done = subprocess.run(
        [*fit, *tiny(tmp_path, "run.name=unseen")], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"6/6" not in done.stderr
