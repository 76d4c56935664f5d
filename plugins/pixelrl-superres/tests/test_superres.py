from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Generator, Tensor

import pixelrl
from pixelrl.cli.main import main
from pixelrl.discovery import TASKS, load
from pixelrl.errors import ConfigError, MapError
from pixelrl.images import read_image, write_image
from pixelrl.images.folders import list_bundled
from pixelrl.oracle import greedy
from pixelrl.scores import as_written, psnr
from pixelrl.testing import check_task
from pixelrl_superres import FACTORS, SuperResolution
from pixelrl_superres.__main__ import main as enlarge_files
from pixelrl_superres.edits import back_projected, enlarged, unsharp
from pixelrl_superres.resize import enlarge, recovered, resize

PILLOW = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
SIZES = [((24, 36), (12, 18)), ((20, 30), (7, 11)), ((7, 5), (21, 15)), ((9, 8), (36, 11))]


def photo(side: int = 96, channels: int = 1) -> Tensor:
    """Cut a piece with edges and texture out of a bundled image, ``(C,H,W)``."""
    return read_image(list_bundled("test")[0], channels)[:, 60 : 60 + side, 170 : 170 + side]


def posed(task: SuperResolution, image: Tensor) -> dict[str, Tensor]:
    scene = task.problem({"image": image}, Generator())
    return {name: value[None] for name, value in scene.items()}


def pillow(array: NDArray[np.float32], size: tuple[int, int], kernel: str) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(array).resize(size[::-1], PILLOW[kernel]))


# The contract


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("channels", [1, 3])
def test_it_keeps_every_promise(factor: int, channels: int) -> None:
    check_task(SuperResolution(factor=factor, channels=channels))


def test_it_is_found_by_its_name() -> None:
    assert load(TASKS, "superres") is SuperResolution


def test_it_promises_no_reach_since_its_edits_are_tied_to_the_small_grid() -> None:
    """A window that begins elsewhere is enlarged differently, however wide its halo."""
    task = SuperResolution()
    scene = posed(task, photo())
    shifted = {name: value[..., 1:-2] for name, value in scene.items()}
    whole = task.candidates(scene["image"], scene)[..., 1:-2]
    window = task.candidates(shifted["image"], shifted)
    names = list(task.guided)
    far = (whole - window)[..., 30:-30].abs().amax((0, 2, 3, 4))
    assert far[names.index("back-project")] > 1e-3
    assert far[names.index("sharpen coarse")] < 1e-6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factor": 5}, r"task\.factor: expected 2, 3, 4, got 5"),
        ({"channels": 2}, r"task\.channels: expected 1 \(gray\) or 3"),
        ({"length": 0}, r"task\.length: expected steps from 1 on, got 0"),
    ],
)
def test_settings_that_cannot_be_are_named(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SuperResolution(**settings)


# The problem


@pytest.mark.parametrize("factor", FACTORS)
def test_the_problem_is_pillows_reduction_enlarged(factor: int) -> None:
    image = photo(50)
    scene = SuperResolution(factor=factor).problem({"image": image}, Generator())
    side = 50 // factor
    whole = side * factor
    assert torch.equal(scene["target"], image[:, :whole, :whole])
    small = pillow(image[0, :whole, :whole].numpy(), (side, side), "bicubic")
    small = np.floor(np.clip(small, 0, 1) * 255 + 0.5) / 255
    wanted = pillow(small.astype(np.float32), (whole, whole), "bicubic")
    difference = (scene["image"][0] - torch.from_numpy(wanted.clip(0, 1))).abs()
    assert difference.max() < 0.51 / 255  # rounded to 8 bits, no further off


@pytest.mark.parametrize("factor", FACTORS)
def test_the_small_photograph_is_recovered_from_the_file_of_its_enlargement(factor: int) -> None:
    small = as_written(resize(photo(), (30, 24)))
    large = enlarge(small, factor)
    torch.testing.assert_close(recovered(large, factor), small, rtol=0, atol=1e-5)
    off = (recovered(as_written(large), factor) - small).abs()
    assert off.max() < 1 / 255
    assert off.square().mean().sqrt() < 0.29 / 255  # less than the rounding's own error


def test_images_of_a_wrong_size_are_told_in_a_line() -> None:
    task = SuperResolution(factor=3)
    image = torch.rand(1, 1, 30, 31)
    with pytest.raises(MapError, match=r"31x30 pixels are no multiple of task\.factor=3"):
        task.candidates(image, {"image": image})
    with pytest.raises(MapError, match=r"2x9 pixels are too few to be reduced by task\.factor=3"):
        task.problem({"image": torch.rand(1, 9, 2)}, Generator())


# The edits


@pytest.mark.parametrize("kernel", ["bicubic", "lanczos"])
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_resizing_is_pillows(kernel: str, old: tuple[int, int], new: tuple[int, int]) -> None:
    image = torch.rand(old, generator=Generator().manual_seed(0))
    wanted = torch.from_numpy(pillow(image.numpy(), new, kernel).copy())
    torch.testing.assert_close(resize(image, new, kernel), wanted, rtol=0, atol=2e-6)


def test_the_enlarger_takes_the_small_image_whatever_became_of_the_large_one() -> None:
    small = torch.rand(1, 1, 8, 9)
    wanted = pillow(small[0, 0].numpy(), (24, 27), "lanczos")
    found = enlarged("lanczos")(torch.zeros(1, 1, 24, 27), small)
    torch.testing.assert_close(found[0, 0], torch.from_numpy(wanted.copy()), rtol=0, atol=2e-6)


@pytest.mark.parametrize(("size", "sigma"), [(5, 0.8), (9, 1.5)])
def test_unsharp_masks_are_opencvs(size: int, sigma: float) -> None:
    image = photo(32)
    array = image[0].numpy()
    blurred = cv2.GaussianBlur(array, (size, size), sigma, borderType=cv2.BORDER_REFLECT_101)
    wanted = cv2.addWeighted(array, 1.5, blurred, -0.5, 0)
    found = unsharp(size, sigma, 0.5)(image[None])[0, 0]
    torch.testing.assert_close(found, torch.from_numpy(wanted), rtol=0, atol=5e-6)


@pytest.mark.parametrize("factor", FACTORS)
def test_back_projection_is_pillows_and_makes_the_image_consistent(factor: int) -> None:
    task = SuperResolution(factor=factor)
    scene = posed(task, photo())
    small = task.small(scene["image"])
    edit = back_projected()
    image = scene["image"]
    size, little = (image.shape[-2], image.shape[-1]), (small.shape[-2], small.shape[-1])

    array = image[0, 0].numpy()
    lacking = small[0, 0].numpy() - pillow(array, little, "bicubic")
    wanted = array + pillow(lacking, size, "bicubic")
    torch.testing.assert_close(
        edit(image, small)[0, 0], torch.from_numpy(wanted), atol=5e-6, rtol=0
    )

    errors = []
    for _ in range(5):
        errors.append(float((resize(image, little) - small).square().mean()))
        image = edit(image, small)
    assert all(later < 0.5 * earlier for earlier, later in pairwise(errors))


def test_smoothers_and_shifts_are_what_their_names_say() -> None:
    task = SuperResolution()
    scene = posed(task, photo(48))
    image = scene["image"]
    found = dict(zip(task.guided, task.candidates(image, scene).unbind(1), strict=True))
    array = np.ascontiguousarray(image[0, 0].numpy())
    wanted = {
        "keep": array,
        "median 3": cv2.medianBlur(array, 3),
        "bilateral 0.1": cv2.bilateralFilter(array, 5, 0.1, 5.0),
        "-1": array - np.float32(1 / 255),
        "+1": array + np.float32(1 / 255),
    }
    for name, value in wanted.items():
        torch.testing.assert_close(found[name][0, 0], torch.from_numpy(value), atol=1e-5, rtol=0)


def test_all_edits_but_the_enlarger_carry_gradient() -> None:
    task = SuperResolution()
    scene = posed(task, photo(24))
    image = scene["image"].clone().requires_grad_()
    for name, after in zip(task.guided, task.candidates(image, scene).unbind(1), strict=True):
        (slope,) = torch.autograd.grad(after.sum(), image, retain_graph=True, allow_unused=True)
        assert (slope is not None and bool(slope.any())) == (name != "lanczos"), name


def test_an_image_edited_without_gradient_can_be_learned_from_afterwards() -> None:
    task = SuperResolution()
    scene = posed(task, photo(42))
    with torch.inference_mode():
        task.candidates(scene["image"], scene)
    image = scene["image"].clone().requires_grad_()
    task.candidates(image, scene).sum().backward()
    assert image.grad is not None


# What can be reached


@pytest.mark.parametrize("factor", FACTORS)
def test_the_oracle_beats_bicubic_clearly(factor: int) -> None:
    task = SuperResolution(factor=factor)
    scene = posed(task, photo())
    images, _ = greedy(task, scene)
    before, after = (psnr(image, scene["target"]).item() for image in (scene["image"], images[-1]))
    assert after > before + 5


def test_back_projection_everywhere_beats_bicubic() -> None:
    task = SuperResolution()
    scene = posed(task, photo())
    image = scene["image"]
    edit = list(task.guided).index("back-project")
    for _ in range(task.length):
        image = task.step(image, torch.full((1, 96, 96), edit), scene)
    assert psnr(image, scene["target"]) > psnr(scene["image"], scene["target"]) + 0.5


# The command line


def test_from_small_files_to_large_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = tmp_path / "small"
    photos = tmp_path / "photos"
    for number in range(2):
        write_image(photos / f"{number}.png", photo(48 + number))
        write_image(small / f"{number}.png", photo(17 + number))
    recipe = Path(__file__).parents[1] / "recipes" / "superres.yaml"
    quick = ["network.width=8", "learning.episodes=2", "data.crop=24", "data.batch=2"]
    folders = [f"data.{split}.image={photos}" for split in ("train", "val", "test")]
    run = ["run.name=one", "run.validate_every=1", f"run.root={tmp_path}", "run.accelerator=cpu"]
    words = ["fit", "--task", "superres", "--config", str(recipe), *quick, *folders, *run]
    assert main(words) == 0

    large = tmp_path / "large"
    assert enlarge_files([str(small), str(large), "--factor", "3"]) == 0
    with Image.open(small / "1.png") as opened:
        wanted = np.asarray(opened.resize((54, 54), Image.Resampling.BICUBIC), np.int16)
    with Image.open(large / "1.png") as opened:
        assert np.abs(np.asarray(opened, np.int16) - wanted).max() <= 1

    policy = ["--checkpoint", str(tmp_path / "one"), "--out", str(tmp_path / "edited")]
    assert main(["predict", *policy, f"data.predict.image={large}"]) == 0
    with Image.open(tmp_path / "edited" / "0.png") as opened:
        assert opened.size == (51, 51)

    capsys.readouterr()
    policy[-1] += "-small"
    assert main(["predict", *policy, f"data.predict.image={small}"]) == 3
    told = capsys.readouterr().err
    assert "17x17 pixels are no multiple of task.factor=3" in told
    assert enlarge_files([str(tmp_path / "nowhere"), str(large)]) == 2
    assert "nowhere: no such folder" in capsys.readouterr().err


def test_its_agents_are_found_and_do_better_than_back_projection() -> None:
    task = SuperResolution()
    scene = posed(task, photo())
    found = pixelrl.load("superres", device="cpu")(scene["image"]).image
    image, small = scene["image"], task.small(scene["image"])
    for _ in range(task.length):
        image = back_projected()(image, small)
    assert float(psnr(found, scene["target"])) > float(psnr(image, scene["target"])) + 0.2
