from pathlib import Path

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
from pixelrl_lowlight import LowLight
from pixelrl_lowlight.darkening import GAMMA, darken

RECIPE = Path(__file__).parents[1] / "recipes" / "lowlight.yaml"


def photo(side: int = 48) -> Tensor:
    """Cut a piece with edges and texture out of a bundled image, ``(3,H,W)``."""
    return read_image(list_bundled("test")[0], 3)[:, 60 : 60 + side, 170 : 170 + side]


def test_it_keeps_every_promise() -> None:
    check_task(LowLight())


def test_it_is_found_by_its_name_and_its_recipe_is_one() -> None:
    assert load(TASKS, "lowlight") is LowLight
    assert compose("lowlight", [RECIPE]).network.kind == "goal"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"channels": 1}, r"task\.channels: expected 3"),
        ({"stops": (3.0, 1.0)}, r"task\.stops: expected two numbers from 0 to 8"),
        ({"stops": (0.0, 9.0)}, r"task\.stops: expected two numbers from 0 to 8"),
        ({"photons": 0.0}, r"task\.photons: expected a number from 1 on"),
        ({"read": -1.0}, r"task\.read: expected photons from 0 on"),
    ],
)
def test_settings_that_cannot_be_are_told_in_a_line(
    settings: dict[str, float], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        LowLight(**settings)


def test_light_is_less_by_stops_and_photons_make_it_noisy() -> None:
    gray = torch.full((3, 64, 64), 0.5)
    few, many = (
        darken(gray, 1.0, photons, 0.0, Generator().manual_seed(0)) for photons in (500, 50_000)
    )
    light = few.double() ** GAMMA
    assert float(light.mean()) == pytest.approx(0.5 * 0.5**GAMMA, rel=0.02)
    # Counted photons vary by the root of their number.
    assert float(light.std() / light.mean()) == pytest.approx(
        (500 * 0.5 * 0.5**GAMMA) ** -0.5, rel=0.05
    )
    assert many.std() < few.std() / 3


def test_photographs_differ_in_how_dark_they_are() -> None:
    rng = Generator().manual_seed(0)
    means = [float(LowLight().problem({"image": photo()}, rng)["image"].mean()) for _ in range(6)]
    assert max(means) > 1.3 * min(means)


def test_its_edits_can_do_what_is_wanted() -> None:
    task = LowLight(stops=(2.0, 2.0))
    scene = {n: v[None] for n, v in task.problem({"image": photo()}, Generator()).items()}
    images, _ = greedy(task, scene)
    before, after = (float(psnr(image, scene["target"])) for image in (scene["image"], images[-1]))
    assert after > before + 10


def test_its_recipe_goes_through_an_episode(tmp_path: Path) -> None:
    small = ["network.widths=[8]", "learning.goal_episodes=2", "learning.episodes=1"]
    data = ["data.crop=32", "data.batch=2", "data.val_crop=48", "data.limit=1"]
    run = [f"run.root={tmp_path}", "run.name=one", "run.accelerator=cpu", "run.validate_every=3"]
    words = ["fit", "--task", "lowlight", "--config", str(RECIPE), "--dry-run"]
    assert main([*words, *small, *data, *run]) == 0


def test_its_agents_are_found_and_do_better_than_the_best_fixed_sequence() -> None:
    task = LowLight()
    fixed = ["brightness x1.6", "brightness x1.06", "brightness x1.06", "contrast -", "+2"]
    agents, won = pixelrl.load("lowlight", device="cpu"), []
    for seed in range(3):
        scene = task.problem({"image": photo(160)}, Generator().manual_seed(seed))
        image, target = scene["image"][None], scene["target"][None]
        found = agents(image).image
        for name in [*fixed, "bilateral 0.2"]:
            image = task.actions[name](image)
        won.append(float(psnr(found, target) - psnr(image, target)))
    assert min(won) > 0
    assert sum(won) / len(won) > 2
