"""Pathwise learning differentiates the rewards of an episode through the edits themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import pytest
import torch
from torch import Tensor

from pixelrl.actions import Edit, changes, keep
from pixelrl.config.compose import compose
from pixelrl.errors import ConfigError
from pixelrl.rl.losses import pathwise_losses
from pixelrl.rl.network import PolicyOutput
from pixelrl.rl.returns import return_maps
from pixelrl.rl.rollout import Transition, rollout, straight_through
from pixelrl.training.checkpoint import build
from toys import Toy, toy_net, toy_scene


def rolled_out(
    task: Toy, size: int = 8
) -> tuple[list[Transition], list[Tensor], dict[str, Tensor]]:
    """Play with logits that are leaves, so that their gradients can be looked at."""
    scene = toy_scene(2, 1, size, size)
    logits: list[Tensor] = []
    rng = torch.Generator().manual_seed(1)

    def policy(observation: Tensor, memory: Tensor | None) -> PolicyOutput:
        shape = (2, len(task.actions), size, size)
        logits.append(torch.randn(shape, generator=rng).requires_grad_())
        return PolicyOutput(logits[-1], torch.zeros(2, 1, size, size), None)

    return list(rollout(task, policy, scene)), logits, scene


def summed_rewards(task: Toy, steps: list[Transition], scene: dict[str, Tensor]) -> Tensor:
    return torch.stack([task.reward(step.before, step.after, scene) for step in steps])


def test_straight_through_images_are_the_images() -> None:
    task = Toy(length=4)
    steps, _, scene = rolled_out(task)
    for loose, bound in zip(steps, straight_through(task, steps, scene), strict=True):
        assert torch.equal(loose.before, bound.before)
        assert torch.equal(loose.after, bound.after)
        assert bound.after.requires_grad


def test_the_gradient_is_that_of_mixed_candidates_around_the_choices() -> None:
    """Independently: move one pixel's image by its candidates' mixture and look at the reward."""
    task = Toy(length=1)
    steps, (logits,), scene = rolled_out(task, size=6)
    rewards = summed_rewards(task, straight_through(task, steps, scene), scene)
    (gradient,) = torch.autograd.grad(rewards.sum(), logits)
    after, target = steps[0].after.double(), scene["target"].double()
    slope = 2 * 255 * (target - after)  # of -255 (target - after)^2
    candidates = task.candidates(steps[0].before, scene).double()[:, :, 0]
    shares = logits.detach().double().softmax(1)
    worth = slope * candidates
    wanted = shares * (worth - (shares * worth).sum(1, keepdim=True))
    torch.testing.assert_close(gradient.double(), wanted, rtol=1e-4, atol=1e-4)


def test_credit_goes_back_in_time_and_to_neighbors_within_reach() -> None:
    task = Toy(length=3)
    steps, logits, scene = rolled_out(task, size=9)
    rewards = summed_rewards(task, straight_through(task, steps, scene), scene)
    found = torch.autograd.grad(rewards[2, 0, 0, 4, 4], logits)
    for number, gradient in enumerate(found):
        rows, columns = gradient[0].abs().sum(0).nonzero().unbind(1)
        reach = 2 - number  # a reward's own pixel at its step; one more pixel for each step before
        assert gradient[0].any()
        assert (rows - 4).abs().max() <= reach
        assert (columns - 4).abs().max() <= reach
        assert not gradient[1].any()
    assert any(found[0][0, :, row, 4].any() for row in (3, 5))


def test_a_window_ties_nothing_to_the_window_before() -> None:
    task = Toy(length=4)
    steps, logits, scene = rolled_out(task)
    rewards = summed_rewards(task, straight_through(task, steps[2:], scene), scene)
    gradients = torch.autograd.grad(rewards.sum(), logits, allow_unused=True)
    assert [gradient is not None for gradient in gradients] == [False, False, True, True]


def test_later_rewards_count_less() -> None:
    task = Toy(length=2)
    steps, _, scene = rolled_out(task)
    steps = straight_through(task, steps, scene)
    rewards = summed_rewards(task, steps, scene)
    returns = return_maps(rewards.detach(), 0.5)
    parts = pathwise_losses(steps, returns, rewards, 0.5)
    torch.testing.assert_close(parts.policy, -(rewards[0] + 0.5 * rewards[1]).mean())


def test_its_gradient_tells_which_shift_is_right() -> None:
    """Where every pixel is too dark, more of "plus" is worth more, whatever was chosen."""
    task = Toy(length=2, stride=0.01)
    steps, logits, _ = rolled_out(task)
    scene = {"image": steps[0].before, "target": steps[0].before + 1}
    (first, _) = torch.autograd.grad(
        summed_rewards(task, straight_through(task, steps, scene), scene).sum(), logits
    )
    names = list(task.actions.names)
    flat = [names.index(name) for name in ("minus", "keep", "plus")]
    per_share = first / logits[0].softmax(1).detach()
    minus, still, plus = per_share[:, flat].unbind(1)
    assert (minus <= still).all()
    assert (still <= plus).all()
    assert (minus < plus).float().mean() > 0.5  # a later median may leave a pixel out


@dataclass(frozen=True)
class Blind(Toy):
    """Edits and a reward that carry no gradient."""

    def reward(self, before: Tensor, after: Tensor, scene: Mapping[str, Tensor]) -> Tensor:
        return super().reward(before, after, scene).detach()

    def edits(self) -> Mapping[str, Edit]:
        return {"keep": keep, "round": torch.round}


def test_a_reward_without_gradient_is_refused_in_a_line() -> None:
    task = Blind()
    steps, _, scene = rolled_out(task)
    rewards = summed_rewards(task, straight_through(task, steps, scene), scene)
    with pytest.raises(ConfigError, match="pathwise: the task's edits or reward carry no gradient"):
        pathwise_losses(steps, rewards, rewards, 0.9)


def test_a_real_network_learns_through_all_its_decisions() -> None:
    task = Toy()
    net, scene = toy_net(task), toy_scene(2, 1, 8, 8)
    steps = straight_through(task, list(rollout(task, net, scene)), scene)
    rewards = summed_rewards(task, steps, scene)
    parts = pathwise_losses(steps, return_maps(rewards.detach(), 0.9), rewards, 0.9)
    parts.policy.backward()
    assert net.policy_head.weight.grad.any()
    assert net.trunk[0].weight.grad.any()
    assert net.value_head.weight.grad is None


@pytest.mark.parametrize(("task", "channels"), [*product(["denoising", "inpainting"], [1, 3])])
def test_agents_may_see_what_edits_would_change(task: str, channels: int) -> None:
    options = [f"task.channels={channels}", "task.sees_edits=true", "network.width=4"]
    module = build(compose(task, [], options))
    image = torch.rand(1, channels, 16, 16, generator=torch.Generator().manual_seed(0))
    seen = module.task.observe(image, {"image": image})
    assert seen.shape[1] == module.task.observation_channels == 10 * channels
    assert torch.equal(seen[:, :channels], image)
    box = image + seen[:, -channels:] / 5
    torch.testing.assert_close(box, module.task.actions["box"](image))
    assert torch.equal(seen, changes(image, module.task.candidates(image, {})))
    plain = replace(module.task, sees_edits=False)
    assert torch.equal(plain.observe(image, {}), image)
    module.tile = 8
    assert module.edit({"image": image}).image.isfinite().all()
