"""A task as a Gymnasium environment: their own checker passes, and the task is what is played."""

from pathlib import Path

import numpy as np
import pytest
import torch

from photos import write_photos
from pixelrl.envs.pictures import find_scenes
from pixelrl.errors import ConfigError, DataError, MapError
from pixelrl.settings import Data
from pixelrl_tasks.color_enhancement import ColorEnhancement
from pixelrl_tasks.denoising import Denoising
from skips import need

gymnasium = need("gymnasium")
gym = pytest.importorskip("pixelrl.envs.gym")
PHOTO = np.tile(np.arange(48, dtype=np.uint8) * 5, (40, 1))


@pytest.mark.parametrize("observe", ["agents", "image"])
def test_their_own_checker_passes_without_a_word(observe: str) -> None:
    from gymnasium.utils.env_checker import check_env

    env = gymnasium.make(
        "pixelrl/Task-v0", task="denoising", overrides=("task.sees_edits=true",), pictures=PHOTO,
        size=16, observe=observe, render_mode="rgb_array",
    )  # fmt: skip
    check_env(env.unwrapped)
    assert env.observation_space.shape == ((10 if observe == "agents" else 1), 16, 16)


def test_an_episode_is_the_tasks() -> None:
    task = Denoising(length=3)
    env = gym.TaskEnv(task, pictures=PHOTO, size=24)
    seen, info = env.reset(seed=3)
    scene = {name: value.clone() for name, value in env.scene.items()}
    assert info == {}
    image = scene["image"]
    assert np.array_equal(seen, image[0].numpy())
    for number in range(3):
        action = env.action_space.sample()
        seen, reward, terminated, truncated, info = env.step(action)
        after = task.step(image, torch.from_numpy(action)[None], scene)
        paid = task.reward(image, after, scene)
        assert np.array_equal(seen, after[0].numpy())
        assert np.array_equal(info["reward_map"], paid[0, 0].numpy())
        assert reward == pytest.approx(float(paid.mean()))
        assert (terminated, truncated) == (number == 2, False)
        image = after
    assert info["scores"]["psnr"] == pytest.approx(float(task.scores(image, scene)["psnr"]))


def test_seeds_decide_all_episodes_and_episodes_differ() -> None:
    def play(seed: int) -> list[np.ndarray]:
        env = gym.TaskEnv("denoising", pictures=PHOTO, size=16)
        return [env.reset(seed=seed)[0], env.reset()[0], env.reset()[0]]

    first, again, other = play(1), play(1), play(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], other[0])


def test_pictures_come_from_a_folder_from_data_or_from_the_box(tmp_path: Path) -> None:
    folder = write_photos(tmp_path)
    task = Denoising()
    for pictures in (folder, Data(train={"image": str(folder)}), None):
        scenes = find_scenes(task, pictures, 32)
        assert len(scenes) == (3 if pictures else 10)
        assert scenes[5, 1]["image"].shape == (1, 32, 32)
    noisy = {"image": PHOTO / np.float32(255), "target": PHOTO}
    scene = find_scenes(task, noisy, 24)[5, 0]
    assert torch.allclose(scene["image"], scene["target"])  # posed already: no noise is added


def test_what_cannot_be_is_told_in_a_line(tmp_path: Path) -> None:
    task = Denoising()
    with pytest.raises(ConfigError, match="size: expected pixels from 16 on, got 8"):
        find_scenes(task, PHOTO, 8)
    with pytest.raises(DataError, match="48x40 pixels are fewer than a crop of 64"):
        find_scenes(task, PHOTO, 64)
    with pytest.raises(MapError, match=r"image: expected an array \(H W 1\) or \(H W\)"):
        find_scenes(task, np.zeros((40, 40, 3), np.uint8), 16)
    with pytest.raises(MapError, match="expected uint8, or finite floats"):
        find_scenes(task, PHOTO.astype(np.int64), 16)
    with pytest.raises(MapError, match="target: expected 48x40 pixels"):
        find_scenes(task, {"image": PHOTO, "target": PHOTO[1:]}, 16)
    with pytest.raises(DataError, match="no array is given for target"):
        find_scenes(ColorEnhancement(), np.zeros((40, 40, 3), np.uint8), 16)
    with pytest.raises(MapError, match="pictures of type int"):
        find_scenes(task, 7, 16)  # type: ignore[arg-type]
    env = gym.TaskEnv(task, pictures=PHOTO, size=16)
    with pytest.raises(MapError, match="call reset first"):
        env.step(env.action_space.sample())
    env.reset(seed=0)
    with pytest.raises(MapError, match=r"action: expected \(16, 16\) whole numbers from 0 to 8"):
        env.step(np.full((16, 16), 9))
