"""The table of results is made by a command, and says what it rests on."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from photos import tiny, write_photos
from pixelrl.cli.main import main
from pixelrl.errors import ConfigError
from pixelrl.experiments.benchmark import read_benchmark, replace_section
from pixelrl.training.checkpoint import restore
from pixelrl.training.weights import write_weights


def write(folder: Path, *rows: dict[str, Any], **more: Any) -> Path:
    file = folder / "benchmark.yaml"
    file.write_text(yaml.safe_dump({"rows": list(rows), **more}))
    return file


def test_rows_of_checkpoints_weights_and_recipes(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = str(write_photos(tmp_path / "photos"))
    settings = [option for option in tiny(tmp_path) if "run.root" not in option]
    file = write(
        tmp_path,
        {"name": "kept | policy", "checkpoint": str(checkpoint), "data": photos,
         "columns": {"paper": "31.40"}},
        {"name": "as weights", "task": "denoising", "weights": str(checkpoint),
         "data": {"image": photos}, "set": ["network.width=8", "learning.spread=9"]},
        {"name": "learned", "task": "denoising", "recipe": "smoke", "data": photos,
         "set": [*settings, "learning.episodes=2", "data.limit=0"]},
        scores=["psnr", "ssim", "lab_error"],
    )  # fmt: skip
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- results -->\nold\n<!-- /results -->\nafter\n")
    out = tmp_path / "out"
    words = ["benchmark", str(file), "--out", str(out), "--update", str(page)]
    assert main(words) == 0
    with (out / "results.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert [row["name"] for row in rows] == ["kept | policy", "as weights", "learned"]
    assert list(rows[0]) == ["name", "task", "paper", "psnr", "ssim"]  # none has a lab_error
    assert rows[0]["psnr"] == rows[1]["psnr"] != rows[2]["psnr"]  # the same weights
    scored = tmp_path / "scored"
    again = ["evaluate", "--checkpoint", str(checkpoint), "--out", str(scored)]
    assert main([*again, f"data.test.image={photos}"]) == 0
    mean = json.loads((scored / "protocol.json").read_text())["mean"]["psnr"]
    assert float(rows[0]["psnr"]) == pytest.approx(mean)

    table = (out / "results.md").read_text()
    assert page.read_text() == (f"before\n<!-- results -->\n{table}<!-- /results -->\nafter\n")
    assert f"| kept \\| policy | denoising | 31.40 | {mean:.3f} |" in table
    assert "Protocol: seed 0; 3 images; precision 32-true; scores clamped" in table
    protocols = json.loads((out / "protocol.json").read_text())
    assert list(protocols) == [row["name"] for row in rows]
    assert protocols["learned"]["images"] == 3
    assert "updated" in capsys.readouterr().out


def test_rows_are_kept_while_nothing_changed(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_photos(tmp_path / "photos", count=2)
    row = {"name": "a", "checkpoint": str(checkpoint), "data": str(photos)}
    words = ["--out", str(tmp_path / "out"), "--resume"]

    def told(**changes: Any) -> tuple[str, str]:
        assert main(["benchmark", str(write(tmp_path, {**row, **changes})), *words]) == 0
        return (tmp_path / "out" / "results.md").read_text(), capsys.readouterr().out

    first, new = told()
    again, kept = told()
    assert again == first
    assert "(as it was)" in kept
    assert "(as it was)" not in new
    assert "(as it was)" not in told(set=["task.length=2"])[1]
    assert told()[0] == first
    protocol = next((tmp_path / "out").glob("*/protocol.json"))  # as of before there were spins
    older = json.loads(protocol.read_text())
    del older["network"]["spins"], older["task"]["shifts"]
    protocol.write_text(json.dumps(older))
    assert "(as it was)" in told()[1]
    assert "(as it was)" not in told(set=["network.spins=2"])[1]
    assert told()[0] == first
    other = restore(checkpoint)
    weights = {name: 1.5 * value for name, value in other.module.state_dict().items()}
    write_weights(tmp_path / "other.safetensors", weights, other.experiment)
    assert "(as it was)" not in told(checkpoint="", weights=str(tmp_path / "other.safetensors"))[1]
    (photos / "photo0.png").unlink()
    assert "(as it was)" not in told()[1]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"task": "denoising"}, "expected a mapping with a name"),
        ({"name": "a", "task": "denoising"}, "exactly one of weights, checkpoint and recipe"),
        ({"name": "a", "weights": "x"}, "no task is named"),
        ({"name": "a", "wights": "x"}, "unknown key 'wights'"),
    ],
)
def test_bad_rows_are_told(tmp_path: Path, row: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match="row 1: ") as caught:
        read_benchmark(write(tmp_path, row))
    assert told in str(caught.value)


def test_bad_files_pages_and_scores_are_told(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*words: str) -> str:
        out = str(tmp_path / "out")
        assert main(["benchmark", *words, "--out", out]) == 2
        return capsys.readouterr().err

    assert "No such file" in told(str(tmp_path / "nowhere.yaml"))
    photos = str(write_photos(tmp_path / "photos", count=1))
    row = {"name": "a", "checkpoint": str(checkpoint), "data": photos}
    file = str(write(tmp_path, row, scores=["psn"]))
    assert "a: no score 'psn'; there are" in told(file)
    page = tmp_path / "page.md"
    page.write_text("<!-- results -->")
    assert "<!-- /results -->, once each" in told(file, "--update", str(page))
    assert "unknown key 'row'" in told(str(write(tmp_path, row, row=[])))
    assert "two rows are called 'a'" in told(str(write(tmp_path, row, row)))
    (tmp_path / "empty.yaml").write_text("rows: []")
    assert "expected rows" in told(str(tmp_path / "empty.yaml"))


def test_replacing_twice_changes_nothing(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a <!-- results -->b<!-- /results --> c")
    page.write_text(replace_section(page, "| t |\n"))
    once = page.read_text()
    assert once == "a <!-- results -->\n| t |\n<!-- /results --> c"
    assert replace_section(page, "| t |\n") == once
