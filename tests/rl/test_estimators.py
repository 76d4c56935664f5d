"""The losses are the official code's, number for number; both estimators mean the same."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor

from pixelrl.actions import ActionSet, keep, shift
from pixelrl.oracle import rewards_per_edit
from pixelrl.rewards import squared_error_drop
from pixelrl.rl.losses import (
    Losses,
    expected_losses,
    pathwise_losses,
    priced_losses,
    sampled_losses,
)
from pixelrl.rl.network import PolicyOutput, PolicyValueNet
from pixelrl.rl.returns import RewardMapConv, return_maps
from pixelrl.rl.rollout import Transition, rollout, split_windows, straight_through
from pixelrl.training.official_weights import load_official_weights
from strategies import filled, seeds
from toys import Published, Toy, golden, toy_net, toy_scene

GAMMA = 0.95


def total(parts: Losses) -> Tensor:
    return parts.policy + 0.5 * parts.value - 0.01 * parts.entropy


# Law 8


@pytest.mark.parametrize("estimator", ["sampled", "expected", "pathwise", "priced"])
def test_gradient_reaches_the_kernel_through_the_value_loss_alone(estimator: str) -> None:
    task, scene = Toy(), toy_scene(2, 1, 8, 8)
    net, spread = toy_net(task), RewardMapConv(3)
    steps = list(rollout(task, net, scene))
    steps = straight_through(task, steps, scene) if estimator == "pathwise" else steps
    rewards = torch.stack([task.reward(step.before, step.after, scene) for step in steps])
    returns = return_maps(rewards.detach(), GAMMA, spread)
    if estimator == "sampled":
        parts = sampled_losses(steps, returns)
    elif estimator == "pathwise":
        parts = pathwise_losses(steps, returns, rewards, GAMMA)
    else:
        per_edit = torch.stack([rewards_per_edit(task, step.before, scene) for step in steps])
        if estimator == "priced":
            parts = priced_losses(steps, returns, per_edit, 0.5)
        else:
            parts = expected_losses(steps, returns, rewards, per_edit)

    def reaches(loss: Tensor, parameter: Tensor) -> bool:
        (gradient,) = torch.autograd.grad(loss, parameter, retain_graph=True, allow_unused=True)
        return gradient is not None and bool(gradient.any())

    assert reaches(parts.value, spread.weight)
    assert not reaches(parts.policy, spread.weight)
    assert not reaches(parts.entropy, spread.weight)
    assert reaches(parts.policy, net.policy_head.weight)
    assert reaches(parts.entropy, net.policy_head.weight)
    assert not reaches(parts.value, net.policy_head.weight)
    assert reaches(parts.value, net.value_head.weight)
    assert not reaches(parts.policy, net.value_head.weight)
    assert any(step.after.requires_grad for step in steps) is (estimator == "pathwise")
    assert rewards.requires_grad is (estimator == "pathwise")


def test_losses_by_hand() -> None:
    logits = torch.tensor([0.0, 1.0])[None, :, None, None].requires_grad_()
    value = torch.full((1, 1, 1, 1), 0.5, requires_grad=True)
    image = torch.zeros(1, 1, 1, 1)
    step = Transition(image, PolicyOutput(logits, value, None), torch.tensor([[[1]]]), image)
    parts = sampled_losses([step], torch.full((1, 1, 1, 1, 1), 2.0))
    pi = torch.tensor([0.0, 1.0]).softmax(0)
    assert parts.policy.item() == pytest.approx(-pi[1].log().item() * 1.5)
    assert parts.value.item() == pytest.approx(0.5 * 1.5**2)
    assert parts.entropy.item() == pytest.approx(-(pi * pi.log()).sum().item())
    (gradient,) = torch.autograd.grad(parts.value, value)
    assert gradient.item() == pytest.approx(-1.5)


def test_losses_are_sums_over_steps_and_means_over_pixels() -> None:
    task, scene = Toy(), toy_scene(2, 1, 6, 5)
    steps = list(rollout(task, toy_net(task), scene))
    returns = torch.randn(3, 2, 1, 6, 5)
    apart = [sampled_losses([step], returns[t : t + 1]) for t, step in enumerate(steps)]
    for whole, parts in zip(sampled_losses(steps, returns), zip(*apart, strict=True), strict=True):
        torch.testing.assert_close(whole, sum(parts))


@given(seeds)
def test_certain_logits_give_no_nan(seed: int) -> None:
    logits = filled((1, 3, 2, 2), seed, low=-1e4, high=1e4).requires_grad_()
    output = PolicyOutput(logits, torch.zeros(1, 1, 2, 2), None)
    image = torch.zeros(1, 1, 2, 2)
    step = Transition(image, output, logits.argmax(1), image)
    loss = total(sampled_losses([step], torch.ones(1, 1, 1, 2, 2)))
    assert loss.isfinite()
    assert torch.autograd.grad(loss, logits)[0].isfinite().all()


# Golden


class Rehearsed(NamedTuple):
    """Hold the golden episode, decided by our network in float64."""

    net: PolicyValueNet
    spread: RewardMapConv
    steps: list[Transition]
    wanted: dict[str, np.ndarray]

    @property
    def rewards(self) -> Tensor:
        return torch.from_numpy(self.wanted["rewards"]).double()


def rehearse(golden_files: Path, weights: Path, *, through_time: bool = False) -> Rehearsed:
    wanted = golden(golden_files / "loss_a3c_rmc.npz")
    net, spread = toy_net(Published(), width=64), RewardMapConv(33)
    load_official_weights(net, spread, weights / "rmc_gaussian25.npz")
    net, spread = net.double(), spread.double()
    states = torch.from_numpy(np.concatenate([wanted["states"], wanted["state_final"][None]]))
    actions = torch.from_numpy(wanted["actions"].astype(np.int64))
    steps, memory = [], None
    for before, after, choice in zip(states, states[1:], actions, strict=False):
        output = net(before.double(), memory)
        memory = output.memory if through_time else output.memory.detach()
        steps.append(Transition(before, output, choice, after))
    return Rehearsed(net, spread, steps, wanted)


def gradients(rehearsed: Rehearsed) -> dict[str, Tensor]:
    """Name our gradients as the official parameters are named."""
    ours = {name: value.grad for name, value in rehearsed.net.named_parameters()}
    layers = {
        "conv1": "trunk.0",
        "diconv2": "trunk.2",
        "diconv3": "trunk.4",
        "diconv4": "trunk.6",
        "diconv5_pi": "policy_body.0",
        "diconv6_pi": "policy_body.2",
        "diconv5_V": "value_body.0",
        "diconv6_V": "value_body.2",
        "conv7_V": "value_head",
        "conv8_pi": "policy_head",
    }
    named = {
        f"{theirs}.{end}": ours[f"{name}.{end}"]
        for theirs, name in layers.items()
        for end in ("weight", "bias")
    }
    gates = {"over_input": ("Wz", "Wr", "W"), "over_memory": ("Uz", "Ur"), "over_reset": ("U",)}
    for conv, names in gates.items():
        parts = ours[f"memory.{conv}.weight"].chunk(len(names))
        named.update({f"conv7_{n}.weight": p for n, p in zip(names, parts, strict=True)})
    if rehearsed.spread.weight.grad is not None:
        named["conv_R.weight"] = rehearsed.spread.weight.grad
    return named


def test_the_golden_episode_pays_what_it_paid(golden_files: Path) -> None:
    wanted = golden(golden_files / "loss_a3c_rmc.npz")
    clean = torch.from_numpy(wanted["clean"].astype(np.float32) / 255)
    states = torch.from_numpy(np.concatenate([wanted["states"], wanted["state_final"][None]]))
    torch.testing.assert_close(states[0], clean + torch.from_numpy(wanted["noise"]))
    for t in range(3):
        after = Published().step(states[t], torch.from_numpy(wanted["actions"][t]).long(), {})
        torch.testing.assert_close(after, states[t + 1], rtol=0, atol=2e-6)
        reward = squared_error_drop(states[t], states[t + 1], clean)
        torch.testing.assert_close(
            reward, torch.from_numpy(wanted["rewards"][t]), rtol=0, atol=5e-6
        )


def test_losses_equal_the_golden_ones(golden_files: Path, weights: Path) -> None:
    rehearsed = rehearse(golden_files, weights)
    wanted, meta = rehearsed.wanted, json.loads(str(rehearsed.wanted["meta"]))
    returns = return_maps(rehearsed.rewards, meta["gamma"], rehearsed.spread)
    log_pi = torch.stack([step.output.logits for step in rehearsed.steps]).log_softmax(2)
    taken = log_pi.gather(2, torch.stack([step.choice for step in rehearsed.steps]).unsqueeze(2))
    entropy = -(log_pi.exp() * log_pi).sum(2, keepdim=True)
    found = {
        "R": returns,
        "values": torch.stack([step.output.value for step in rehearsed.steps]),
        "log_prob": taken,
        "entropy": entropy,
    }
    for name, value in found.items():
        close(value, wanted[name], 1e-9)
    parts = sampled_losses(rehearsed.steps, returns)
    assert total(parts).item() == pytest.approx(meta["total"], abs=1e-9)
    assert 0.5 * parts.value.item() == pytest.approx(meta["v_mean"], abs=1e-9)
    policy = parts.policy - meta["beta"] * parts.entropy
    assert policy.item() == pytest.approx(meta["pi_mean"], abs=1e-9)


def test_gradients_equal_the_golden_ones(golden_files: Path, weights: Path) -> None:
    rehearsed = rehearse(golden_files, weights)
    total(
        sampled_losses(rehearsed.steps, return_maps(rehearsed.rewards, GAMMA, rehearsed.spread))
    ).backward()
    found, wanted = gradients(rehearsed), rehearsed.wanted
    names = [str(name) for name in wanted["param_names"]]
    assert set(names) == set(found)
    for name, norm, value in zip(names, wanted["grad_norms"], wanted["grad_sums"], strict=True):
        assert found[name].norm().item() == pytest.approx(norm, rel=1e-7), name
        assert found[name].sum().item() == pytest.approx(value, rel=1e-6, abs=1e-9), name
    for name in (key.removeprefix("grad__") for key in wanted if key.startswith("grad__")):
        close(found[name], wanted[f"grad__{name}"], 1e-7 * abs(wanted[f"grad__{name}"]).max())


def close(ours: Tensor, wanted: np.ndarray, tolerance: float) -> None:
    torch.testing.assert_close(ours.detach(), torch.from_numpy(wanted), rtol=0, atol=tolerance)


def test_the_usual_mistakes_are_seen(golden_files: Path, weights: Path) -> None:
    rehearsed = rehearse(golden_files, weights)
    right = json.loads(str(rehearsed.wanted["meta"]))["total"]
    mistakes = json.loads(str(rehearsed.wanted["alt"]))
    plain = total(sampled_losses(rehearsed.steps, return_maps(rehearsed.rewards, GAMMA))).item()
    assert plain == pytest.approx(mistakes["bootstrapped_identity"]["total"], abs=1e-9)
    assert abs(plain - right) > 0.1
    flipped = RewardMapConv(33).double()
    flipped.load_state_dict({"weight": rehearsed.spread.weight.detach().flip(-1, -2)})
    other = total(
        sampled_losses(rehearsed.steps, return_maps(rehearsed.rewards, GAMMA, flipped))
    ).item()
    assert abs(other - right) > 1e-5
    detached = return_maps(rehearsed.rewards, GAMMA, rehearsed.spread).detach()
    total(sampled_losses(rehearsed.steps, detached)).backward()
    assert "conv_R.weight" not in gradients(rehearsed)


def test_back_propagation_through_time_is_seen(golden_files: Path, weights: Path) -> None:
    norms = {}
    for through_time in (False, True):
        rehearsed = rehearse(golden_files, weights, through_time=through_time)
        total(
            sampled_losses(rehearsed.steps, return_maps(rehearsed.rewards, GAMMA, rehearsed.spread))
        ).backward()
        norms[through_time] = gradients(rehearsed)["conv7_Uz.weight"].norm().item()
    mistakes = json.loads(str(rehearsed.wanted["alt"]))
    assert norms[True] == pytest.approx(mistakes["gru_bptt"]["conv7_Uz.weight"], rel=1e-7)
    assert norms[False] == pytest.approx(mistakes["R_detached"]["conv7_Uz.weight"], rel=1e-7)


def test_play_detaches_as_the_golden_episode_does(golden_files: Path, weights: Path) -> None:
    rehearsed = rehearse(golden_files, weights)
    recorded = iter([step.choice for step in rehearsed.steps])
    scene = {"image": rehearsed.steps[0].before.double()}
    steps = list(rollout(Published(length=3), rehearsed.net, scene, lambda _: next(recorded)))
    total(sampled_losses(steps, return_maps(rehearsed.rewards, GAMMA, rehearsed.spread))).backward()
    norms = dict(zip(rehearsed.wanted["param_names"], rehearsed.wanted["grad_norms"], strict=True))
    for name, gradient in gradients(
        rehearsed
    ).items():  # its states are float64, the golden float32
        assert gradient.norm().item() == pytest.approx(norms[name], rel=1e-4), name


# Two estimators, one expectation


class TinyToy(Toy):
    """Three edits on two pixels, one of which looks at the other pixel."""

    @property
    def actions(self) -> ActionSet:
        return ActionSet(
            {
                "keep": keep,
                "plus": shift(0.3),
                "mean": lambda x: 0.4 * (x + x.flip(-1)),
            }
        )


class Enumerated(NamedTuple):
    """Hold a gradient's mean and its variance, summed over parameters."""

    mean: Tensor
    variance: float


def episodes(task: Toy, policy: object, scene: dict[str, Tensor]) -> Iterator[list[Transition]]:
    """Play every episode there is."""
    batch, _, height, width = scene["image"].shape
    maps = list(product(range(len(task.actions)), repeat=batch * height * width))
    for choices in product(maps, repeat=task.length):
        recorded = iter([torch.tensor(c).reshape(batch, height, width) for c in choices])
        yield list(rollout(task, policy, scene, lambda _, told=recorded: next(told)))


def enumerate_exactly(estimator: str, gamma: float, window: int) -> Enumerated:
    task = TinyToy(length=2)
    scene = toy_scene(1, 1, 1, 2, seed=3, dtype=torch.float64)
    weight = filled((3, 2), 5, low=-1, dtype=torch.float64).requires_grad_()
    weighted = filled((2,), 6, low=-5, high=5, dtype=torch.float64)
    spread = RewardMapConv(3).double()
    with torch.no_grad():
        spread.weight.copy_(filled((1, 1, 3, 3), 7, low=-1))

    def policy(observation: Tensor, memory: Tensor | None) -> PolicyOutput:
        seen = torch.cat([observation, torch.ones_like(observation)], 1)
        logits = torch.einsum("ak,bkhw->bahw", weight, seen)
        return PolicyOutput(logits, torch.einsum("k,bkhw->bhw", weighted, seen)[:, None], None)

    mean, square, mass = torch.zeros_like(weight), 0.0, 0.0
    for steps in episodes(task, policy, scene):
        log_pi = torch.stack([step.output.logits.log_softmax(1) for step in steps])
        choice = torch.stack([step.choice for step in steps])
        chance = log_pi.gather(2, choice[:, :, None]).sum().exp().item()
        loss = torch.zeros((), dtype=torch.float64)
        seen = 0
        for part in split_windows(iter(steps), window):
            seen += len(part)
            last = seen == task.length
            bootstrap = None if last else policy(part[-1].after, None).value.detach()
            rewards = torch.stack([task.reward(s.before, s.after, scene) for s in part])
            returns = return_maps(rewards, gamma, spread, bootstrap)
            per_edit = torch.stack([rewards_per_edit(task, s.before, scene) for s in part])
            if estimator == "sampled":
                loss = loss + sampled_losses(part, returns).policy
            else:
                loss = loss + expected_losses(part, returns, rewards, per_edit).policy
        (gradient,) = torch.autograd.grad(loss, weight)
        mean, square, mass = (
            mean + chance * gradient,
            square + chance * gradient.square().sum().item(),
            mass + chance,
        )
    assert mass == pytest.approx(1, abs=1e-12)
    return Enumerated(mean, square - mean.square().sum().item())


@pytest.mark.parametrize(("gamma", "window"), [(0.95, 2), (0.95, 1), (0.0, 2)])
def test_both_estimators_agree_in_expectation_and_expected_varies_less(
    gamma: float, window: int
) -> None:
    sampled = enumerate_exactly("sampled", gamma, window)
    expected = enumerate_exactly("expected", gamma, window)
    assert sampled.mean.abs().max() > 0.01
    torch.testing.assert_close(sampled.mean, expected.mean, rtol=1e-10, atol=1e-12)
    assert expected.variance < sampled.variance


def test_without_a_future_the_sampled_gradient_is_that_of_the_expected_reward() -> None:
    task, scene = Toy(length=1), toy_scene(1, 1, 4, 4)
    net = toy_net(task)
    (step,) = rollout(task, net, scene)
    reward = task.reward(step.before, step.after, scene)[None]
    per_edit = rewards_per_edit(task, step.before, scene)[None]
    parts = expected_losses([step], return_maps(reward, GAMMA), reward, per_edit)
    reward_now = (step.output.logits.softmax(1) * per_edit[0]).sum(1).mean()
    head = net.policy_head.weight
    # The remaining future part is -log pi times (R - r) - (V - q), of which R - r is zero.
    q = (step.output.logits.softmax(1) * per_edit[0]).sum(1, keepdim=True)
    taken = step.output.logits.log_softmax(1).gather(1, step.choice[:, None])
    future = (taken * (q - step.output.value).detach()).mean()
    (wanted,) = torch.autograd.grad(-reward_now - future, head, retain_graph=True)
    (found,) = torch.autograd.grad(parts.policy, head)
    torch.testing.assert_close(found, wanted)
    assert parts.policy.item() == pytest.approx((-reward_now - future).item(), rel=1e-5)


def test_priced_is_satisfied_where_logits_are_prices_and_pulls_elsewhere() -> None:
    task, scene = Toy(length=1), toy_scene(2, 1, 6, 6)
    per_edit = rewards_per_edit(task, scene["image"], scene)
    values = torch.zeros(2, 1, 6, 6)

    def at(logits: Tensor) -> tuple[Tensor, Tensor]:
        logits.requires_grad_()
        step = Transition(
            scene["image"], PolicyOutput(logits, values, None), logits.argmax(1), values
        )
        policy = priced_losses([step], values[None], per_edit[None], 0.5).policy
        return policy, torch.autograd.grad(policy, logits)[0]

    loss, gradient = at(per_edit / 0.5 + 3)  # a constant beside the rewards says nothing
    assert loss.item() == pytest.approx(0, abs=1e-8)
    assert gradient.abs().max() < 1e-6
    sure = torch.zeros_like(per_edit)
    sure[:, 1] = 50.0  # everyone is sure to keep; the gradient does not fade
    _, gradient = at(sure)
    modest = (per_edit - per_edit.mean(1, keepdim=True))[:, 1] < 10
    assert (gradient[:, 1][modest] > 1e-4 / per_edit[:, 1].numel()).all()
    assert modest.float().mean() > 0.8


def test_a_dearer_edit_is_pulled_up_linearly_at_most() -> None:
    values = torch.zeros(1, 1, 1, 1)
    logits = torch.zeros(1, 2, 1, 1, requires_grad=True)
    step = Transition(values, PolicyOutput(logits, values, None), values[:, 0].long(), values)
    pulls = []
    for reward in (4.0, 400.0):
        per_edit = torch.tensor([0.0, reward]).view(1, 1, 2, 1, 1)
        policy = priced_losses([step], values[None], per_edit, 0.5).policy
        pulls.append(torch.autograd.grad(policy, logits)[0].flatten())
    assert pulls[0][1] < 0 < pulls[0][0]
    torch.testing.assert_close(pulls[0], pulls[1])
