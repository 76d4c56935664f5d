"""The checker finds every broken promise, and names culprit and cure in one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import torch
from torch import Generator, Tensor

from pixelrl import Edit, Scene, Task, keep
from pixelrl.errors import ContractError
from pixelrl.rewards import squared_error_drop
from pixelrl.scores import Score
from pixelrl.testing import check_task
from pixelrl_tasks.denoising import Denoising
from pixelrl_tasks.inpainting import Inpainting


@dataclass(frozen=True)
class Good(Task):
    length: int = 2

    def edits(self) -> Mapping[str, Edit]:
        return {"keep": keep, "half": lambda image: image * 0.5}

    def problem(self, maps: Scene, rng: Generator) -> Scene:
        return {"image": maps["image"], "target": 1 - maps["image"]}

    def reward(self, before: Tensor, after: Tensor, scene: Scene) -> Tensor:
        return squared_error_drop(before, after, scene["target"])


@pytest.mark.parametrize("task", [Good(), Denoising(), Denoising(channels=3), Inpainting()])
def test_good_tasks_pass(task: Task) -> None:
    check_task(task)


def test_broken_promises_are_named() -> None:
    def told(**methods: object) -> str:
        kind = dataclass(frozen=True)(type("Bad", (Good,), methods))
        globals()["Bad"] = kind  # where pickle looks for it
        kind.__qualname__, kind.__module__ = "Bad", __name__
        with pytest.raises(ContractError) as caught:
            check_task(kind())
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def with_edit(edit: Edit) -> dict[str, object]:
        return {"edits": lambda _: {"keep": keep, "odd": edit}}

    assert "edit 'odd' changes the shape" in told(**with_edit(lambda x: x[..., 1:]))
    assert "edit 'odd' changes the type" in told(**with_edit(lambda x: x.double()))
    assert "edit 'odd' writes into its image" in told(**with_edit(lambda x: x.mul_(0.5)))
    assert "edit 'odd' makes NaN" in told(**with_edit(lambda x: x / 0 * 0))
    assert "edit 'odd' differs between two equal calls" in told(
        **with_edit(lambda x: x + torch.rand(1))
    )
    assert "reward" in told(reward=lambda _, b, a, s: (a - b).mean((1, 2, 3)))
    assert "reward of edit" in told(reward=lambda _, b, a, s: (a - b) / 0)
    assert "demonstrate returns (2, 1, 24, 36) of torch.float32" in told(
        demonstrate=lambda _, image, scene: image
    )
    assert "demonstrate chooses edits that there are not; there are 2" in told(
        demonstrate=lambda _, image, scene: torch.full_like(image[:, 0], 2, dtype=torch.int64)
    )
    assert "local_reward" in told(
        local_reward=True, reward=lambda _, b, a, s: (a - b) - (a - b).mean()
    )
    assert "aim_reward at a pixel depends on other pixels' edits" in told(
        aim_reward=lambda _, b, a, s: (a - b) - (a - b).mean()
    )
    assert "observation_channels is 1" in told(observe=lambda _, i, s: torch.cat([i, i], 1))
    assert "score 'odd' has shape ()" in told(scores=lambda _, i, s: {"odd": i.mean()})
    assert "declared_scores names 'odd', but scores answers psnr, ssim;" in told(
        declared_scores=(Score("odd"),)
    )
    for wrong in (("psnr",), Score("psnr"), "psnr"):
        assert "declared_scores: expected a tuple of Score(...)" in told(declared_scores=wrong)
    assert "problem returns no 'image'" in told(problem=lambda _, m, r: {"target": m["image"]})
    assert "draw from the given one only" in told(
        problem=lambda _, m, r: {"image": torch.rand(1, 8, 8), "target": torch.rand(1, 8, 8)}
    )
    assert "writes into the maps" in told(
        problem=lambda _, m, r: {"image": m["image"].mul_(0.5), "target": m["image"]}
    )
    assert "problem breaks its promise" in told(
        problem=lambda _, m, r: {"image": m["image"], "target": m["image"][..., 1:]}
    )


@dataclass(frozen=True)
class Changed(Good):
    stride: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "stride", self.stride * 2)


@dataclass(frozen=True)
class Unpicklable(Good):
    function: object = field(default_factory=lambda: lambda: None)


def test_tasks_that_are_no_values_are_named() -> None:
    with pytest.raises(ContractError, match="cannot be rebuilt from its fields"):
        check_task(Changed())
    with pytest.raises(ContractError, match="cannot be pickled"):
        check_task(Unpicklable())
