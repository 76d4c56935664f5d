"""Denoising paid by structural similarity: what is paid, and what agents aim by."""

import torch
from skimage.metrics import structural_similarity

from pixelrl.config.compose import compose
from pixelrl.oracle import can_aim
from pixelrl.testing import check_task
from pixelrl.training.checkpoint import build
from pixelrl_tasks.denoising import Denoising
from pixelrl_tasks.structure import SCALE, StructuralDenoising


def noisy() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    clean = torch.linspace(0.1, 0.9, 40).expand(1, 1, 40, 40)
    return clean, clean + 0.1 * torch.randn(clean.shape, generator=rng)


def test_it_keeps_the_contract() -> None:
    check_task(StructuralDenoising())
    assert can_aim(StructuralDenoising())


def test_the_reward_is_what_scikit_image_says_was_won() -> None:
    clean, image = noisy()
    after = torch.nn.functional.avg_pool2d(image, 3, 1, 1, count_include_pad=False)
    paid = StructuralDenoising().reward(image, after, {"target": clean})[0, 0, 5:-5, 5:-5]
    before_it, after_it = (
        structural_similarity(
            each[0, 0].double().numpy(),
            clean[0, 0].double().numpy(),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1.0,
        )
        for each in (image, after)
    )
    assert abs(float(paid.mean()) - SCALE * (after_it - before_it)) < 0.02


def test_agents_begin_at_the_edits_that_lower_squared_error() -> None:
    """Without reinforcement both are paid for differently and yet choose alike."""
    clean, image = noisy()
    small = ["network.kind=goal", "network.widths=[8,8]", "learning.estimator=pathwise"]
    chosen = []
    for name, kind in (("denoising", Denoising), ("structural_denoising", StructuralDenoising)):
        torch.manual_seed(0)
        experiment = compose(name, overrides=small)
        assert type(experiment.task) is kind
        chosen.append(build(experiment).eval().edit({"image": image, "target": clean}))
    assert torch.equal(chosen[0].choices, chosen[1].choices)
    assert not torch.equal(chosen[0].reward, chosen[1].reward)
