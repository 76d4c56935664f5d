"""What evaluate leaves: scores, calibration and records, each only where it is wanted."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr

from photos import write_photos
from pixelrl.cli.main import main
from pixelrl.config.compose import compose
from pixelrl.errors import ConfigError
from pixelrl.experiments.evaluate import score
from pixelrl.experiments.writers import Extras
from pixelrl.images.files import read_image
from pixelrl.records.file import load_choices
from pixelrl.records.write import KINDS
from pixelrl.training.checkpoint import build


def evaluate(checkpoint: Path, folder: Path, *words: str) -> Path:
    photos, out = write_photos(folder / "photos", count=2), folder / "out"
    options = ["--checkpoint", str(checkpoint), "--out", str(out), *words]
    assert main(["evaluate", *options, f"data.test.image={photos}"]) == 0
    return out


def test_every_image_leaves_a_record_that_agrees_with_its_row(
    tmp_path: Path, checkpoint: Path
) -> None:
    out = evaluate(checkpoint, tmp_path)
    left = {path.name for path in (out / "images").iterdir()}
    assert left == {f"photo{number}{kind}" for number in range(2) for kind in KINDS}
    with (out / "scores.csv").open() as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    assert not any(name.startswith("oracle") for row in rows.values() for name in row)
    for name, row in rows.items():
        layers = load_choices(out / "images" / f"{name}.choices.npz", with_arrays=True).arrays
        reward = layers["reward"].astype(float).sum(0).mean()
        assert reward == pytest.approx(float(row["reward"]), abs=2e-3)
        written = read_image(out / "images" / f"{name}.png", 1)[0] * 255
        assert np.array_equal(written.round().numpy(), layers["frames"][-1][..., 0])
        error = (layers["frames"][-1].astype(float) - layers["target"]) / 255
        assert -10 * np.log10((error**2).mean()) == pytest.approx(float(row["psnr"]), abs=1e-3)


def test_the_calibration_is_that_of_the_records(tmp_path: Path, checkpoint: Path) -> None:
    out = evaluate(checkpoint, tmp_path)
    entropies, errors = [], []
    for path in sorted((out / "images").glob("*.npz")):
        layers = load_choices(path, with_arrays=True).arrays
        entropies.append(layers["entropy"].astype(float).mean(0).ravel())
        difference = layers["frames"][-1].astype(int) - layers["target"]
        errors.append(np.abs(difference).ravel())
    told = json.loads((out / "protocol.json").read_text())["calibration"]
    wanted = spearmanr(np.concatenate(entropies), np.concatenate(errors)).statistic
    assert told["rank_correlation"] == pytest.approx(wanted, abs=0.05)  # told from binned entropies
    with (out / "calibration.csv").open() as file:
        groups = list(csv.DictReader(file))
    assert sum(int(group["pixels"]) for group in groups) == sum(map(len, errors))
    with Image.open(out / "calibration.png") as picture:
        assert picture.width > 1000  # two plots


def test_records_are_left_out_and_the_oracle_asked_by_option(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = evaluate(checkpoint, tmp_path, "--no-records", "--oracle")
    assert not (out / "images").exists()
    with (out / "scores.csv").open() as file:
        for row in csv.DictReader(file):
            assert float(row["oracle_psnr"]) > float(row["psnr"])
    told = capsys.readouterr().out
    assert "oracle_psnr" in told
    assert "pixelrl report" not in told  # there is nothing to look at


def test_scores_step_by_step_begin_and_end_where_the_table_says(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = evaluate(checkpoint, tmp_path, "--no-records", "--steps", "run.figures=svg")
    with (out / "scores.csv").open() as file:
        whole = {row["image"]: row for row in csv.DictReader(file)}
    with (out / "steps.csv").open() as file:
        steps = list(csv.DictReader(file))
    assert list(steps[0]) == ["image", "step", "psnr", "ssim"]
    for name, row in whole.items():
        own = [each for each in steps if each["image"] == name]
        assert [each["step"] for each in own] == [str(step) for step in range(len(own))]
        for part in ("psnr", "ssim"):
            assert float(own[0][part]) == pytest.approx(float(row[f"input_{part}"]), abs=1e-5)
            assert float(own[-1][part]) == pytest.approx(float(row[part]), abs=1e-5)
    drawn = {path.name for path in out.iterdir() if path.suffix != ".csv"}
    assert drawn == {"protocol.json", "calibration.svg", "steps.svg"}
    assert "<svg" in (out / "steps.svg").read_text("utf-8")
    assert "calibration.svg, steps.csv, steps.svg" in capsys.readouterr().out


def test_means_say_what_is_not_finite_and_the_protocol_stays_json(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_photos(tmp_path / "photos", count=2)
    equal = f"data.test={{image: {photos}, target: {photos}}}"  # the input's PSNR is infinite
    words = ["evaluate", "--checkpoint", str(checkpoint), "--out", str(tmp_path / "out")]
    assert main([*words, "--no-records", "--steps", "--baselines", equal]) == 0
    told = capsys.readouterr().out.splitlines()
    assert "input_psnr: mean of 0 of 2, 2 infinite" in told
    assert "no edit, psnr: mean of 0 of 2, 2 infinite" in told
    assert "input_psnr (dB)" in told[0]

    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is no JSON")

    text = (tmp_path / "out" / "protocol.json").read_text()
    protocol = json.loads(text, parse_constant=refuse)
    assert protocol["mean"]["input_psnr"] is None
    assert protocol["left_out"] == {"input_psnr": {"infinite": 2}}
    assert protocol["scores"]["psnr"] == {"unit": "dB", "higher_is_better": True, "digits": 3}
    assert set(protocol["scores"]) == {"psnr", "ssim", "reward"}
    with (tmp_path / "out" / "scores.csv").open() as file:
        assert [row["input_psnr"] for row in csv.DictReader(file)] == ["inf", "inf"]


def test_an_oracle_takes_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = compose("denoising", overrides=["network.width=4"])
    monkeypatch.setattr(type(experiment.task), "local_reward", False)
    with pytest.raises(ConfigError, match="--oracle: Denoising does not promise local_reward"):
        score(build(experiment), experiment, tmp_path, extras=Extras(oracle=True))
    assert not list(tmp_path.iterdir())


def test_predicting_records_what_can_be_known(tmp_path: Path, checkpoint: Path) -> None:
    photos, out = write_photos(tmp_path / "photos", count=1), tmp_path / "out"
    words = ["--checkpoint", str(checkpoint), "--out", str(out), f"data.predict.image={photos}"]
    assert main(["predict", *words]) == 0
    layers = load_choices(out / "photo0.choices.npz", with_arrays=True).arrays
    assert set(layers) == {"entropy", "value", "frames"}
    source = (read_image(photos / "photo0.png", 1) * 255).round().to(torch.uint8)
    assert np.array_equal(layers["frames"][0][..., 0], source[0].numpy())
    assert main(["report", str(out)]) == 0
    assert (out / "report.html").stat().st_size > 20_000
