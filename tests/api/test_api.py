"""Agents by name, a picture in, a picture out, and all that may be asked of the result."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

import pixelrl
from modules import run_python
from pixelrl.cli.main import main
from pixelrl.errors import CheckpointError, ConfigError, DataError, MapError
from pixelrl.images.layers import read_layers
from pixelrl.images.metadata import read_metadata
from pixelrl.records.file import load_choices
from pixelrl.rl.editing import edit_scene


def test_importing_pixelrl_costs_no_torch() -> None:
    told = run_python(
        "import sys, pixelrl; print('torch' in sys.modules, 'load' in pixelrl.__all__)"
    )
    assert told.split() == ["False", "True"]


def test_agents_are_found_by_name_run_and_file(
    packed: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"denoising": packed}
    monkeypatch.setattr("pixelrl.agents.list_agents", lambda: known)
    monkeypatch.setattr("pixelrl.runs.directory.list_agents", lambda: known)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "denoising").mkdir()  # a folder that happens to be called so
    named = pixelrl.load("denoising")
    assert named.policy.experiment.network.kind == "goal"
    run = pixelrl.load(checkpoint.parents[1], overrides=["task.length=2"], device="cpu")
    assert (run.task.length, run.policy.experiment.network.kind) == (2, "published")
    assert repr(run) == "Agent(denoising: 9 edits, 2 steps, sees gray, on cpu)"
    assert pixelrl.load(checkpoint, overrides="task.length=3").task.length == 3
    assert not run.policy.module.training
    with pytest.raises(CheckpointError, match="Did you mean 'denoising'"):
        pixelrl.load("denoisin")
    with pytest.raises(ConfigError, match=r"unknown key 'task\.lenth'"):
        pixelrl.load(checkpoint, overrides=["task.lenth=3"])


@pytest.mark.parametrize("name", ["nonsense", "cuda:99", "mtia"])
def test_devices_that_are_not_there_are_told(packed: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"device '{name}': not there") as told:
        pixelrl.load(packed, device=name)
    assert "\n" not in str(told.value)


def test_a_result_is_what_predict_writes(
    packed: Path, agent: pixelrl.Agent, photo: Path, tmp_path: Path, capsys: Any
) -> None:
    gray = tmp_path / "gray.png"
    Image.open(photo).convert("L").save(gray)
    words = ["--weights", str(packed), f"data.predict.image={gray}", "run.accelerator=cpu"]
    assert main(["predict", *words, "--out", str(tmp_path / "out"), "--forbid", "median:2-"]) == 0
    result = agent(gray).forbid("median", steps="2-")
    written = np.asarray(Image.open(tmp_path / "out" / "gray.png"))
    np.testing.assert_array_equal(np.asarray(result.image), written)
    recorded = load_choices(tmp_path / "out" / "gray.choices.npz", with_arrays=True)
    saved = load_choices(result.save(tmp_path / "own.choices.npz"), with_arrays=True)
    np.testing.assert_array_equal(saved.choices, recorded.choices)
    assert saved.arrays.keys() == recorded.arrays.keys()
    assert [each["what"] for each in saved.history] == ["forbid median"]


def test_every_kind_is_edited_alike(agent: pixelrl.Agent, photo: Path, colored: np.ndarray) -> None:
    tensor = torch.from_numpy(colored).permute(2, 0, 1)
    expected = agent(colored).image
    assert not np.array_equal(expected, colored)
    images = [
        np.asarray(agent(photo).image),
        np.asarray(agent(Image.fromarray(colored)).image),
        agent(tensor).image.permute(1, 2, 0).numpy(),
        agent(torch.stack([tensor, tensor])).image[1].permute(1, 2, 0).numpy(),
    ]
    for image in images:
        np.testing.assert_array_equal(image, expected)


def test_gray_agents_keep_the_color_of_a_picture_and_say_so(
    agent: pixelrl.Agent, colored: np.ndarray
) -> None:
    result = agent(colored / 255)
    change = result.image - colored / 255
    np.testing.assert_allclose(change, change[..., :1].repeat(3, axis=2), atol=1e-6)
    assert np.abs(change).max() > 1e-3
    assert any("luminance (Y of YCbCr)" in note for note in result.notes)
    assert agent(colored[..., 0]).notes == ()


def test_a_result_tells_how_it_came_about(agent: pixelrl.Agent, colored: np.ndarray) -> None:
    gray = (colored[..., 1] / 255).astype(np.float32)
    result = agent(gray)
    scene = {"image": torch.from_numpy(gray)[None, None]}
    edited = edit_scene(agent.task, agent.policy.module.policy, scene)
    np.testing.assert_array_equal(result.image, edited.image[0, 0].numpy())
    np.testing.assert_array_equal(result.choices, edited.choices[:, 0].numpy())
    assert len(result.steps) == len(result.choices) + 1
    np.testing.assert_array_equal(result.steps[0], gray)
    np.testing.assert_array_equal(result.steps[-1], result.image)
    with torch.no_grad():
        goal = agent.policy.module.policy.goal(scene["image"], scene["image"])
    np.testing.assert_allclose(result.goal, goal.image[0, 0], atol=1e-6)
    np.testing.assert_allclose(result.doubt, 255 * goal.doubt[0, 0].sqrt(), atol=1e-4)
    assert repr(result).startswith("Result(denoising, 60x44, 5 steps: ")


def test_published_agents_have_no_goal(checkpoint: Path, colored: np.ndarray) -> None:
    result = pixelrl.load(checkpoint, device="cpu")(colored)
    assert result.goal is None
    assert result.doubt is None
    assert "goal" not in result.history(0, 0)


def test_a_pixels_history_is_told_in_words(agent: pixelrl.Agent, colored: np.ndarray) -> None:
    result = agent(colored[..., 0])
    lines = result.history(7, 3).splitlines()
    names = [result.edits[choice] for choice in result.choices[:, 3, 7]]
    assert lines[0] == f"Pixel 7, 3: {', '.join(names)}."
    assert lines[1].startswith(f"step 1: {names[0]}, {float(colored[3, 7, 0]):.1f} → ")
    assert lines[1].endswith(" nats)")
    assert lines[-1].startswith("goal: ")
    assert len(lines) == len(names) + 2
    with pytest.raises(MapError, match="x from 0 to 59, y from 0 to 43"):
        result.history(60, 0)
    with pytest.raises(MapError, match="x from 0"):
        result.history(0, -1)


def test_rules_hold_where_and_when_they_say_and_add_up(
    agent: pixelrl.Agent, colored: np.ndarray
) -> None:
    result = agent(colored)
    most = int(np.bincount(result.choices[0].ravel()).argmax())
    inside = np.zeros(colored.shape[:2], bool)
    inside[10:30, 20:40] = True
    ruled = result.forbid(result.edits[most], where=inside, steps=1)
    assert not (ruled.choices[0][inside] == most).any()
    np.testing.assert_array_equal(ruled.choices[0][~inside], result.choices[0][~inside])
    still = ruled.keep_outside(inside)
    np.testing.assert_array_equal(still.image[~inside], colored[~inside])
    assert [rule.kind for rule in still.rules] == ["forbid", "only"]
    assert result.rules == ()
    np.testing.assert_array_equal(result.stop_after(0).image, colored)
    np.testing.assert_array_equal(result.stop_after(5).image, result.image)
    assert set(np.unique(result.only("+1", "-1").choices)) <= {0, 2}
    assert (result.prefer("box", by=1e4).choices == result.edits.index("box")).all()


def test_rules_that_cannot_be_are_told(agent: pixelrl.Agent, colored: np.ndarray) -> None:
    result = agent(colored)
    with pytest.raises(ConfigError, match=r"no edit 'medain'\. Did you mean 'median'"):
        result.forbid("medain")
    with pytest.raises(ConfigError, match="the episode has 5 steps"):
        result.forbid("median", steps=6)
    with pytest.raises(ConfigError, match="no edit is left"):
        result.forbid(*result.edits)
    with pytest.raises(DataError, match="the mask is 3x3 pixels, the picture is 60x44"):
        result.forbid("median", where=np.eye(3, dtype=bool))


def test_choices_replay_to_the_same_picture_and_altered_ones_to_another(
    agent: pixelrl.Agent, colored: np.ndarray, tmp_path: Path
) -> None:
    result = agent(colored)
    np.testing.assert_array_equal(result.replay().image, result.image)
    keep = np.full_like(result.choices, result.edits.index("keep"))
    still = result.replay(keep)
    np.testing.assert_array_equal(still.image, colored)
    path = result.replay(swap={"*": "keep"}, steps="2-").save(tmp_path / "some.choices.npz")
    again = result.replay(path)
    np.testing.assert_array_equal(again.image, result.steps[1])
    np.testing.assert_array_equal(
        load_choices(path, with_arrays=True).arrays["original"], result.choices
    )
    assert "entropy" not in again.history(0, 0)
    np.testing.assert_array_equal(again.forbid("box").image, result.forbid("box").image)


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        (np.zeros((5, 3, 3), np.uint8), r"expected \(T, 44, 60\)"),
        (np.full((5, 44, 60), 9), "whole numbers from 0 to 8, got int64 from 9 to 9"),
        (np.zeros((5, 44, 60)), "whole numbers from 0 to 8, got float64"),
    ],
)
def test_choices_that_do_not_fit_are_told(
    agent: pixelrl.Agent, colored: np.ndarray, choices: np.ndarray, told: str
) -> None:
    with pytest.raises(MapError, match=told):
        agent(colored).replay(choices)


def test_batches_are_edited_together_and_taken_apart(
    agent: pixelrl.Agent, colored: np.ndarray
) -> None:
    one = torch.from_numpy(colored).permute(2, 0, 1) / 255
    result = agent(torch.stack([one, one.flip(-1)]))
    assert result.image.shape == (2, 3, 44, 60)
    assert result.choices.shape == (5, 2, 44, 60)
    assert result.goal.shape == (2, 3, 44, 60)
    assert result.doubt is not None
    assert result.doubt.shape == (2, 44, 60)
    assert len(result) == 2
    second = result[-1]
    assert torch.equal(second.image, result.image[1])
    assert second.doubt is not None
    assert second.doubt.shape == (44, 60)
    assert second.history(3, 3).startswith("Pixel 3, 3: ")
    np.testing.assert_array_equal(second.replay().image, second.image)
    with pytest.raises(MapError, match=r"batch of 2; take one of it, such as result\[0\].history"):
        result.history(3, 3)
    with pytest.raises(IndexError):
        result[2]
    assert len(list(result)) == 2


def test_results_may_be_used_where_there_is_gradient(
    agent: pixelrl.Agent, colored: np.ndarray
) -> None:
    image = agent(torch.from_numpy(colored).permute(2, 0, 1) / 255).image
    weight = torch.ones(1, requires_grad=True)
    (image * weight).sum().backward()
    assert weight.grad is not None


def test_maps_that_a_task_does_not_know_are_told(agent: pixelrl.Agent, colored: np.ndarray) -> None:
    with pytest.raises(DataError, match="mask: Denoising works on image alone; leave it out"):
        agent(colored, mask=np.ones(colored.shape[:2]))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp", "a.bmp", "A.PNG"])
def test_pictures_are_saved_as_their_name_says(
    agent: pixelrl.Agent, photo: Path, tmp_path: Path, name: str
) -> None:
    result = agent(photo)
    path = result.save(tmp_path / "new" / name)
    with Image.open(path) as opened:
        off = np.abs(np.asarray(opened.convert("RGB")).astype(int) - np.asarray(result.image))
    assert off.max() <= (30 if name.endswith("jpg") else 0)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "I;16"])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.webp"])
def test_transparency_and_depth_are_saved_where_the_format_has_them(
    agent: pixelrl.Agent, tmp_path: Path, mode: str, name: str
) -> None:
    filled = (128, 128) if mode == "LA" else (10, 20, 30, 128) if mode == "RGBA" else 20000
    path = agent(Image.new(mode, (24, 20), filled)).save(tmp_path / name)
    with Image.open(path) as opened:
        assert opened.size == (24, 20)
        clear = "A" in opened.mode
    assert clear == (mode.endswith("A") and name in {"a.png", "a.webp"})


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_an_image_is_saved_with_its_notes_and_lies_as_it_lay(
    agent: pixelrl.Agent, tmp_path: Path, name: str
) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "a camera", 6
    image = Image.effect_noise((40, 24), 60).convert("RGB")
    image.info.update(exif=exif.tobytes(), dpi=(300, 300))
    result = agent(image)
    with Image.open(result.save(tmp_path / name)) as opened:
        assert opened.getexif()[0x010F] == "a camera"
        assert name == "a.webp" or opened.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        if name != "a.tif":  # which Pillow turns upright when it opens it
            assert (opened.size, opened.getexif()[0x0112]) == (image.size, 6)
        shown = np.asarray(ImageOps.exif_transpose(opened)).astype(int)
    off = np.abs(shown - np.asarray(ImageOps.exif_transpose(result.image)))
    assert off.mean() <= (8 if name == "a.jpg" else 0)
    with Image.open(result.save(tmp_path / "a.bmp")) as opened:  # which cannot say how it lies
        assert opened.size == image.size[::-1]


def test_arrays_of_16_bits_are_saved_with_16(agent: pixelrl.Agent, tmp_path: Path) -> None:
    array = np.full((24, 20, 3), 20_001, np.uint16)
    result = agent(array)
    path = result.save(tmp_path / "a.png")
    assert read_metadata(path).kind == "uint16"
    np.testing.assert_array_equal(np.round(65535 * read_layers(path)), result.image)


def test_steps_and_page_are_saved(agent: pixelrl.Agent, photo: Path, tmp_path: Path) -> None:
    result = agent(photo)
    with Image.open(result.save(tmp_path / "a.gif")) as opened:
        assert getattr(opened, "n_frames", 1) == 6
    with Image.open(result.save(str(tmp_path / "a.strip.png"))) as opened:
        assert opened.width > 600
    assert result.save(tmp_path / "a.html").read_text("utf-8").startswith("<!doctype html>")
    with pytest.raises(ConfigError, match=r"expected a name that ends in \.choices\.npz"):
        result.save(tmp_path / "a.xyz")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        result.save(tmp_path / "file" / "a.png")


def test_tiles_give_the_same_goal_and_are_replayed_as_they_were_edited(
    packed: Path, agent: pixelrl.Agent, colored: np.ndarray
) -> None:
    tiled = pixelrl.load(packed, overrides=["data.tile=32"], device="cpu")(colored / 255)
    np.testing.assert_array_equal(tiled.replay().image, tiled.image)
    np.testing.assert_allclose(tiled.goal, agent(colored / 255).goal, atol=1e-5)


def test_what_a_file_holds_is_kept_where_it_is_saved(agent: pixelrl.Agent, tmp_path: Path) -> None:
    path, saved = tmp_path / "one.png", tmp_path / "two.png"
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    deep = np.linspace(0, 65535, 32 * 40).reshape(32, 40).astype(np.uint16)
    Image.fromarray(deep).save(path, exif=exif, dpi=(300, 300))
    result = agent(path)
    assert result.image.mode == "L"
    result.save(saved)
    with Image.open(saved) as image:
        assert image.mode == "I;16"
        assert image.getexif()[0x010F] == "a camera"
        assert round(image.info["dpi"][0]) == 300
        left = np.asarray(image).astype(int)
    inside = result.played.frames[-1, 0, 0].clamp(0, 1).numpy()
    assert np.abs(left - 65535 * inside).max() <= 0.5 + 1e-2
