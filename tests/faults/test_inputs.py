"""Bad files of every kind for every verb: one line that names the file, or as if it were whole.

The default suite takes a sample; ``nox -s faults`` takes all.
"""

import json
import os
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from inputs import DAMAGES, PLACES, WRONG, lasting, misplace, place
from photos import write_photos
from pixelrl.cli.main import main
from pixelrl.errors import PixelRLError
from pixelrl.records.file import load_choices, save_choices
from pixelrl.training.checkpoint import restore
from pixelrl.training.files import DIGEST, digest_of

KINDS = [*DAMAGES, *PLACES]
VERBS = {
    "checkpoint evaluated": ("last.ckpt", ["evaluate", "--checkpoint", "{bad}"]),
    "checkpoint predicted with": ("last.ckpt", ["predict", "--checkpoint", "{bad}"]),
    "checkpoint to begin from": (
        "last.ckpt",
        ["evaluate", "--task", "denoising", "network.init={bad}", "network.width=8"],
    ),
    "weights": ("weights.npz", ["evaluate", "--task", "denoising", "network.init={bad}"]),
    "layers": ("net.caffemodel", ["evaluate", "--task", "denoising", "network.init={bad}"]),
    "choices replayed": (
        "photo0.choices.npz",
        ["replay", "--choices", "{bad}", "--image", "{photo}", "--out", "{out}"],
    ),
    "choices told": ("photo0.choices.npz", ["edit-choices", "--choices", "{bad}"]),
    "picture replayed": (
        "photo0.png",
        ["replay", "--choices", "{choices}", "--image", "{bad}", "--out", "{out}"],
    ),
    "picture scored": (
        "photo0.png",
        ["evaluate", "--checkpoint", "{checkpoint}", "data.test.image={bad}", "--no-records"],
    ),
    "mask of a rule": (
        "mask.png",
        ["predict", "--checkpoint", "{checkpoint}", "--forbid", "median@{bad}"],
    ),
    "recipe": (
        "recipe.yaml",
        ["fit", "--task", "denoising", "--config", "{bad}", "--print-config"],
    ),
    "sweep file": ("sweep.yaml", ["sweep", "{bad}", "--local", "--count", "1"]),
    "benchmark file": ("rows.yaml", ["benchmark", "{bad}"]),
}
"""Which file a verb reads, and its words."""

EVERY = [(verb, kind) for verb in VERBS for kind in KINDS]
SAMPLE = 9
"""Of so many bad inputs the default suite takes one."""


def sampled(every: list[Any]) -> list[Any]:
    return [
        each if index % SAMPLE == 0 else pytest.param(*each, marks=pytest.mark.faults)
        for index, each in enumerate(every)
    ]


@pytest.fixture(scope="module")
def whole(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one whole file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    photos = write_photos(folder, 1, 24)
    shutil.copy(checkpoint, folder / "last.ckpt")
    words = ["predict", "--checkpoint", str(checkpoint), "--out", str(folder / "out")]
    assert main([*words, f"data.predict.image={photos / 'photo0.png'}"]) == 0
    shutil.copy(folder / "out" / "photo0.choices.npz", folder)
    np.savez(folder / "weights.npz", **{"conv1/W": np.zeros((3, 1, 3, 3), np.float32)})
    (folder / "net.caffemodel").write_bytes(b"\n\x05IRCNN\xa2\x06\x0a\n\x05layer" * 8)
    inside = np.zeros((24, 32), np.uint8)
    inside[5:15, 5:15] = 255
    Image.fromarray(inside).save(folder / "mask.png")
    (folder / "recipe.yaml").write_text("learning: {rate: 0.01}\ndata: {crop: 24, train: {}}\n")
    (folder / "rows.yaml").write_text("rows: [{name: a, checkpoint: none.ckpt}]\n")
    (folder / "sweep.yaml").write_text("method: nothing\nparameters: {x: {values: [1, 2]}}\n")
    return folder


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("verb", "kind"), sampled(EVERY))
def test_a_bad_file_is_named_in_one_line(
    whole: Path, tmp_path: Path, verb: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, words = VERBS[verb]
    bad = tmp_path / "in" / name
    bad.parent.mkdir()
    place(bad, kind, (whole / name).read_bytes())
    known = {
        "bad": bad,
        "photo": whole / "photo0.png",
        "choices": whole / "photo0.choices.npz",
        "checkpoint": whole / "last.ckpt",
        "out": tmp_path / "out.png",
    }
    filled = [word.format(**known) for word in words]
    if "predict" in words or "data.test.image={bad}" not in words:
        filled += [f"data.{'predict' if 'predict' in words else 'test'}.image={known['photo']}"] * (
            words[0] in {"predict", "evaluate"}
        )
    capsys.readouterr()
    status = main(filled)
    told = capsys.readouterr().err.strip().splitlines()
    assert status in {0, 2}
    if status:
        assert told[-1].startswith("pixelrl: ")
        assert bad.stem in told[-1] or "no such file" in told[-1], told[-1]
        assert len(told[-1]) < 2000
    else:
        assert kind not in {"noise", "missing", "pipe", "loop"}
        assert name.endswith(".yaml") or kind not in {"empty", "zeros"}


FILES = ("run.json", "config.yaml", "protocol.json", "scores.csv", "logs/metrics.jsonl")


@pytest.fixture(scope="module")
def run(checkpoint: Path) -> Path:
    return checkpoint.parents[1]


@pytest.mark.parametrize(
    ("name", "kind"), sampled([(name, kind) for name in FILES for kind in KINDS])
)
def test_a_damaged_run_hides_no_other_and_is_named(
    run: Path, tmp_path: Path, name: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in ("good", "hurt"):
        shutil.copytree(run, tmp_path / "runs" / each)
    bad = tmp_path / "runs" / "hurt" / name
    content = bad.read_bytes()
    bad.unlink()
    place(bad, kind, content)
    capsys.readouterr()
    assert main(["runs", str(tmp_path / "runs")]) == 0
    shown = capsys.readouterr()
    rows = [line.split()[0] for line in shown.out.splitlines()[2:]]
    assert "good" in rows
    assert "hurt" in rows or str(bad) in shown.err or kind in {"missing", "loop"}
    assert main(["report", str(bad.parent), "--out", str(tmp_path / "report.html")]) in {0, 2}
    capsys.readouterr()


def test_wrong_types_in_a_runs_files_hide_no_other(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in ("good", "hurt"):
        shutil.copytree(run, tmp_path / "runs" / each)
    for name in ("run.json", "protocol.json"):
        bad = tmp_path / "runs" / "hurt" / name
        content = bad.read_text()
        of_all = islice(lasting(json.loads(content)), 0, None, 7)
        for text in of_all if name == "run.json" else some(content):
            bad.write_text(text)
            assert main(["runs", str(tmp_path / "runs")]) == 0, text
            assert "good" in capsys.readouterr().out, text
            compared = [
                "runs",
                "--compare",
                *(str(tmp_path / "runs" / n) for n in ("good", "hurt")),
            ]
            assert main(compared) in {0, 2}, text
            capsys.readouterr()
        bad.write_text(content)


def some(content: str) -> Iterator[str]:
    told = json.loads(content)
    for key in ("mean", "left_out", "scores", "shares"):
        for wrong in islice(misplace(told.get(key, {})), 0, 60, 5):
            yield json.dumps({**told, key: wrong})


def test_wrong_types_in_choices_are_refused(whole: Path, tmp_path: Path) -> None:
    recorded = load_choices(whole / "photo0.choices.npz", with_arrays=True)
    path = tmp_path / "wrong.choices.npz"
    words = ["replay", "--choices", str(path), "--image", str(whole / "photo0.png")]
    for wrong in islice(misplace({"name": "denoising", "task": {}, "data": {"tile": 0}}), 80):
        if isinstance(wrong, dict):
            save_choices(path, recorded._replace(experiment=wrong))
            assert main([*words, "--out", str(tmp_path / "out.png")]) in {0, 2}, wrong
    for about in WRONG:
        np.savez(path, choices=recorded.choices, about=np.array(json.dumps(about)))
        assert main([*words, "--out", str(tmp_path / "out.png")]) == 2, about


def test_wrong_types_in_a_checkpoint_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    stored = torch.load(checkpoint, weights_only=True)
    stored.pop(DIGEST)
    path = tmp_path / "wrong.ckpt"
    small = {key: stored[key] for key in ("pixelrl", "state_dict", "loops")}
    places = {
        "pixelrl": misplace({**small["pixelrl"], "experiment": {"name": "denoising", "run": {}}}),
        "state_dict": iter(WRONG),
    }
    for key, every in places.items():
        for wrong in islice(every, 70):
            told = {**small, key: wrong}
            torch.save({**told, DIGEST: digest_of(told)}, path)
            try:
                restore(path)
            except PixelRLError as error:
                assert "\n" not in str(error)  # noqa: PT017


def test_sizes_are_known_before_memory_is_asked_for(tmp_path: Path) -> None:
    huge = tmp_path / "huge.png"
    Image.new("1", (12_000, 12_000)).save(huge)  # 18 kB
    (tmp_path / "bomb.choices.npz").write_bytes(b"")
    bomb = tmp_path / "bomb.choices.npz"
    header = np.lib.format.header_data_from_array_1_0(np.zeros((1, 2, 2), np.uint8))
    import zipfile

    with zipfile.ZipFile(bomb, "w") as archive, archive.open("choices.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {**header, "shape": (10**6, 10**4, 10**4)})
    for words, name in (
        (["replay", "--choices", str(bomb), "--image", "x.png", "--out", "y.png"], bomb),
        (["edit-choices", "--choices", str(bomb)], bomb),
    ):
        assert main(words) == 2, name
    from pixelrl.errors import DataError
    from pixelrl.images.profiles import read_map

    for kind in ("image", "mask"):
        with pytest.raises(DataError, match=r"huge.png: 12000x12000 pixels, more than the 67 mill"):
            read_map(huge, kind, 3, "ignore")


def test_a_refused_write_names_the_file_and_leaves_nothing(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resource = pytest.importorskip("resource")
    recorded = load_choices(whole / "photo0.choices.npz", with_arrays=True)
    noise = np.random.default_rng(0).integers(0, 256, (6, 400, 400, 1), np.uint8)
    large = recorded._replace(arrays={"frames": noise})
    path = tmp_path / "full" / "photo.choices.npz"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        with pytest.raises(OSError, match=r"photo.choices.npz"):
            save_choices(path, large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(path.parent.iterdir()) == []


def test_the_file_is_named_whatever_the_system_refuses(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "taken"
    out.write_text("a file where a folder should be")
    words = ["evaluate", "--checkpoint", str(whole / "last.ckpt"), "--out", str(out)]
    assert main([*words, f"data.test.image={whole / 'photo0.png'}", "--no-records"]) == 2
    assert str(out) in capsys.readouterr().err.strip().splitlines()[-1]
    assert yaml.safe_load(out.read_text()) == "a file where a folder should be"
    assert os.listdir(tmp_path) == ["taken"]  # noqa: PTH208
