"""The goal network: any size, its reach and stride, and a doubt that spoils nothing."""

from math import log
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelrl.rl.goal import FLOOR, Goal, GoalNet, Views, doubt_loss
from pixelrl.rl.tiling import in_tiles
from strategies import filled, seeds


def goal_net(*widths: int, blocks: int = 1, seed: int = 0, **mean: Any) -> GoalNet:
    """Make a narrow network that does not answer the image itself."""
    torch.manual_seed(seed)
    net = GoalNet(1, 1, widths=widths or (4, 6), blocks=blocks, views=Views(**mean)).double()
    torch.nn.init.normal_(net.tail.weight, std=0.1)
    return net


def test_it_begins_by_answering_the_image() -> None:
    image = torch.rand(2, 3, 9, 14)
    net = GoalNet(3, 3, widths=(4, 6, 8))
    assert torch.equal(net(image, image).image, image)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 3))
def test_any_size_is_answered(height: int, width: int, levels: int) -> None:
    image = torch.rand(1, 1, height, width, dtype=torch.float64)
    goal = goal_net(*range(3, 3 + levels))(image, image)
    assert goal.image.shape == goal.doubt.shape == image.shape
    assert bool((goal.doubt >= FLOOR).all())


@pytest.mark.parametrize(
    ("widths", "blocks", "spins"),
    [((6,), 2, 1), ((6, 6), 1, 1), ((5, 6, 6), 1, 1), ((6,), 1, 2), ((5, 6), 1, 3)],
)
def test_no_answer_looks_farther_than_it_says(
    widths: tuple[int, ...], blocks: int, spins: int
) -> None:
    net = goal_net(*widths, blocks=blocks, spins=spins).eval()
    side, farthest = 2 * (net.reach + net.stride), 0
    image = torch.rand(1, 1, side, side, dtype=torch.float64)
    with torch.no_grad():
        before = net(image, image)
        for at in range(side // 2, side // 2 + net.stride):
            other = image.clone()
            other[..., at, at] += 100
            for one, two in zip(before, net(other, other), strict=True):
                rows = (one != two)[0, 0].any(1).nonzero().flatten()
                farthest = max(farthest, at - int(rows.min()), int(rows.max()) - at)
    assert net.reach - net.stride < farthest <= net.reach


@given(st.integers(0, 3), st.booleans())
def test_an_ensemble_answers_alike_from_all_sides(quarters: int, mirrored: bool) -> None:
    net, one = goal_net(ensemble=True).eval(), goal_net().eval()
    image = torch.rand(1, 1, 16, 24, dtype=torch.float64)  # whole cells

    def turn(maps: torch.Tensor) -> torch.Tensor:
        return (maps.flip(3) if mirrored else maps).rot90(quarters, (2, 3))

    with torch.no_grad():
        goal, turned = net(image, image), net(turn(image), turn(image))
        same = torch.equal(net.train()(image, image).image, one(image, image).image)
    assert same  # while it learns, each turn counts for itself
    for straight, other in zip(goal, turned, strict=True):
        torch.testing.assert_close(turn(straight), other, rtol=1e-12, atol=1e-12)


def test_a_mirrored_picture_gets_the_mirrored_answer() -> None:
    net, one = goal_net(mirror=True).eval(), goal_net().eval()
    image = torch.rand(1, 1, 16, 24, dtype=torch.float64)  # whole cells
    turned = image.rot90(1, (2, 3))
    with torch.no_grad():
        goal, mirrored = net(image, image), net(image.flip(3), image.flip(3))
        here, there = one(image, image), one(image.flip(3), image.flip(3))
        quarter = net(turned, turned)
        same = torch.equal(net.train()(image, image).image, goal_net()(image, image).image)
    assert same  # while it learns, the picture lies as it lies
    for mean, left, right in zip(goal, here, there, strict=True):
        torch.testing.assert_close(mean, (left + right.flip(3)) / 2, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(goal.image, mirrored.image.flip(3), rtol=1e-12, atol=1e-12)
    assert not torch.allclose(quarter.image.rot90(-1, (2, 3)), goal.image, atol=1e-6)


@given(st.integers(0, 3), st.integers(0, 3))
def test_spinning_by_a_whole_cell_answers_alike_from_any_corner(above: int, left: int) -> None:
    net, one = goal_net(spins=4).eval(), goal_net().eval()  # cells of four pixels
    image = torch.rand(1, 1, 90, 100, dtype=torch.float64)
    inside = (..., slice(44, 48), slice(44, 48))  # where no edge is seen
    with torch.no_grad():
        cut = image[..., above:, left:]
        whole, moved, alone = (
            each(maps, maps) for each, maps in ((net, image), (net, cut), (one, cut))
        )
        same = torch.equal(net.train()(image, image).image, one(image, image).image)
    assert same  # while it learns, the picture lies as it lies
    corner = (..., slice(44 - above, 48 - above), slice(44 - left, 48 - left))
    for straight, other in zip(whole, moved, strict=True):
        torch.testing.assert_close(straight[inside], other[corner], rtol=1e-12, atol=1e-12)
    assert not torch.allclose(whole.image[inside], alone.image[corner], atol=1e-6)


@settings(max_examples=12)
@given(
    st.integers(5, 60),
    st.integers(5, 60),
    st.integers(1, 40),
    seeds,
    st.sampled_from([{}, {"ensemble": True}, {"mirror": True}]),
    st.integers(1, 3),
)
def test_tiles_give_the_whole(
    height: int, width: int, tile: int, seed: int, turns: dict[str, bool], spins: int
) -> None:
    net = goal_net(3, 4, seed=seed % 50, spins=spins, **turns).eval()
    image = filled((1, 1, height, width), seed, dtype=torch.float64)
    with torch.no_grad():
        whole = net(image, image)
        tiled = in_tiles(
            lambda maps: tuple(net(maps[0], maps[0])),
            (image,),
            reach=net.reach,
            tile=tile,
            stride=net.stride,
        )
    for one, other in zip(whole, tiled, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_windows_off_the_stride_would_be_seen() -> None:
    net, image = goal_net(3, 4), filled((1, 1, 90, 90), 0, dtype=torch.float64)
    with torch.no_grad():
        whole = net(image, image).image
        (off,) = in_tiles(
            lambda maps: (net(maps[0], maps[0]).image,), (image,), reach=net.reach + 1, tile=21
        )
    assert off is not None
    assert not torch.allclose(whole, off, atol=1e-6)


def test_the_doubt_never_moves_the_goal() -> None:
    net, image = goal_net(), torch.rand(1, 1, 16, 16, dtype=torch.float64)
    doubt_loss(net(image, image), torch.zeros_like(image)).backward()
    moved = {name for name, weight in net.named_parameters() if weight.grad is not None}
    assert moved == {name for name, _ in net.named_parameters() if name.startswith("doubt.")}


@pytest.mark.parametrize("error", [0.02, 0.2])
def test_the_best_doubt_is_the_expected_squared_error(error: float) -> None:
    raw = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=0.05)
    target = torch.tensor([error, 3 * error]).view(1, 1, 1, 2)
    for _ in range(400):
        goal = Goal(torch.zeros(1, 1, 1, 2), (raw - 3).exp().expand(1, 1, 1, 2))
        optimizer.zero_grad()
        doubt_loss(goal, target).backward()
        optimizer.step()
    assert float(raw.detach() - 3) == pytest.approx(log(5 * error**2 + FLOOR), abs=0.02)
