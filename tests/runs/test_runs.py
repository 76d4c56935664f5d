"""Runs side by side: their history, their list, their differences, and several seeds of one."""

import csv
import json
import math
import statistics
from pathlib import Path

import pytest
import torch
from PIL import Image

from modules import SLOW, imported_by
from photos import tiny
from pixelrl.cli.main import main
from pixelrl.declaration import Score, declare
from pixelrl.errors import CheckpointError
from pixelrl.runs.compare import compare_runs, list_runs, read_run, tabulate_runs
from pixelrl.runs.curves import draw_learning_curves
from pixelrl.runs.metrics import read_metrics, values

FIT = ["fit", "--task", "denoising", "--config", "smoke"]


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fit with two seeds, and once more with the second alone; return the folder of the runs."""
    folder = tmp_path_factory.mktemp("seeds")
    assert main([*FIT, *tiny(folder, "run.name=many", "run.seed=3"), "--seeds", "2"]) == 0
    alone = tiny(folder, "run.name=alone", "run.seed=4", "learning.entropy=0.01")
    assert main([*FIT, *alone]) == 0
    return folder / "runs"


def weights(run: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(
        run / "checkpoints" / "last.ckpt", weights_only=True
    )["state_dict"]
    return found


def test_a_seed_among_others_is_the_run_it_would_be_alone(seeds: Path) -> None:
    among, alone, other = (weights(seeds / name) for name in ("many-seed4", "alone", "many-seed3"))
    assert all(torch.equal(among[name], alone[name]) for name in alone)
    assert not all(torch.equal(other[name], alone[name]) for name in alone)


def test_several_seeds_end_in_mean_and_spread(seeds: Path) -> None:
    with (seeds / "many-seeds.csv").open() as file:
        rows = {row["seed"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["3", "4", "mean", "spread"]
    scores = []
    for seed in ("3", "4"):
        with (seeds / f"many-seed{seed}" / "scores.csv").open() as file:
            images = [float(row["psnr"]) for row in csv.DictReader(file)]
        assert float(rows[seed]["psnr"]) == pytest.approx(statistics.fmean(images))
        scores.append(statistics.fmean(images))
    assert float(rows["mean"]["psnr"]) == pytest.approx(statistics.fmean(scores))
    assert float(rows["spread"]["psnr"]) == pytest.approx(statistics.stdev(scores))


def test_seeds_are_refused_where_they_make_no_sense(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*words: str) -> str:
        assert main([*FIT, *tiny(tmp_path), *words]) == 2
        return capsys.readouterr().err

    assert "--seeds: expected two or more, got 1" in told("--seeds", "1")
    assert "set run.devices=1" in told("--seeds", "2", "run.devices=2")
    assert not (tmp_path / "runs").exists()


def test_runs_are_listed_by_their_start(seeds: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(seeds)]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines[2:]]
    assert names == ["many-seed3", "many-seed4", "alone"]
    alone = next(found for found in list_runs(seeds) if found.directory.name == "alone")
    assert (alone.episodes, alone.settings["learning.episodes"]) == (6, 6)
    assert "6/6" in lines[-1]
    assert f"psnr {alone.scores['psnr']:.3f} dB" in lines[-1]
    assert "input_psnr" not in lines[-1]


def write_run(folder: Path, name: str, protocol: str = "", **about: str) -> Path:
    run = folder / name
    run.mkdir()
    (run / "config.yaml").write_text("run: {seed: 0}")
    (run / "run.json").write_text(json.dumps({"task": "denoising", "versions": {}, **about}))
    if protocol:
        (run / "protocol.json").write_text(protocol)
    return run


def test_runs_of_one_second_are_told_apart_by_the_finer_start(tmp_path: Path) -> None:
    write_run(tmp_path, "a", started="2026-01-31 12:00:01.000002")
    write_run(tmp_path, "b", started="2026-01-31 12:00:01.000001")
    write_run(tmp_path, "older", started="2026-01-31 12:00:01")  # as it used to be written
    write_run(tmp_path, "first", started="2026-01-31 12:00:00.999999")
    write_run(tmp_path, "unknown")
    runs = list_runs(tmp_path)
    assert [run.directory.name for run in runs] == ["unknown", "first", "older", "b", "a"]
    assert tabulate_runs(runs).rows[-1]["started"] == "2026-01-31 12:00:01"


def test_runs_of_one_moment_are_ordered_by_their_number(tmp_path: Path) -> None:
    names = [f"many-seed{seed}" for seed in (2, 9, 10, 100)]
    for name in reversed(names):
        write_run(tmp_path, name, started="2026-01-31 12:00:00")
    assert [run.directory.name for run in list_runs(tmp_path)] == names


def test_comparison_shows_what_differs_and_nothing_else(
    seeds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["runs", str(seeds), "--compare", "many-seed3", "alone"]
    assert main(words) == 0
    told = capsys.readouterr().out
    one, other = (read_run(seeds / name) for name in ("many-seed3", "alone"))
    rows = compare_runs([one, other]).rows
    settings = [row for row in rows if not str(row["what"]).startswith("test/")]
    assert settings == [{"what": "run.seed", "many-seed3": "3", "alone": "4"}]
    scores = {str(row["what"]): row for row in rows}
    psnr = {run.directory.name: f"{run.scores['psnr']:.3f}" for run in (one, other)}
    best = max(psnr, key=lambda name: float(psnr[name]))
    for name, value in psnr.items():
        assert scores["test/psnr (dB)"][name] == value + (" *" if name == best else "  ")
    assert "* the best" in told
    assert "run.seed" in told
    assert "run.name" not in told
    same = [read_run(seeds / "many-seed4"), read_run(seeds / "alone")]
    assert all(str(row["what"]).startswith("test/") for row in compare_runs(same).rows)


def test_the_best_is_marked_only_where_a_task_declares_what_is_better(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = {"mask_color": {"unit": "Lab", "higher_is_better": False, "digits": 1}}
    for name, color, loss in (("a", 4.0, 1.0), ("b", 2.0, 2.0)):
        mean = {"input_mask_color": 0.0, "mask_color": color, "loss": loss, "psnr": None}
        left = {"psnr": {"infinite": 3}} if name == "b" else {}
        told = {"mean": mean, "left_out": left, "scores": declared}
        write_run(tmp_path, name, json.dumps(told), task="gone")
    assert main(["runs", str(tmp_path), "--compare", "a", "b"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert lines[0] == ["test/mask_color", "(Lab)", "4.0", "2.0", "*"]  # no zeros of the input
    assert lines[1] == ["test/loss", "1.0000", "2.000"]  # nobody says what is better
    assert lines[2] == ["test/psnr"]
    assert lines[3] == ["b,", "psnr:", "mean", "without", "3", "infinite"]
    write_run(tmp_path, "c", '{"mean": {"mask_color": 1.0}}', task="another")
    assert main(["runs", str(tmp_path), "--compare", "a", "c"]) == 0
    assert "*" not in capsys.readouterr().out  # two tasks have no best in common


def test_runs_of_before_are_read_with_what_their_task_declares(tmp_path: Path) -> None:
    told = '{"mean": {"psnr": Infinity, "mask_color": 2.0}}'  # as pixelrl 0.1.0 wrote it
    old = read_run(write_run(tmp_path, "old", told, task="saliency_editing"))
    assert old.scores == {"psnr": None, "mask_color": 2.0}
    assert old.declared["mask_color"].higher_is_better is False
    gone = read_run(write_run(tmp_path, "gone", told, task="gone"))
    assert "mask_color" not in gone.declared
    assert gone.declared["psnr"].unit == "dB"
    wrong = write_run(tmp_path, "wrong", '{"mean": {}, "scores": {"psnr": {"digits": -1}}}')
    with pytest.raises(
        CheckpointError, match=r"wrong/protocol.json: a damaged run: .*digits: expected"
    ):
        read_run(wrong)


def test_bad_folders_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*words: str) -> str:
        assert main(["runs", *words]) == 2
        return capsys.readouterr().err

    assert "no runs below" in told(str(tmp_path))
    assert "expected two runs or more" in told("--compare", "one")
    assert "no run 'one'" in told(str(tmp_path), "--compare", "one", "two")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "run.json").write_text("{")
    (damaged / "config.yaml").write_text("a: 1")
    assert f"{damaged}/run.json: a damaged run" in told(str(tmp_path))


def test_listing_runs_imports_nothing_slow(seeds: Path) -> None:
    assert not SLOW & imported_by(["runs", str(seeds)])


def write_log(run: Path, session: int, text: str) -> None:
    folder = run / "logs" / str(session)
    folder.mkdir(parents=True)
    (folder / "metrics.csv").write_text(text)


def test_history_joins_the_sessions_of_a_run(tmp_path: Path) -> None:
    write_log(tmp_path, 0, "epoch,step,a,b\n0,0,1.0,\n0,1,2.0,5.0\n0,2,3.0,\n0,3,nan,\n")
    write_log(tmp_path, 1, "epoch,step,a\n0,2,30.0\n0,3,")  # being written
    write_log(tmp_path, 10, "step,a\n4,40.0\n")
    found = read_metrics(tmp_path)
    assert found["a"] == [(1, 1.0), (2, 2.0), (3, 30.0), (5, 40.0)]
    assert found["b"] == [(2, 5.0)]
    assert values(tmp_path, "a") == [1.0, 2.0, 30.0, 40.0]
    assert values(tmp_path, "c") == []
    assert read_metrics(tmp_path / "nowhere") == {}
    write_log(tmp_path / "bad", 0, "step,a\n0,nan\n1,1.0\n")
    assert math.isnan(read_metrics(tmp_path / "bad")["a"][0][1])
    assert values(tmp_path / "bad", "a") == [1.0]


def test_a_fit_leaves_its_learning_curves(seeds: Path, tmp_path: Path) -> None:
    with Image.open(seeds / "alone" / "curves.png") as picture:
        assert picture.width > 800  # several panels
    draw_learning_curves(tmp_path, "nothing was logged", {})
    assert not (tmp_path / "curves.png").exists()
    write_log(tmp_path, 0, "step,val/a,val/psnr,train/value,train/rate\n0,1,1,1,2\n1,nan,1,1,3\n")
    declared = declare((Score("value", higher_is_better=True),))
    draw_learning_curves(tmp_path, "a title", declared, "svg")
    drawn = (tmp_path / "curves.svg").read_text("utf-8")
    for name in ("val/a", "val/psnr (dB) ↑", "train/value"):  # the last is a loss and no score
        assert f"<!-- {name} -->" in drawn
    assert "train/rate" not in drawn
