"""Saliency editing keeps the contract, draws its masks, and runs on the command line."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Generator, Tensor

from pixelrl.cli.main import main
from pixelrl.declaration import declare
from pixelrl.errors import ConfigError
from pixelrl.experiments.baselines import roll_out_baselines, score_baselines
from pixelrl.rl.rollout import replay
from pixelrl.runs.tables import Table, group_rows, mean_values, means
from pixelrl.testing import check_task
from pixelrl_tasks.masks import KINDS, LARGEST, SMALLEST, draw_mask
from pixelrl_tasks.saliency_editing.baselines import search_grade
from pixelrl_tasks.saliency_editing.task import SaliencyEditing
from strategies import filled, seeds
from toys import Toy, toy_scene


def photograph() -> Tensor:
    return torch.from_numpy(skimage.data.coffee() / 255).permute(2, 0, 1).float()


@pytest.mark.parametrize("direction", ["raise", "lower"])
def test_it_keeps_the_contract(direction: str) -> None:
    check_task(SaliencyEditing(direction=direction))


def test_settings_that_cannot_be() -> None:
    for wrong, told in (
        ({"channels": 1}, "gray photographs are read as RGB"),
        ({"direction": "up"}, "raise or lower"),
        ({"cap": 0.0}, "task.cap"),
        ({"inside": -1.0}, "task.inside"),
        ({"side": 8}, "task.side"),
        ({"masks": ("disk",)}, "task.masks"),
        ({"masks": ()}, "task.masks"),
    ):
        with pytest.raises(ConfigError, match=told):
            SaliencyEditing(**wrong)


def test_models_of_objects_are_warned_of() -> None:
    options = {"function": f"{__name__}:objects", "kind": "object"}
    with pytest.warns(UserWarning, match="finds objects"):
        assert SaliencyEditing(model="callable", options=options).saliency.kind == "object"


def objects(image: Tensor) -> Tensor:
    return image.mean(1)


@given(seeds, st.sampled_from(list(KINDS)), st.sampled_from([(40, 60), (96, 33)]))
def test_drawn_masks_cover_some_and_repeat(seed: int, kind: str, size: tuple[int, int]) -> None:
    image = filled((3, *size), seed)
    image[:, 10:20, 5:15] = 0.0
    mask, again = (draw_mask(image, Generator().manual_seed(seed), [kind]) for _ in range(2))
    assert torch.equal(mask, again)
    assert mask.shape == (1, *size)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert SMALLEST <= float(mask.mean()) <= LARGEST


def test_masks_differ_and_a_flat_image_gets_one_too() -> None:
    image = photograph()
    for kind in KINDS:
        drawn = [draw_mask(image, Generator().manual_seed(seed), [kind]) for seed in range(2)]
        assert kind == "object" or not torch.equal(drawn[0], drawn[1])  # objects may be few
        flat = draw_mask(torch.full((3, 50, 40), 0.5), Generator().manual_seed(1), [kind])
        assert SMALLEST <= float(flat.mean()) <= LARGEST


def test_problems_are_reduced_and_never_without_a_region() -> None:
    image, task = photograph(), SaliencyEditing(side=64)
    given_mask = torch.zeros(1, 400, 600)
    given_mask[:, 100:200, 100:300] = 1
    scene = task.problem({"image": image, "mask": given_mask}, Generator())
    assert scene["image"].shape == (3, 43, 64)
    assert float(scene["mask"].mean()) == pytest.approx(float(given_mask.mean()), rel=0.05)
    for empty in (torch.zeros(1, 400, 600), torch.ones(1, 400, 600)):
        drawn = task.problem({"image": image, "mask": empty}, Generator().manual_seed(0))["mask"]
        assert 0 < float(drawn.mean()) < 0.5
    small = {"image": image[:, :50, :40], "mask": given_mask[:, 90:140, 90:130]}
    for name, value in task.problem(small, Generator()).items():
        assert torch.equal(value, small[name])
    drawn = [task.problem({"image": image}, Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert torch.equal(drawn[0]["mask"], drawn[1]["mask"])
    assert not torch.equal(drawn[0]["mask"], drawn[2]["mask"])
    assert SMALLEST <= float(drawn[0]["mask"].mean()) <= LARGEST


def test_images_stay_in_range_and_agents_see_mask_and_change() -> None:
    task = SaliencyEditing()
    scene = {"image": filled((1, 3, 16, 16), 0), "mask": (filled((1, 1, 16, 16), 1) > 0.5).float()}
    candidates = task.candidates(scene["image"], scene)
    assert float(candidates.min()) >= 0
    assert float(candidates.max()) <= 1
    seen = task.observe(scene["image"] * 0.9, scene)
    assert torch.equal(seen[:, 3:4], scene["mask"])
    torch.testing.assert_close(seen[:, 4:7], -0.1 * scene["image"])
    assert seen.shape[1] == task.observation_channels
    assert float(seen[:, 7].min()) > 0  # some of the color budget is spent, on either side


@given(seeds)
def test_whatever_agents_choose_the_result_is_valid(seed: int) -> None:
    task = SaliencyEditing(side=32)
    image = F.interpolate(photograph()[None, :, :200, :300], (24, 32)).clamp(0, 1)
    mask = draw_mask(image[0], Generator().manual_seed(seed), ["disc"])[None]
    scene = {"image": image, "mask": mask}
    # Mostly one edit, so that nothing cancels out; and some of all others.
    choices = torch.randint(9, (8, 1, 24, 32), generator=Generator().manual_seed(seed))
    choices[:, :, :, :20] = seed % 9
    for after in replay(task, choices, scene):
        assert float(task.scores(after, scene)["valid"]) == 1


def test_only_strictness_keeps_within_the_budgets() -> None:
    image = F.interpolate(photograph()[None, :, :200, :300], (24, 32)).clamp(0, 1)
    scene = {
        "image": image,
        "mask": draw_mask(image[0], Generator().manual_seed(0), ["disc"])[None],
    }
    darker = torch.full((8, 1, 24, 32), 2)
    strict, loose = (
        list(replay(SaliencyEditing(side=32, strict=each), darker, scene)) for each in (True, False)
    )
    assert torch.equal(strict[0], loose[0])
    scores = SaliencyEditing(side=32).scores(loose[-1], scene)
    assert float(scores["valid"]) == 0
    assert torch.equal(strict[-1], strict[-2])  # all stand still at last
    assert not torch.equal(strict[0], image)


def test_baselines_of_any_task_choose_what_pays() -> None:
    task = Toy()
    scenes = []
    for seed in range(2):
        scene = toy_scene(1, 1, 12, 12, seed=seed)
        scenes.append({"image": scene["image"], "target": scene["image"] + 0.2})
    found = dict(roll_out_baselines(task, scenes))
    assert "plus x2" in found
    for images, scene in zip(found["plus x2"], scenes, strict=True):
        torch.testing.assert_close(images, scene["target"])
    assert "best sequence (plus x2)" in found
    assert not any(name.startswith("minus") for name in found)  # never rewarded
    assert torch.equal(found["no edit"][0], scenes[0]["image"])
    rows = [{"image": name, "psnr": 20.0, "ssim": 0.5, "reward": 1.0} for name in ("a", "b")]
    table = score_baselines(task, scenes, Table(("image",), rows, declare()))
    groups = group_rows(table, "baseline")
    assert list(groups)[:2] == ["policy", "no edit"]
    assert mean_values(means(groups["policy"])) == {"psnr": 20.0, "ssim": 0.5}
    assert all([row["image"] for row in group.rows] == ["a", "b"] for group in groups.values())
    assert table.declared["psnr"].higher_is_better


def test_a_searched_grade_is_best_by_trying_all() -> None:
    task = SaliencyEditing(side=48, length=1)
    image = F.interpolate(photograph()[None, :, :200, :300], (32, 48)).clamp(0, 1)
    mask = torch.zeros(1, 1, 32, 48)
    mask[..., 8:22, 16:34] = 1
    scene = {"image": image, "mask": mask}
    found = search_grade(task.candidates, task.reward, scene, 1)
    options = task.candidates(image, scene)[0]
    pairs = [torch.lerp(outside, inside, mask) for outside in options for inside in options]
    rewards = [float(task.reward(image, each, scene).mean()) for each in pairs]
    reached = float(task.reward(image, found, scene).mean())
    assert reached > 0.05
    assert reached >= 0.9 * max(rewards)  # one side after the other is not quite both at once
    assert min(float((found - each).abs().max()) for each in pairs) < 1e-6
    two = search_grade(task.candidates, task.reward, scene, 2)
    assert float(task.reward(image, two, scene).mean()) > reached
    both = {name: torch.cat([value, value.flip(-1)]) for name, value in scene.items()}
    torch.testing.assert_close(search_grade(task.candidates, task.reward, both, 1)[:1], found)


def test_a_searched_grade_may_be_none() -> None:
    image, mask = torch.full((1, 3, 12, 12), 0.5), torch.ones(1, 1, 12, 12)
    nothing = search_grade(
        lambda image, scene: torch.stack([image, image + 0.1], 1),
        lambda before, after, scene: before - after,
        {"image": image, "mask": mask},
        3,
    )
    assert torch.equal(nothing, image)


def write(folder: Path) -> list[str]:
    """Write two photographs with masks, and list the settings of a run of seconds."""
    coffee = skimage.data.coffee()
    for number in range(2):
        for kind in ("image", "mask"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        cut = coffee[60 * number : 60 * number + 96, 200:330]
        Image.fromarray(cut).save(folder / "image" / f"p{number}.png")
        mask = np.zeros(cut.shape[:2], np.uint8)
        mask[30:60, 40:80] = 255
        Image.fromarray(mask).save(folder / "mask" / f"p{number}.png")
    return [
        *(
            f"data.{split}.{name}={folder / name}"
            for split in ("train", "val", "test")
            for name in ("image", "mask")
        ),
        "network.width=8",
        "learning.episodes=2",
        "learning.spread=0",
        "data.crop=64",
        "data.batch=2",
        "task.side=48",
        "task.length=2",
        "data.limit=1",
        "run.validate_every=2",
        "run.checkpoint_every=2",
        f"run.root={folder / 'runs'}",
        "run.name=one",
        "run.accelerator=cpu",
    ]


def test_fit_evaluate_with_baselines_and_predict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", "--task", "saliency_editing", *write(tmp_path)]) == 0
    run, out = tmp_path / "runs" / "one", tmp_path / "scores"
    capsys.readouterr()
    words = ["evaluate", "--checkpoint", str(run), "--out", str(out), "--baselines", "--no-records"]
    assert main(words) == 0
    told = capsys.readouterr().out
    for row in (
        "policy",
        "no edit",
        "random policy",
        "searched grade",
        "fixed grade",
        "cheat: red region",
    ):
        assert f"\n{row}" in told
    table = (out / "baselines.csv").read_text().splitlines()
    assert table[0].startswith("baseline,image,gain,critic_gain,valid,dlogit")
    assert sum(line.startswith("cheat: red region,") for line in table) == 1
    assert (out / "scores.csv").read_text().startswith("image,")
    edited = tmp_path / "edited"
    files = [f"data.predict.{name}={tmp_path / name / 'p0.png'}" for name in ("image", "mask")]
    assert main(["predict", "--checkpoint", str(run), "--out", str(edited), *files]) == 0
    with Image.open(next(edited.rglob("p0.png"))) as picture:
        assert picture.size == (130, 96)


def test_the_command_line_names_wrong_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fit", "--task", "saliency_editing", *write(tmp_path)]
    assert main([*words, "task.model=gbsv"]) == 2
    assert "Did you mean 'gbvs'?" in capsys.readouterr().err
    assert main([*words, "task.model=onnx", "task.options.path=nowhere.onnx"]) == 2
    assert "onnx" in capsys.readouterr().err  # the file, or the library that would read it
