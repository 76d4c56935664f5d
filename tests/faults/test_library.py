"""The library's own entry checks a scene as the loader does."""

import pytest
import torch

from pixelrl.errors import MapError
from pixelrl.maps import NEAR, check_values
from pixelrl.rl.editing import edit_scene
from pixelrl_tasks.denoising import LOUDEST, Denoising
from toys import Toy, toy_net

GRAY = torch.rand(1, 1, 12, 12)
WRONG = {
    "bytes as floats": ({"image": GRAY * 255}, "expected values in [0, 1].*divide by 255"),
    "sixteen bits": ({"image": GRAY * 65535}, "expected values in [0, 1].*scale it"),
    "NaN": ({"image": GRAY * torch.nan}, "image: holds NaN"),
    "infinity": ({"image": GRAY / 0}, "image: holds NaN or infinity"),
    "uint8": ({"image": (GRAY * 255).byte()}, "expected float32, got uint8"),
    "float64": ({"image": GRAY.double()}, "expected float32"),
    "no batch": ({"image": GRAY[0]}, r"expected \(B C H W\)"),
    "color": ({"image": GRAY.expand(1, 3, 12, 12)}, "with C=1"),
    "no image": ({"target": GRAY}, "expected a map named image"),
    "no pixels": ({"image": torch.zeros(1, 1, 0, 12)}, "expected a map of pixels"),
    "a target of NaN": ({"image": GRAY, "target": GRAY * torch.nan}, "target: holds NaN"),
    "not aligned": ({"image": GRAY, "target": GRAY[..., :9]}, "target: expected"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_no_loader_would_give_is_refused(kind: str) -> None:
    task = Toy()
    scene, told = WRONG[kind]
    with pytest.raises(MapError, match=told.replace("[0, 1]", r"\[0, 1\]")):
        edit_scene(task, toy_net(task), scene)


def test_the_loudest_noise_is_near_enough() -> None:
    task = Denoising(sigma=float(LOUDEST))
    noisy = task.add_noise(torch.rand(1, 512, 512), task.sigma, torch.Generator().manual_seed(0))
    assert check_values({"image": noisy})
    assert float(noisy.abs().max()) < NEAR
