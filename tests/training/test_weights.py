"""Weight files hold what a policy is used with, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from packed import pack_tiny
from photos import write_photos
from pixelrl.agents import read_card
from pixelrl.cli.main import main
from pixelrl.errors import CheckpointError, ConfigError
from pixelrl.experiments.packing import Words, _without_places, pack
from pixelrl.training.checkpoint import build, restore
from pixelrl.training.weights import read_weights, write_weights


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Train goal agents for seconds and pack them; give the run and the weights."""
    return pack_tiny(tmp_path_factory.mktemp("packed"), "tidy")


def test_packed_agents_edit_as_their_run_does(packed: tuple[Path, Path]) -> None:
    run, weights = packed
    whole, light = restore(run / "checkpoints" / "best.ckpt"), restore(weights)
    scene = {"image": torch.rand(1, 1, 20, 24, generator=torch.Generator().manual_seed(0))}
    edited = [found.module.edit(scene).image for found in (whole, light)]
    assert (edited[0] - edited[1]).abs().mean() < 2e-3  # half-precision weights
    assert weights.stat().st_size < (run / "checkpoints" / "best.ckpt").stat().st_size / 4


def test_packed_settings_tell_no_places(packed: tuple[Path, Path]) -> None:
    run, weights = packed
    assert str(run.parents[1]).encode() not in weights.read_bytes()
    assert restore(weights).experiment.data.train == {}


def test_the_card_is_read_from_the_run(packed: tuple[Path, Path]) -> None:
    card = read_card(packed[1])
    assert (card.name, card.task, card.about, card.episodes) == ("tidy", "denoising", "tidy", 12)
    assert [at for at, _ in card.curve] == [6, 12]


def test_the_command_names_no_folder_but_the_size_of_crops() -> None:
    said = ["fit", "data.train.image=/home/me", "data.crop=64", "run.name=x", "network.init=/a/b"]
    assert _without_places(said) == ["fit", "data.crop=64", "network.init=b"]
    said = ["--config", "/home/me/a.yaml", "--config=/home/me/b.yaml", "--config", "agents/c"]
    assert _without_places(said) == [
        "--config",
        "a.yaml",
        "--config=b.yaml",
        "--config",
        "agents/c",
    ]


def test_full_precision_is_exact(packed: tuple[Path, Path], tmp_path: Path) -> None:
    found = restore(packed[0] / "checkpoints" / "best.ckpt")
    own = found.module.state_dict()
    path = tmp_path / "full.safetensors"
    write_weights(path, own, found.experiment, half=False)
    again = read_weights(path)["state_dict"]
    assert again.keys() == own.keys()
    for name, value in again.items():
        kept = name.replace("learner.", "policy.goal.", 1)
        assert torch.equal(value, own[kept]), name


def test_a_run_begins_with_packed_weights(packed: tuple[Path, Path]) -> None:
    found = restore(packed[1])
    network = replace(found.experiment.network, init=str(packed[1]))
    begun = build(replace(found.experiment, network=network))
    for name, value in found.module.policy.state_dict().items():
        assert torch.equal(begun.policy.state_dict()[name], value), name


def test_scores_come_with_the_command_that_measures_them(
    packed: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, weights = packed
    photos = write_photos(tmp_path / "photos")
    words = ["--weights", str(weights), f"data.test.image={photos}", "task.sigma=15.0"]
    words.append("network.spins=2")
    out = tmp_path / "results"
    assert main(["evaluate", *words, "--no-records", "--out", str(out)]) == 0
    again = tmp_path / "tidy.safetensors"
    assert main(["pack", str(run), "--out", str(again), "--scores", f"some=photos={out}"]) == 0
    (scored,) = read_card(again).scores
    assert (scored.pictures, scored.count) == ("some=photos", 3)
    changed = "task.sigma=15.0 network.spins=2"
    assert scored.command.endswith(f"--weights tidy data.test.image=photos {changed}")
    assert set(read_card(again).shares) == set(restore(weights).module.task.actions.names)


@given(data=st.data())
@settings(max_examples=40)
def test_damaged_weights_are_refused(packed: tuple[Path, Path], data: st.DataObject) -> None:
    content = bytearray(packed[1].read_bytes())
    damaged = packed[1].with_name("damaged.safetensors")
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    damaged.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"damaged|not one of pixelrl") as told:
        read_weights(damaged)
    damaged.unlink()
    assert str(damaged) in str(told.value)
    assert "\n" not in str(told.value)


def test_wrong_suffixes_and_missing_files_are_told(packed: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match=r"ends in \.safetensors"):
        pack(packed[0], packed[1].with_suffix(".bin"), Words("", "", ""), {})
    with pytest.raises(CheckpointError, match="no such file"):
        read_weights(packed[1].with_name("nowhere.safetensors"))


def test_two_policies_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--weights", "denoising", "--checkpoint", "x.ckpt"]) == 2
    assert "two policies" in capsys.readouterr().err
