"""Returns are discounted sums; the reward-map convolution is one linear map, however computed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from pixelrl.rl.returns import RewardMapConv, correlate_by_fft, return_maps
from strategies import filled, seeds

GAMMAS = st.floats(0, 1)
SIDES = st.integers(1, 20)


def rewards_of(length: int, height: int, width: int, seed: int, batch: int = 2) -> Tensor:
    return filled((length, batch, 1, height, width), seed, low=-3, high=3, dtype=torch.float64)


def spread_of(size: int, seed: int, dtype: torch.dtype = torch.float64) -> RewardMapConv:
    spread = RewardMapConv(size).to(dtype)
    with torch.no_grad():
        spread.weight.copy_(filled((1, 1, size, size), seed, low=-1))
    return spread


# Law 2


@pytest.mark.parametrize("size", [1, 3, 9, 33])
@given(st.integers(1, 5), SIDES, SIDES, seeds, GAMMAS)
def test_with_the_identity_kernel_nothing_changes(
    size: int, length: int, height: int, width: int, seed: int, gamma: float
) -> None:
    rewards = rewards_of(length, height, width, seed)
    spread = return_maps(rewards, gamma, RewardMapConv(size).double())
    torch.testing.assert_close(spread, return_maps(rewards, gamma), rtol=0, atol=1e-12)


def test_with_the_identity_kernel_nothing_changes_in_float32(device: str) -> None:
    maps = 10 * torch.randn(3, 1, 70, 70, device=device)
    torch.testing.assert_close(RewardMapConv().to(device)(maps), maps, rtol=0, atol=2e-5)


# Law 3


@given(st.integers(1, 6), SIDES, SIDES, seeds, GAMMAS)
def test_a_return_is_the_discounted_sum(
    length: int, height: int, width: int, seed: int, gamma: float
) -> None:
    rewards = rewards_of(length, height, width, seed)
    wanted = sum(gamma**t * reward for t, reward in enumerate(rewards))
    torch.testing.assert_close(return_maps(rewards, gamma)[0], wanted, rtol=1e-12, atol=1e-12)


@given(st.integers(1, 4), SIDES, seeds, GAMMAS, st.sampled_from([3, 9]))
def test_a_spread_return_is_the_paper_s_matrix_form(
    length: int, side: int, seed: int, gamma: float, size: int
) -> None:
    rewards, spread = rewards_of(length, side, side, seed), spread_of(size, seed)
    wanted = torch.zeros_like(rewards[0])
    for t, reward in enumerate(rewards):  # w^t is the t-fold convolution
        term = reward
        for _ in range(t):
            term = F.conv2d(term, spread.weight, padding=size // 2)
        wanted = wanted + gamma**t * term
    found = return_maps(rewards, gamma, spread)[0]
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


# Law 11


@pytest.mark.parametrize("size", [0, 3, 9])
@given(st.integers(1, 4), st.integers(1, 4), SIDES, seeds, GAMMAS)
def test_windows_compose(
    size: int, head: int, tail: int, side: int, seed: int, gamma: float
) -> None:
    rewards = rewards_of(head + tail, side, side, seed)
    spread = spread_of(size, seed) if size else None
    whole = return_maps(rewards, gamma, spread)
    last = return_maps(rewards[head:], gamma, spread)
    first = return_maps(rewards[:head], gamma, spread, last[0])
    torch.testing.assert_close(torch.cat([first, last]), whole, rtol=1e-12, atol=1e-12)
    nothing = torch.zeros_like(rewards[0])
    torch.testing.assert_close(return_maps(rewards, gamma, spread, nothing), whole)


def test_the_value_behind_a_window_is_convolved_and_the_last_reward_is_not() -> None:
    spread = RewardMapConv(1)
    with torch.no_grad():
        spread.weight.fill_(-2)
    reward, value = torch.full((1, 1, 1, 1, 1), 3.0), torch.full((1, 1, 1, 1), 5.0)
    assert return_maps(reward, 0.5, spread).item() == 3
    assert return_maps(reward, 0.5, spread, value).item() == 3 + 0.5 * -2 * 5


# The Fourier transform


@pytest.mark.parametrize("size", [1, 3, 9, 33])
@given(st.integers(1, 3), st.integers(1, 24), st.integers(1, 24), seeds)
def test_fourier_equals_direct_gradients_included(
    size: int, batch: int, height: int, width: int, seed: int
) -> None:
    kernel = spread_of(size, seed).weight
    maps = filled((batch, 1, height, width), seed + 1, dtype=torch.float64).requires_grad_()
    weigh = filled((batch, 1, height, width), seed + 2, dtype=torch.float64)
    found = [
        (answer, *torch.autograd.grad((answer * weigh).sum(), (maps, kernel)))
        for answer in (correlate_by_fft(maps, kernel), F.conv2d(maps, kernel, padding=size // 2))
    ]
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_fourier_equals_direct_in_float32_at_the_published_size() -> None:
    kernel = spread_of(33, 0, torch.float32).weight
    maps = torch.randn(2, 1, 70, 70, requires_grad=True)
    found = [
        (answer, *torch.autograd.grad(answer.square().sum(), (maps, kernel)))
        for answer in (correlate_by_fft(maps, kernel), F.conv2d(maps, kernel, padding=16))
    ]
    for one, other in zip(*found, strict=True):
        assert (one - other).abs().max() <= 5e-6 * other.abs().max()


@pytest.mark.parametrize("size", [3, 9])
def test_gradients_are_those_of_finite_differences(size: int) -> None:
    maps = torch.rand(1, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    kernel = spread_of(size, 1).weight
    assert torch.autograd.gradcheck(correlate_by_fft, (maps, kernel))
    spread = spread_of(size, 1)
    rewards = rewards_of(3, 4, 5, 2, batch=1)

    def returns(weight: Tensor) -> Tensor:
        return torch.func.functional_call(Returns(spread, rewards), {"spread.weight": weight}, ())

    assert torch.autograd.gradcheck(returns, (spread.weight,))


class Returns(torch.nn.Module):
    """Hold what `functional_call` needs."""

    def __init__(self, spread: RewardMapConv, rewards: Tensor) -> None:
        super().__init__()
        self.spread, self.rewards = spread, rewards

    def forward(self) -> Tensor:
        return return_maps(self.rewards, 0.9, self.spread)


@pytest.mark.parametrize("size", [3, 9, 33])
def test_a_large_kernel_computes_the_same_as_a_small_one(size: int, device: str) -> None:
    spread = spread_of(size, 4, torch.float32).to(device)
    maps = torch.randn(2, 1, 40, 37, device=device)
    direct = F.conv2d(maps, spread.weight, padding=size // 2)
    torch.testing.assert_close(spread(maps), direct, rtol=1e-4, atol=2e-4)


def test_the_kernel_is_correlated_not_flipped() -> None:
    for size in (3, 33):
        spread = RewardMapConv(size)
        with torch.no_grad():
            spread.weight.zero_()
            spread.weight[0, 0, size // 2, size // 2 + 1] = 1
        maps = torch.arange(4.0).reshape(1, 1, 1, 4)
        torch.testing.assert_close(spread(maps).flatten(), torch.tensor([1.0, 2.0, 3.0, 0.0]))


def test_gradient_reaches_the_kernel_and_the_last_reward_alone_does_not_use_it() -> None:
    spread = spread_of(3, 0)
    return_maps(rewards_of(2, 4, 4, 0), 0.9, spread).sum().backward()
    assert spread.weight.grad.abs().min() > 0
    assert not return_maps(rewards_of(1, 4, 4, 0), 0.9, spread).requires_grad


@pytest.mark.parametrize("size", [0, 2, -1, 32])
def test_a_kernel_must_be_odd(size: int) -> None:
    with pytest.raises(ValueError, match=f"expected an odd number of pixels, got {size}"):
        RewardMapConv(size)
