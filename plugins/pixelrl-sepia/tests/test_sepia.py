import torch

from pixelrl.discovery import TASKS, load
from pixelrl.oracle import greedy
from pixelrl.testing import check_task
from pixelrl_sepia import Sepia


def test_it_keeps_every_promise() -> None:
    check_task(Sepia())


def test_it_is_found_by_its_name() -> None:
    assert load(TASKS, "sepia") is Sepia


def test_its_edits_can_reach_the_print() -> None:
    photo = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    task = Sepia()
    scene = task.problem({"image": photo}, torch.Generator())
    images, _ = greedy(task, scene)
    before, after = ((scene["target"] - image).square().mean() for image in (photo, images[-1]))
    assert after < 0.25 * before
