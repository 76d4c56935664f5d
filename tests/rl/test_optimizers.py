"""Muon turns hidden kernels and leaves the rest to Adam."""

from copy import deepcopy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from pixelrl.rl.network import PolicyValueNet
from pixelrl.rl.optimizers import Muon, make_optimizer, orthogonalize


@given(st.integers(2, 24), st.integers(2, 24), st.integers(0, 99))
def test_orthogonalizing_brings_singular_values_near_one(
    rows: int, columns: int, seed: int
) -> None:
    rng = torch.Generator().manual_seed(seed)
    # Made of factors, so that the singular values are known: from 1 down to 0.1.
    rank = min(rows, columns)
    left = torch.linalg.qr(torch.randn(rows, rank, generator=rng)).Q
    right = torch.linalg.qr(torch.randn(columns, rank, generator=rng)).Q
    values = torch.linspace(1, 0.1, rank)
    turned = torch.linalg.svdvals(orthogonalize((left * values) @ right.T))
    assert turned.min() > 0.6
    assert turned.max() < 1.3


def test_zeros_stay_zeros() -> None:
    assert orthogonalize(torch.zeros(3, 4)).eq(0).all()


def test_hidden_kernels_are_turned_and_the_rest_is_adams() -> None:
    net = PolicyValueNet(1, 9, width=12)
    twin = PolicyValueNet(1, 9, width=12)
    twin.load_state_dict(net.state_dict())
    muon, adam = make_optimizer([net], "muon", 1e-3), make_optimizer([twin], "adam", 1e-3)
    assert isinstance(muon, Muon)
    assert type(adam) is Adam
    seen = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    for each, steps in ((net, muon), (twin, adam)):
        output = each(seen)
        (output.logits.square().mean() + output.value.square().mean()).backward()
        steps.step()
    weights, others = dict(net.named_parameters()), dict(twin.named_parameters())
    same = {name for name, weight in weights.items() if weight.equal(others[name])}
    hidden = {name for name, weight in weights.items() if weight.ndim == 4} - {
        "trunk.0.weight",
        "policy_head.weight",
        "value_head.weight",
        "memory.over_memory.weight",  # a first step has no memory and gives these no gradient
        "memory.over_reset.weight",
    }
    assert set(weights) - same == hidden


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_state_survives_saving(kind: str) -> None:
    torch.manual_seed(0)
    layers = [nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3)) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    images = torch.rand(6, 1, 8, 8)
    first, second = (make_optimizer([each], kind, 1e-2) for each in layers)

    def learn(layer: nn.Module, steps: Optimizer, image: Tensor) -> None:
        steps.zero_grad()
        layer(image[None]).square().mean().backward()
        steps.step()

    for image in images[:3]:
        learn(layers[0], first, image)
    layers[1].load_state_dict(layers[0].state_dict())
    second.load_state_dict(deepcopy(first.state_dict()))
    for image in images[3:]:
        learn(layers[0], first, image)
        learn(layers[1], second, image)
    for name, weight in layers[0].state_dict().items():
        assert weight.equal(layers[1].state_dict()[name])


def test_muon_takes_a_closure() -> None:
    layer = nn.Conv2d(2, 2, 3)
    steps = Muon([layer.weight], [layer.bias], 1e-2)
    image = torch.rand(1, 2, 8, 8)

    def loss() -> float:
        steps.zero_grad()
        value = layer(image).square().mean()
        value.backward()
        return value.item()

    before = steps.step(loss)
    assert loss() < before
