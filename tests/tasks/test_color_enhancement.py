"""Color enhancement: the authors' thirteen moves, their bug by choice, looks for bundled images."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor

from pixelrl.config.compose import compose
from pixelrl.data.module import Crops, Whole
from pixelrl.data.reading import Maps
from pixelrl.errors import ConfigError
from pixelrl.images.files import read_image, write_image
from pixelrl.images.folders import list_bundled
from pixelrl.scores import lab_error
from pixelrl.testing import check_task
from pixelrl_tasks.color_enhancement import ColorEnhancement, saturate_legacy
from pixelrl_tasks.looks import LOOKS, saturate
from skips import without
from strategies import seeds


def image(seed: int = 0, size: int = 8) -> Tensor:
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed))


def official(bgr: np.ndarray, action: int) -> np.ndarray:
    """Do what the sample code's ``State.step`` does to a BGR image ``(H,W,3)`` float32."""
    low, high = 0.95, 1.05
    new = bgr.copy()
    if action in {1, 2}:
        factor = (low, high)[action - 1]
        new = bgr * factor + 0.5 * (1 - factor)
    elif action in {3, 4}:
        hsv = cv2.cvtColor(bgr, cv2.COLOR_BGR2HSV)
        hsv[1] *= (low, high)[action - 3]  # a row, where a channel was meant
        new = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    elif action in {5, 6}:
        new = bgr + (-0.025, 0.025)[action - 5]
    elif action >= 7:
        which = {7: slice(1, 3), 9: slice(0, 2), 11: slice(0, 3, 2)}[action - (action - 7) % 2]
        new[:, :, which] *= (low, high)[(action - 7) % 2]
    return new


@pytest.mark.parametrize("settings", [{}, {"saturation": "legacy"}, {"space": "prophoto"}])
def test_it_keeps_the_contract(settings: dict[str, str]) -> None:
    check_task(ColorEnhancement(**settings))


@pytest.mark.parametrize("action", range(13))
def test_every_edit_is_the_official_one(action: int) -> None:
    task = ColorEnhancement(saturation="legacy")
    rgb = image() * 0.8 + 0.1
    bgr = np.ascontiguousarray(rgb[0].movedim(0, -1).numpy()[..., ::-1])
    edit = list(task.actions.values())[action]
    ours = edit(rgb)[0].movedim(0, -1).numpy()[..., ::-1]
    np.testing.assert_allclose(ours, official(bgr, action), atol=2e-6)


@given(seeds)
def test_saturation_scales_s_of_hsv_alone(seed: int) -> None:
    rgb = image(seed)
    before, after = (
        cv2.cvtColor(each[0].movedim(0, -1).numpy(), cv2.COLOR_RGB2HSV)
        for each in (rgb, saturate(rgb, 0.9))
    )
    turn = np.abs(after[..., 0] - before[..., 0])
    assert np.minimum(turn, 360 - turn)[before[..., 1] > 0.05].max(initial=0) < 0.1
    np.testing.assert_allclose(after[..., 1], 0.9 * before[..., 1], atol=1e-5)
    np.testing.assert_allclose(after[..., 2], before[..., 2], atol=1e-6)


def test_the_legacy_edit_touches_the_second_row_only() -> None:
    rgb = image()
    changed = (saturate_legacy(rgb, 0.95) != rgb).any(1)[0].any(1)
    assert changed.nonzero().flatten().tolist() == [1]


def test_the_network_sees_scaled_lab() -> None:
    seen = ColorEnhancement().observe(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1), {})
    wanted = torch.tensor([53.24 / 100, 80.09 / 127, 67.20 / 127])
    torch.testing.assert_close(seen.flatten(), wanted, atol=2e-3, rtol=0)


def test_the_reward_is_lab_distance_that_went_away() -> None:
    task = ColorEnhancement()
    target = image(1)
    reward = task.reward(image(0), target, {"target": target})
    assert (reward > 0).all()
    assert task.reward(target, target, {"target": target}).eq(0).all()


@pytest.mark.parametrize("look", LOOKS)
def test_looks_are_repeatable_local_and_within_range(look: str) -> None:
    photo = read_image(list_bundled("val")[0], 3)[:, :200, :300]
    one, two = (LOOKS[look](photo, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(one, two)
    assert one.min() >= 0
    assert one.max() <= 1
    assert 4 < lab_error(one[None], photo[None]).item() < 30
    moved = (one - photo).mean(0)
    assert moved.min() < -0.02 < 0.01 < moved.max()  # darker here, lighter there


def test_photographs_in_the_box_come_with_a_look() -> None:
    experiment = compose("color_enhancement", [], ["data.crop=32", "data.rotate=45"])
    crops = Crops(experiment.task, experiment.data, 0)
    scene = crops[3, 1]
    assert scene["image"].shape == scene["target"].shape == (3, 32, 32)
    whole = Whole(experiment.task, experiment.data, "test", 0)
    assert torch.equal(whole[0]["target"], whole[0]["target"])
    sample = {"image": list_bundled("test")[0]}
    one, other = (Maps(experiment.task, "ignore", seed)(sample)["target"] for seed in (0, 0))
    assert np.array_equal(one, other)


def test_pairs_come_from_folders(tmp_path: Path) -> None:
    for name, seed in (("image", 0), ("target", 1)):
        write_image(tmp_path / name / "a.png", image(seed, 40)[0])
    options = [f"data.train.{name}={tmp_path / name}" for name in ("image", "target")]
    experiment = compose("color_enhancement", [], [*options, "data.crop=32"])
    scene = Crops(experiment.task, experiment.data, 0)[0, 0]
    assert not torch.equal(scene["image"], scene["target"])


@pytest.mark.parametrize("setting", ["channels=1", "length=0", "saturation=odd", "look=none"])
def test_wrong_settings_are_told_in_a_line(setting: str) -> None:
    with pytest.raises(ConfigError, match=rf"task\.{setting.partition('=')[0]}"):
        compose("color_enhancement", [], [f"task.{setting}"])


def test_the_input_error_is_the_published_scale(shared: Path) -> None:
    """10.71 by OpenCV's Lab and 13.20 by ProPhoto's over the 45 test photographs."""
    folder = shared / "data" / "local-color" / "test"
    if not folder.is_dir():
        pytest.skip(without(f"photographs in {folder}", "fetch the set of local color there"))
    errors = {"srgb": [], "prophoto": []}
    for path in sorted((folder / "input").iterdir()):
        pair = [
            read_image(each, 3)[None] for each in (path, folder / "foreground-pop-out" / path.name)
        ]
        for space, found in errors.items():
            found.append(lab_error(*pair, space).item())
    assert np.mean(errors["srgb"]) == pytest.approx(10.71, abs=0.02)
    assert np.mean(errors["prophoto"]) == pytest.approx(13.20, abs=0.05)
