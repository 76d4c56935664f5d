"""Checkpoints are what was written, or are refused in one line; so is what would be lost."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from photos import tiny
from pixelrl.cli.main import main
from pixelrl.config.compose import compose
from pixelrl.errors import CheckpointError, ConfigError, DivergenceError
from pixelrl.experiments.fit import fit
from pixelrl.runs.resume import find_resumed
from pixelrl.task import Task
from pixelrl.training.checkpoint import restore, resume
from pixelrl.training.files import WholeCheckpoints, digest_of, read_whole


@given(data=st.data())
@settings(max_examples=60)
def test_a_damaged_checkpoint_is_refused(checkpoint: Path, data: st.DataObject) -> None:
    content = bytearray(checkpoint.read_bytes())
    damaged = checkpoint.with_name("damaged.ckpt")
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
    damaged.write_bytes(content)
    whole = torch.load(checkpoint, weights_only=True)
    found, told = attempt(damaged)
    damaged.unlink()
    if found is None:
        assert str(damaged) in told
        assert "\n" not in told
        return
    # The damage hit what holds nothing: padding, or a date.
    assert digest_of(found) == digest_of({name: whole[name] for name in found})
    for name, weight in whole["state_dict"].items():
        assert torch.equal(found["state_dict"][name], weight)


def attempt(path: Path) -> tuple[dict[str, Any] | None, str]:
    try:
        return read_whole(path), ""
    except CheckpointError as error:
        return None, str(error)


def test_weights_that_are_no_numbers_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    stored = read_whole(checkpoint)
    stored["state_dict"]["policy.policy_head.bias"][0] = torch.nan
    path = tmp_path / "diverged.ckpt"
    WholeCheckpoints().save_checkpoint(stored, path)
    with pytest.raises(CheckpointError, match=r"policy_head.bias holds numbers that are none"):
        restore(path)


def test_what_cannot_be_written_is_an_error_and_leaves_the_old(
    checkpoint: Path, tmp_path: Path
) -> None:
    stored = read_whole(checkpoint)
    place = tmp_path / "folder.ckpt"
    place.mkdir()  # a folder stands where the file should go
    with pytest.raises(CheckpointError, match="cannot be written"):
        WholeCheckpoints().save_checkpoint(stored, place)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.ckpt"]


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    return fit(compose("denoising", overrides=tiny(tmp_path, "run.name=one"))).directory


def test_resumption_is_exact_or_refused(finished: Path, tmp_path: Path) -> None:
    last = finished / "checkpoints" / "last.ckpt"
    root = finished.parent
    assert find_resumed(str(finished), root, "") == last
    assert find_resumed("last", root, "") == last
    assert find_resumed("auto", root, "one") == last
    assert find_resumed("auto", root, "other") is None
    with pytest.raises(ConfigError, match="name the run"):
        find_resumed("auto", root, "")
    with pytest.raises(ConfigError, match="its run is finished, with 6 episodes"):
        resume(last, ["learning.episodes=9"])
    with pytest.raises(ConfigError, match=r"learning.rate was 0.001 and cannot become 0.1"):
        resume(last, ["learning.rate=0.1"])
    assert resume(last, ["run.validate_every=1", "data.workers=1"])[0] == last
    moved = tmp_path / "home" / "Downloads" / "model.ckpt"
    moved.parent.mkdir(parents=True)
    moved.write_bytes(last.read_bytes())
    with pytest.raises(CheckpointError, match=r"lies in no run's directory.*network.init="):
        find_resumed(str(moved), root, "")
    with pytest.raises(CheckpointError, match="lies in no run's directory"):
        fit(compose("denoising", overrides=tiny(tmp_path)), moved)


def test_a_run_without_a_state_is_named_and_never_another_taken(
    finished: Path, tmp_path: Path
) -> None:
    young = finished.parent / "young"
    young.mkdir()
    about = json.loads((finished / "run.json").read_text())
    (young / "run.json").write_text(json.dumps({**about, "started": "9999-01-01 00:00:00"}))
    (young / "config.yaml").write_text("")
    with pytest.raises(CheckpointError, match=r"young: stopped before its first checkpoint"):
        find_resumed("last", finished.parent, "")
    assert find_resumed("auto", finished.parent, "young") is None
    again = compose("denoising", overrides=tiny(tmp_path, "run.name=young"))
    assert fit(again).directory == young


def test_a_damaged_last_state_falls_back_to_the_one_before(
    finished: Path, caplog: pytest.LogCaptureFixture
) -> None:
    last = finished / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])
    with caplog.at_level("INFO", logger="pixelrl"):
        found, _ = resume(last)
    assert found == finished / "checkpoints" / "previous.ckpt"
    assert "Going on from the state before" in caplog.text


def test_two_at_once_never_share_a_run(finished: Path, tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\n"
        "from pixelrl.runs.directory import enter\n"
        f"enter(Path({str(finished)!r}))\nprint('mine', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        briefly = program.replace("sys.stdin.read()", "")
        done = subprocess.run(
            [sys.executable, "-c", briefly], capture_output=True, text=True, check=False
        )
        assert "another process is learning in this run" in done.stderr
        other.kill()
    assert subprocess.run([sys.executable, "-c", briefly], check=False).returncode == 0


@pytest.mark.parametrize("rate", ["100.0", "1e30"])
def test_learning_that_diverges_ends_with_a_line(
    tmp_path: Path, rate: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fit", "--task", "denoising", *tiny(tmp_path, "learning.episodes=40")]
    assert main([*words, f"learning.rate={rate}"]) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert "lower learning.rate" in told
    for file in tmp_path.glob("runs/*/checkpoints/*.ckpt"):
        for weight in torch.load(file, weights_only=True)["state_dict"].values():
            assert torch.isfinite(weight).all()


def test_an_edit_that_makes_no_numbers_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidates = Task.candidates

    def broken(self: Task, *arguments: Any) -> torch.Tensor:
        found = candidates(self, *arguments)
        return torch.cat([found[:, :1] * torch.nan, found[:, 1:]], 1)

    monkeypatch.setattr(Task, "candidates", broken)
    with pytest.raises(DivergenceError, match=r"Denoising, episode 1: .*edit '.*' makes numbers"):
        fit(compose("denoising", overrides=tiny(tmp_path)))
