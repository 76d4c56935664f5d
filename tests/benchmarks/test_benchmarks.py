"""Benchmarks run; what they measure is for people to read."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import edits, exported, gpu, ratios, reinforcement, sizes
from photos import write_photos


def test_the_edits_benchmark_compares_all_nine(capsys: pytest.CaptureFixture[str]) -> None:
    edits.main(["--runs", "1", "--size", "16x12", "--batch", "2"])
    told = capsys.readouterr().out
    assert "1 x 16x12" in told
    assert "2 x 70x70" in told
    for name in (*edits.OPENCV, "all nine"):
        assert told.count(f"\n{name} ") == 2, name


def test_the_call_for_accelerators_works_on_a_cpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ["--batch", "1", "--side", "16", "--runs", "1", "--tests", "off"]
    gpu.main([*sizes, "--out", str(tmp_path / "out")])
    found = json.loads((tmp_path / "out" / "gpu.json").read_text())
    assert found["hardware"]["cpu"]
    assert {"network", "edits", "reward", "data"} == found["parts"].keys()
    assert all(share > 0 for share in found["share_of_peak"].values())
    assert json.loads((tmp_path / "out" / "trace.json").read_text())["traceEvents"]
    assert (tmp_path / "out" / "gpu.md").read_text() in capsys.readouterr().out


@pytest.mark.slow
def test_ratios_are_recorded_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record, plot = tmp_path / "recorded.json", tmp_path / "ratios.png"
    sizes = ["--size", "24x16", "--batch", "1", "--runs", "1"]
    assert ratios.main([*sizes, "--record", str(record), "--plot", str(plot)]) == 0
    found = json.loads(record.read_text())
    assert len(found["ratios"]) == 11
    assert plot.stat().st_size > 0
    monkeypatch.setattr(ratios, "compare_all", lambda *_: found)
    assert ratios.main(["--against", str(record)]) == 0
    better = {name: 2 * ratio for name, ratio in found["ratios"].items()}
    record.write_text(json.dumps({**found, "ratios": better, "hardware": {"cpu": "another"}}))
    capsys.readouterr()
    assert ratios.main(["--against", str(record)]) == 1
    told = capsys.readouterr().out
    assert told.count("lost more than 15%") == 11
    assert "Recorded on other hardware" in told


@pytest.mark.parametrize(("ratio", "lost"), [(0.86, 0), (0.84, 1), (2.0, 0)])
def test_less_than_15_percent_are_not_counted(ratio: float, lost: int) -> None:
    now: dict[str, Any] = {"ratios": {"a": ratio}}
    assert len(ratios.find_losses(now, {"ratios": {"a": 1.0}})) == lost


@pytest.mark.slow
@pytest.mark.parametrize("side", [["--weights", "denoising-gray"], ["--port"]])
def test_sizes_are_measured(side: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    sizes.main(["--megapixels", "0.002", "0.004", "--gray", *side])
    told = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in told if line.startswith("| 0.")] == [
        "0.00198",
        "0.004",
    ]
    assert told[-1].startswith("exponent: ")


@pytest.mark.slow
def test_exported_agents_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    exported.main(["--weights", "denoising-25", "--sides", "40", "--runs", "1"])
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if line[:1] == "|"]
    assert [row[1].strip() for row in rows[2:]] == ["module", "onnxruntime", "torch.export"]
    assert all(float(row[4]) > 0 for row in rows[2:])
    assert all("% of choices" in row[5] for row in rows[3:])


def test_the_exponent_is_that_of_the_growth_without_the_start() -> None:
    found = [sizes.Measured(0.001, 5.0, 1.0)]
    found += [sizes.Measured(size, 5.0 + 3 * size**1.5, 1.0) for size in (0.1, 1.0, 50.0)]
    assert sizes.find_exponent(found) == pytest.approx(1.5)


@pytest.mark.slow
def test_what_reinforcement_adds_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_photos(tmp_path)
    small = [f"data.{split}.image={photos}" for split in ("train", "val", "test")]
    small += ["network.widths=[4]", "network.width=8", "data.crop=16", "data.val_crop=16"]
    reinforcement.main(["--minutes", "0.001", "--seeds", "2", "learning.spread=9", *small])
    table = capsys.readouterr().out.splitlines()[-len(reinforcement.WAYS) :]
    for name, row in zip(reinforcement.WAYS, table, strict=True):
        _, told, batches, psnr, deviation, _ = (cell.strip() for cell in row.split("|"))
        assert told == name
        assert all(int(count) >= 1 for count in batches.split(" + "))
        assert float(psnr) > 0 <= float(deviation)
