"""The network is the published one, however it is computed, and looks no further than it says."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from pixelrl.rl.network import ConvGRU, PolicyOutput, PolicyValueNet
from pixelrl.scores import psnr
from pixelrl.training.official_weights import load_official_weights
from strategies import filled, seeds
from toys import Published, Toy, golden, toy_net

GOLDEN = ["rmc_s15_i0", "rmc_s15_i20", "rmc_s25_i0", "rmc_s25_i20", "rmc_s25_i45"]


def plain_gru(gru: ConvGRU, features: Tensor, memory: Tensor) -> Tensor:
    """Advance the memory as the paper writes it: six convolutions, gates spelled out."""
    w_z, w_r, w = gru.over_input.weight.contiguous().chunk(3)
    u_z, u_r = gru.over_memory.weight.contiguous().chunk(2)
    u = gru.over_reset.weight.contiguous()

    def conv(maps: Tensor, weight: Tensor) -> Tensor:
        return F.conv2d(maps.contiguous(), weight, padding=1)

    z = torch.sigmoid(conv(features, w_z) + conv(memory, u_z))
    r = torch.sigmoid(conv(features, w_r) + conv(memory, u_r))
    candidate = torch.tanh(conv(features, w) + conv(r * memory, u))
    return (1 - z) * memory + z * candidate


def plain(net: PolicyValueNet, image: Tensor, memory: Tensor | None) -> PolicyOutput:
    """Decide as the official code does: contiguous, layer by layer, always with a memory."""

    def run(layers: nn.Sequential, maps: Tensor) -> Tensor:
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                dilation = layer.dilation
                maps = F.conv2d(
                    maps, layer.weight.contiguous(), layer.bias, padding=dilation, dilation=dilation
                ).relu()
        return maps

    seen = run(net.trunk, image)
    thought = run(net.policy_body, seen)
    if net.memory is not None:
        memory = torch.zeros_like(thought) if memory is None else memory
        thought = memory = plain_gru(net.memory, thought, memory)
    head, worth = net.policy_head, net.value_head
    return PolicyOutput(
        F.conv2d(thought, head.weight.contiguous(), head.bias, padding=1),
        F.conv2d(run(net.value_body, seen), worth.weight.contiguous(), worth.bias, padding=1),
        memory,
    )


@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_fused_network_is_the_plain_one(remembers: bool, channels: int, device: str) -> None:
    net = toy_net(Toy(channels=channels), width=16, memory=remembers).to(device)
    fused = wanted = None
    for _ in range(3):
        image = torch.rand(2, channels, 21, 18, device=device)
        ours, theirs = net(image, fused), plain(net, image, wanted)
        for one, other in zip(ours, theirs, strict=True):
            if one is not None:
                torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
        fused, wanted = ours.memory, theirs.memory
        assert (fused is None) is not remembers


def test_gradients_of_the_fused_network_are_the_plain_ones() -> None:
    net = toy_net(Toy(), width=6).double()
    image, memory = torch.rand(1, 1, 9, 8).double(), torch.rand(1, 6, 9, 8).double()
    gradients = []
    for decide in (net, lambda *args: plain(net, *args)):
        output = decide(image, memory)
        loss = output.logits.sin().sum() + output.value.sin().sum()
        gradients.append(torch.autograd.grad(loss, list(net.parameters())))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@given(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12), seeds)
def test_no_memory_is_a_memory_of_zeros(batch: int, height: int, width: int, seed: int) -> None:
    gru = toy_net(Toy(), width=5).memory
    features = filled((batch, 5, height, width), seed, low=-1)
    ours = gru(features, None)
    assert ours.shape == features.shape
    torch.testing.assert_close(ours, gru(features, torch.zeros_like(features)))
    torch.testing.assert_close(ours, plain_gru(gru, features, torch.zeros_like(features)))


@given(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 3]))
def test_shapes(batch: int, height: int, width: int, channels: int) -> None:
    net = toy_net(Toy(channels=channels), width=3)
    output = net(torch.rand(batch, channels, height, width))
    assert output.logits.shape == (batch, 5, height, width)
    assert output.value.shape == (batch, 1, height, width)
    assert output.memory.shape == (batch, 3, height, width)


# Law 7


@given(st.permutations(range(4)), seeds)
def test_decisions_commute_with_permuting_the_batch(order: list[int], seed: int) -> None:
    net = toy_net(Toy()).double()
    image = filled((4, 1, 9, 7), seed, dtype=torch.float64)
    memory = filled((4, 4, 9, 7), seed + 1, low=-1, dtype=torch.float64)
    straight, permuted = net(image, memory), net(image[order], memory[order])
    for one, other in zip(straight[:3], permuted[:3], strict=True):
        torch.testing.assert_close(one[order], other, rtol=0, atol=1e-12)


def far(difference: Tensor, center: int) -> int:
    """Tell how many pixels from the center anything differs."""
    rows, columns = difference.abs().amax((0, 1)).nonzero().unbind(1)
    return int(torch.cat([(rows - center).abs(), (columns - center).abs()]).max())


@pytest.mark.parametrize("remembers", [True, False])
def test_reach_is_exactly_how_far_a_decision_looks_aside(remembers: bool) -> None:
    net = toy_net(Toy(), memory=remembers).double()
    for conv in net.modules():
        if isinstance(conv, nn.Conv2d):  # no path may hide behind a ReLU or a saturated gate
            conv.weight.data.abs_().mul_(0.15)
    memory = torch.rand(1, 4, 51, 51).double() if remembers else None
    image = torch.rand(1, 1, 51, 51).double()
    changed = image.clone()
    changed[..., 25, 25] += 1
    before, after = net(image, memory), net(changed, memory)
    assert far(after.value - before.value, 25) == 16
    assert far(after.logits - before.logits, 25) == net.reach == (18 if remembers else 16)
    if memory is None:
        return
    assert far(after.memory - before.memory, 25) == 17
    changed = memory.clone()
    changed[..., 25, 25] += 1
    after = net(image, changed)
    assert far(after.memory - before.memory, 25) == 2
    assert far(after.logits - before.logits, 25) == 3


def test_the_value_is_the_same_alone_and_beside_the_policy() -> None:
    net, image = toy_net(Toy()), torch.rand(2, 1, 9, 9)
    assert torch.equal(net.value(image), net(image).value)
    without = net(image, with_value=False)
    assert without.value is None
    assert torch.equal(without.logits, net(image).logits)


def test_the_memory_does_not_reach_the_value() -> None:
    net, image = toy_net(Toy()), torch.rand(1, 1, 9, 9)
    memory = torch.rand(1, 4, 9, 9)
    assert torch.equal(net(image, memory).value, net(image).value)
    assert not torch.equal(net(image, memory).logits, net(image).logits)


def test_under_autocast_answers_keep_the_observations_type(device: str) -> None:
    net, image = toy_net(Toy()).to(device), torch.rand(1, 1, 9, 9, device=device)
    with torch.autocast(device, torch.bfloat16):
        output = net(image)
        assert net.value(image).dtype == torch.float32
    assert output.logits.dtype == output.value.dtype == torch.float32
    torch.testing.assert_close(output.logits, net(image).logits, rtol=0.1, atol=0.1)


def test_the_published_network_has_the_published_size() -> None:
    def count(net: nn.Module) -> int:
        return sum(parameter.numel() for parameter in net.parameters())

    assert count(PolicyValueNet(1, 9, memory=False)) == 264_906
    assert count(PolicyValueNet(1, 9)) == 486_090


def test_weights_start_he_normal_and_biases_at_zero() -> None:
    net = PolicyValueNet(1, 9)
    for name, parameter in net.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any()
        else:
            spread = (2 / (parameter.shape[1] * 9)) ** 0.5
            assert parameter.std().item() == pytest.approx(spread, rel=0.15), name


# Golden


@pytest.mark.parametrize("name", GOLDEN)
def test_the_published_network_decides_as_it_did(
    name: str, golden_files: Path, weights: Path
) -> None:
    wanted = golden(golden_files / f"{name}.npz")
    meta = json.loads(str(wanted["meta"]))
    task = Published()
    net = toy_net(task, width=64)
    load_official_weights(net, None, weights / f"rmc_gaussian{meta['sigma']}.npz")
    clean = torch.from_numpy(wanted["clean"].astype(np.float32) / 255)[None, None]
    image = clean + torch.from_numpy(wanted["noise"])
    assert psnr(image, clean).item() == pytest.approx(meta["psnr_in"], abs=0.002)
    memory = None
    for step in range(5):
        with torch.inference_mode():
            output = net(image, memory)
        memory = output.memory
        if step == 0:
            close(output.logits.softmax(1)[0], wanted["probs0_win"], 2e-4)
            close(memory[0], wanted["hidden0_win"], 2e-4)
        else:
            close(image[0, 0], wanted["state_win"][step - 1], 2e-6)
        close(output.value[0, 0], wanted["value_win"][step], 2e-4)
        clear = ~np.unpackbits(wanted["amb"][step], axis=-1).astype(bool)
        choice = output.logits.argmax(1)[0].numpy()
        assert (choice == wanted["actions"][step])[clear].all()
        taken = torch.from_numpy(wanted["actions"][step].astype(np.int64))[None]
        image = task.step(image, taken, {})
        assert psnr(image, clean).item() == pytest.approx(meta["psnr"][step], abs=0.002)
    close(image[0, 0], wanted["state_final"], 2e-6)


def close(ours: Tensor, wanted: np.ndarray, tolerance: float) -> None:
    """Compare with a golden window, which is the map's upper left corner."""
    height, width = wanted.shape[-2:]
    torch.testing.assert_close(
        ours[..., :height, :width], torch.from_numpy(wanted), rtol=0, atol=tolerance
    )
