import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from torch import Tensor

from pixelrl.declaration import Score
from pixelrl.drawing.charts import LINE, SECOND
from pixelrl.experiments.calibration import (
    BINS,
    DOUBTFUL,
    LEVELS,
    Tally,
    group_pixels,
    rank_correlation,
    remaining,
    summarize,
    tally,
    tally_doubt,
    tally_trace,
)
from pixelrl.experiments.plots import draw_calibration, draw_steps, verdict
from pixelrl.rl.trace import Trace
from pixelrl.runs.tables import Table
from readable import list_clashes

ACTIONS = 9
MOST = math.log(ACTIONS)


def made_up(seed: int, trend: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Make entropies ``(T,B,H,W)`` and images whose errors follow them with some strength."""
    rng = torch.Generator().manual_seed(seed)
    entropy = torch.rand((3, 2, 12, 10), generator=rng) * MOST
    target = torch.full((2, 1, 12, 10), 0.5)
    noise = torch.rand((2, 1, 12, 10), generator=rng) * 0.2
    return entropy, target + noise + trend * entropy.mean(0).unsqueeze(1) / MOST / 4, target


def pixels(counts: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """List every counted pixel's bin and level."""
    rows, columns = np.nonzero(counts.numpy())
    times = counts.numpy()[rows, columns]
    return np.repeat(rows, times), np.repeat(columns, times)


@given(seed=st.integers(0, 1000), trend=st.sampled_from([-0.4, 0.0, 0.3]))
def test_the_rank_correlation_is_scipys(seed: int, trend: float) -> None:
    found = tally(*made_up(seed, trend), ACTIONS)
    bins, levels = pixels(found.counts)
    assert rank_correlation(found) == pytest.approx(spearmanr(bins, levels).statistic, abs=1e-9)


def test_bins_and_levels_are_those_of_the_formula() -> None:
    entropy = torch.tensor([[[[0.0, MOST]]], [[[0.0, MOST]]]])  # two steps, one row of two pixels
    image = torch.tensor([[[[0.0, 1.0]], [[10 / 255, 1.0]], [[20 / 255, 1.0]]]])
    target = torch.zeros_like(image)
    counts = tally(entropy, image, target, ACTIONS).counts
    assert counts[0, 10] == 1  # the mean of 0, 10 and 20 gray levels
    assert counts[BINS - 1, LEVELS - 1] == 1
    assert counts.sum() == 2


@given(seed=st.integers(0, 1000), count=st.integers(1, 40))
def test_groups_lose_no_pixel_and_keep_the_means(seed: int, count: int) -> None:
    found = tally(*made_up(seed, 0.3), ACTIONS)
    gathered = group_pixels(found, count)
    bins, levels = pixels(found.counts)
    assert len(gathered) <= count
    assert sum(group.pixels for group in gathered) == len(bins)
    entropies = [group.doubt for group in gathered]
    assert entropies == sorted(entropies)
    total = sum(group.pixels * group.error for group in gathered)
    assert total / len(bins) == pytest.approx(levels.mean())
    start = 0
    for group in gathered:  # bins stay whole, so groups are runs of the sorted pixels
        inside = slice(start, start + group.pixels)
        assert group.error == pytest.approx(levels[inside].mean())
        start += group.pixels


@given(seed=st.integers(0, 1000))
def test_tallies_of_images_add_up(seed: int) -> None:
    entropy, image, target = made_up(seed)
    both = tally(entropy, image, target, ACTIONS)
    parts = [
        tally(entropy[:, [n]], image[[n]], target[[n]], ACTIONS) for n in range(image.shape[0])
    ]
    assert torch.equal((parts[0] + parts[1]).counts, both.counts)


def test_tallies_of_other_edits_do_not_add_up() -> None:
    entropy, image, target = made_up(0)
    with pytest.raises(ValueError, match="cannot be added"):
        tally(entropy, image, target, 9) + tally(entropy, image, target, 5)


@given(seed=st.integers(0, 1000), trend=st.sampled_from([-0.4, 0.0, 0.4]))
def test_leaving_out_the_largest_errors_is_the_best_there_is(seed: int, trend: float) -> None:
    found = tally(*made_up(seed, trend), ACTIONS)
    by_entropy, by_error = remaining(found)
    _, levels = pixels(found.counts)
    for curve in (by_entropy, by_error):
        assert curve[0] == (0.0, pytest.approx(levels.mean()))
        shares = [share for share, _ in curve]
        assert shares == sorted(shares)
    errors = [error for _, error in by_error]
    assert errors == sorted(errors, reverse=True)
    best_shares, best_errors = zip(*by_error, strict=True)
    for share, error in by_entropy:
        # Ties in the error are left out together, hence the straight lines between shares.
        assert error >= np.interp(share, best_shares, best_errors) - 0.5


def test_doubt_is_counted_in_gray_levels_where_agents_have_one() -> None:
    image = torch.tensor([[[[0.0, 10 / 255, 20 / 255]]]])
    doubt = torch.tensor([[[0.0, DOUBTFUL / 2, 10 * DOUBTFUL]]])
    found = tally_doubt(doubt, image, torch.zeros_like(image))
    assert found.counts[0, 0] == found.counts[BINS // 2, 10] == found.counts[BINS - 1, 20] == 1
    assert rank_correlation(found) == pytest.approx(1)
    trace = Trace(image[None], torch.zeros(1, 1, 1, 3), torch.zeros(1, 1, 1, 3), None, doubt)
    assert torch.equal(tally_trace(trace, image, torch.zeros_like(image), 9).counts, found.counts)
    entropy = tally_trace(trace._replace(doubt=None), image, image, 9)
    assert (found.measure, entropy.measure) == ("doubt", "entropy")
    with pytest.raises(ValueError, match="cannot be added up"):
        found + entropy


def test_entropy_that_warns_and_entropy_that_does_not() -> None:
    ramp = torch.linspace(0, MOST * 0.999, 200).view(1, 1, 1, 200)
    error = torch.linspace(0, 0.7, 200).view(1, 1, 1, 200)
    target = torch.zeros_like(error)
    for image, low, high, told in (
        (error, 0.99, 1.0, "most where it is undecided"),
        (error.flip(3), -1.0, -0.99, "most where it is decided"),
    ):
        numbers = summarize(tally(ramp, image, target, ACTIONS))
        assert low <= numbers["rank_correlation"] <= high
        assert (numbers["error_half"] < 1) == (low > 0)
        assert told in verdict(numbers["rank_correlation"])
    assert "little" in verdict(0.05)


def test_where_all_errors_are_alike_nothing_is_claimed() -> None:
    entropy, _, target = made_up(1)
    found = tally(entropy, target, target, ACTIONS)
    assert math.isnan(rank_correlation(found))
    assert math.isnan(summarize(found)["error_half"])
    assert "the same everywhere" in verdict(rank_correlation(found))
    assert list_clashes(draw_calibration(found, "no errors")) == []


@pytest.mark.parametrize("trend", [-0.4, 0.0, 0.4])
def test_the_plot_shows_both_curves_and_its_labels_keep_clear(trend: float) -> None:
    found = tally(*made_up(3, trend), ACTIONS)
    figure = draw_calibration(found, "title")
    left, right = figure.axes
    (means,) = left.lines
    assert means.get_color() == LINE
    groups = [(group.doubt, group.error) for group in group_pixels(found)]
    assert means.get_xydata().tolist() == list(map(list, groups))
    assert [line.get_color() for line in right.lines] == [LINE, SECOND]
    for line, curve in zip(right.lines, remaining(found), strict=True):
        shown = [list(point) for point in curve if point[0] <= 0.95]
        assert line.get_xydata().tolist() == shown
    assert [axes.get_ylim()[0] for axes in figure.axes] == [0, 0]
    assert "nats" in left.get_xlabel()
    assert all("gray levels" in axes.get_ylabel() for axes in figure.axes)
    assert list_clashes(figure) == []


def test_steps_are_means_over_images() -> None:
    names = [f"mask_score_{number}" for number in range(20)]
    rows = [
        {"image": image, "step": step, **dict.fromkeys(names, step + offset)}
        for image, offset in (("a", 0.0), ("b", 1.0))
        for step in range(3)
    ]
    declared = {names[0]: Score(names[0], "dB", higher_is_better=False)}
    figure = draw_steps(Table(("image", "step"), rows, declared))
    heads = [f"{names[0]} (dB) ↓", *names[1:]]
    assert [axes.get_title("left") for axes in figure.axes] == heads
    assert figure.axes[7].lines[0].get_xydata().tolist() == [[0, 0.5], [1, 1.5], [2, 2.5]]
    assert figure.get_suptitle() == "Step by step, mean of 2"
    assert list_clashes(figure) == []  # though there are twenty


def test_no_pixels_are_no_groups() -> None:
    assert group_pixels(Tally(torch.zeros(BINS, LEVELS, dtype=torch.int64), MOST)) == []
