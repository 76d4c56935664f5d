from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Generator, Tensor

import pixelrl
from pixelrl.cli.main import main
from pixelrl.config.compose import compose
from pixelrl.discovery import TASKS, load
from pixelrl.errors import ConfigError
from pixelrl.images import read_image
from pixelrl.images.folders import list_bundled
from pixelrl.oracle import greedy
from pixelrl.scores import psnr
from pixelrl.testing import check_task
from pixelrl_jpeg import JpegDeblocking
from pixelrl_jpeg.edits import SIGMA, WINDOW, smooth_along
from pixelrl_tasks.jpeg import compress

RECIPE = Path(__file__).parents[1] / "recipes" / "jpeg.yaml"


def photo(side: int = 48, channels: int = 1) -> Tensor:
    """Cut a piece with edges and texture out of a bundled image, ``(C,H,W)``."""
    return read_image(list_bundled("test")[0], channels)[:, 60 : 60 + side, 170 : 170 + side]


@pytest.mark.parametrize("settings", [{}, {"channels": 3}, {"cropped": True}])
def test_it_keeps_every_promise_in_gray_and_color(settings: dict[str, int]) -> None:
    check_task(JpegDeblocking(**settings))


def test_it_is_found_by_its_name_and_its_recipe_is_one() -> None:
    assert load(TASKS, "jpeg") is JpegDeblocking
    assert compose("jpeg", [RECIPE]).network.kind == "goal"


@pytest.mark.parametrize("quality", [(0, 10), (40, 10), (10, 101)])
def test_qualities_that_cannot_be_are_told_in_a_line(quality: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match=r"task\.quality: expected two JPEG qualities"):
        JpegDeblocking(quality=quality)


def test_the_problem_is_the_files() -> None:
    image = photo()
    scene = JpegDeblocking(quality=(20, 20)).problem({"image": image}, Generator())
    assert torch.equal(scene["image"], compress(image, 20))
    assert torch.equal(scene["target"], image)


def test_cropped_photographs_have_blocks_anywhere() -> None:
    task = JpegDeblocking(quality=(20, 20), cropped=True)
    rng = Generator().manual_seed(0)
    made = [task.problem({"image": photo()}, rng)["image"] for _ in range(8)]
    aligned = compress(photo(), 20)
    assert 0 < sum(torch.equal(image, aligned) for image in made) < 8


@pytest.mark.parametrize("direction", ["rows", "columns"])
def test_filters_of_one_direction_are_opencvs(direction: str) -> None:
    image = photo(20)
    kernel, one = cv2.getGaussianKernel(WINDOW, SIGMA), np.ones((1, 1))
    across, down = (kernel, one) if direction == "rows" else (one, kernel)
    wanted = cv2.sepFilter2D(image[0].numpy(), -1, across, down)
    found = smooth_along("rows" if direction == "rows" else "columns")(image[None])[0, 0]
    torch.testing.assert_close(found, torch.from_numpy(wanted), rtol=0, atol=1e-5)


def test_its_edits_can_do_what_is_wanted() -> None:
    task = JpegDeblocking(quality=(10, 10))
    scene = {n: v[None] for n, v in task.problem({"image": photo()}, Generator()).items()}
    images, _ = greedy(task, scene)
    before, after = (float(psnr(image, scene["target"])) for image in (scene["image"], images[-1]))
    assert after > before + 5


def test_its_agents_are_found_and_do_better_than_no_edit() -> None:
    task = JpegDeblocking(quality=(20, 20))
    scene = {n: v[None] for n, v in task.problem({"image": photo()}, Generator()).items()}
    found = pixelrl.load("jpeg", device="cpu")(scene["image"]).image
    assert float(psnr(found, scene["target"])) > float(psnr(scene["image"], scene["target"])) + 0.2


def test_its_recipe_goes_through_an_episode(tmp_path: Path) -> None:
    small = ["network.widths=[8]", "learning.goal_episodes=2", "learning.episodes=1"]
    data = ["data.crop=32", "data.batch=2", "data.val_crop=48", "data.limit=1"]
    run = [f"run.root={tmp_path}", "run.name=one", "run.accelerator=cpu", "run.validate_every=3"]
    words = ["fit", "--task", "jpeg", "--config", str(RECIPE), "--dry-run"]
    assert main([*words, *small, *data, *run]) == 0
