"""Do agents know where they err? Their doubt beside the true error, pixel by pixel.

Agents without a goal have no doubt; of them it is the policy's entropy. Everything is derived from
one table of counts: how many pixels have a doubt in this bin *and* an error of that many gray
levels. It has one size however many images there are, and tables of images add up.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from pixelrl.rl.trace import Trace
from pixelrl.scores import as_written

Measure = Literal["doubt", "entropy"]
"""What agents' uncertainty is told by."""

BINS = 512
"""Bins of doubt, from zero to `DOUBTFUL`, or of entropy, to that of a policy without preference."""
DOUBTFUL = 64.0
"""The largest doubt that is told apart, in gray levels."""
LEVELS = 256
"""Levels of absolute error, in gray levels."""


@dataclass(frozen=True)
class Tally:
    """Count pixels by doubt and error.

    Attributes:
        counts: ``(BINS,LEVELS)`` int64.
        most: the doubt at the upper end of the last bin, in gray levels; of an entropy in nats:
            ``log(A)`` for A edits.
        measure: which of the two was counted.
    """

    counts: Tensor
    most: float
    measure: Measure = "entropy"

    def __add__(self, other: "Tally") -> "Tally":
        """Count the pixels of both; they must be of one measure and one set of edits."""
        if (other.most, other.measure) != (self.most, self.measure):
            raise ValueError(
                f"{self.measure} up to {self.most} and {other.measure} up to {other.most} cannot be"
                " added up."
            )
        return Tally(self.counts + other.counts, self.most, self.measure)

    @property
    def middles(self) -> Tensor:
        """The bins' middles ``(BINS,)``, in gray levels or nats."""
        return (torch.arange(BINS, dtype=torch.float64) + 0.5) * (self.most / BINS)

    @property
    def errors(self) -> Tensor:
        """The mean error in each bin ``(BINS,)``, in gray levels; NaN where no pixel is."""
        levels = torch.arange(LEVELS, dtype=torch.float64)
        return (self.counts * levels).sum(1) / self.counts.sum(1)


class Group(NamedTuple):
    """Describe one group of pixels with similar doubts.

    Attributes:
        pixels: how many.
        doubt: their mean, in gray levels; of an entropy in nats.
        error: their mean absolute error, in gray levels.
    """

    pixels: int
    doubt: float
    error: float


def tally(entropy: Tensor, image: Tensor, target: Tensor, actions: int) -> Tally:
    """Count the pixels of finished images by entropy and error.

    Args:
        entropy: ``(T,B,H,W)`` in nats; a pixel's is the mean of its steps.
        image: ``(B,C,H,W)``, the finished images.
        target: ``(B,C,H,W)``; a pixel's error is the mean over channels of the absolute difference
            of the images as written, rounded to a gray level.
        actions: number A of edits, at least two.

    Returns:
        The counts.
    """
    return _count(entropy.mean(0), image, target, Tally(torch.empty(0), math.log(actions)))


def tally_doubt(doubt: Tensor, image: Tensor, target: Tensor) -> Tally:
    """Count the pixels of finished images by doubt and error.

    Args:
        doubt: ``(B,H,W)``, how far off agents expect to be, in gray levels.
        image: ``(B,C,H,W)``, the finished images.
        target: ``(B,C,H,W)``, as in `tally`.

    Returns:
        The counts.
    """
    return _count(doubt, image, target, Tally(torch.empty(0), DOUBTFUL, "doubt"))


def tally_trace(trace: Trace, image: Tensor, target: Tensor, actions: int) -> Tally:
    """Count the pixels of finished images by doubt, where agents have one, or else by entropy.

    Args:
        trace: of the episode.
        image: ``(B,C,H,W)``, the finished images.
        target: ``(B,C,H,W)``.
        actions: number A of edits.

    Returns:
        The counts.
    """
    if trace.doubt is not None:
        return tally_doubt(trace.doubt, image, target)
    return tally(trace.entropy, image, target, actions)


def _count(doubt: Tensor, image: Tensor, target: Tensor, blank: Tally) -> Tally:
    """Fill a blank tally, which says what is counted and how far."""
    bins = (doubt * (BINS / blank.most)).long().clamp(0, BINS - 1)
    error = (as_written(image) - as_written(target)).abs().mean(1)
    levels = (error * 255).round().long().clamp(0, LEVELS - 1)
    flat = bins.to(levels.device) * LEVELS + levels
    counts = torch.bincount(flat.flatten(), minlength=BINS * LEVELS).view(BINS, LEVELS)
    return replace(blank, counts=counts.cpu())


def group_pixels(found: Tally, count: int = 20) -> list[Group]:
    """Gather the bins of doubt in groups of about as many pixels each.

    Args:
        found: the counts.
        count: how many groups at most; a bin that is fuller than a group stays whole.

    Returns:
        The groups, by ascending doubt; none for no pixels.
    """
    pixels = found.counts.sum(1)
    ends = pixels.cumsum(0)
    total = int(ends[-1])
    # A bin belongs to the group in which its middle pixel is.
    index = ((ends - pixels / 2) * count / max(total, 1)).long().clamp(0, count - 1)
    result = []
    for number in range(count):
        inside = (index == number) & (pixels > 0)
        weights = pixels[inside].double()
        many = int(weights.sum())
        if many:
            doubt = float((found.middles[inside] * weights).sum()) / many
            error = float((found.errors[inside] * weights).sum()) / many
            result.append(Group(many, doubt, error))
    return result


def rank_correlation(found: Tally) -> float:
    """Measure Spearman's rank correlation of doubt and error, ties counted as the mean rank.

    Returns:
        In [-1, 1]; 1 if a higher doubt always means a larger error. NaN if either is constant.
    """
    counts = found.counts.double()
    rows, columns = counts.sum(1), counts.sum(0)
    total = counts.sum()
    across, down = (side.cumsum(0) - side / 2 - total / 2 for side in (columns, rows))
    covariance = (counts * down[:, None] * across).sum()
    spread = ((rows * down.square()).sum() * (columns * across.square()).sum()).sqrt()
    return float(covariance / spread)


def remaining(found: Tally) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Tell the mean error of what is left when the most uncertain pixels are left out.

    Args:
        found: the counts.

    Returns:
        Two curves of (share left out, mean error of the rest in gray levels): left out by doubt,
        and left out by the error itself, which no other order can beat.
    """
    levels = torch.arange(LEVELS, dtype=torch.float64)
    by_doubt = _rest(found.counts.sum(1), (found.counts * levels).sum(1))
    by_error = _rest(found.counts.sum(0), found.counts.sum(0) * levels)
    return by_doubt, by_error


def summarize(found: Tally) -> dict[str, float]:
    """Sum up the calibration in numbers, for protocols and reports.

    Returns:
        ``rank_correlation``, and ``error_half``: the mean error of the half of the pixels with the
        least doubt, as a share of the mean error of all.
    """
    curve, _ = remaining(found)
    half = next((error for share, error in curve if share >= 0.5), math.nan)
    whole = curve[0][1] if curve else math.nan
    return {
        "rank_correlation": rank_correlation(found),
        "error_half": half / whole if whole else math.nan,
    }


def _rest(pixels: Tensor, errors: Tensor) -> list[tuple[float, float]]:
    """Follow the mean error while bins are left out from the last to the first."""
    total = float(pixels.sum())
    left, sums = pixels.cumsum(0).double(), errors.double().cumsum(0)
    return [
        (1 - float(many) / total, float(error / many))
        for many, error, here in zip(left.flip(0), sums.flip(0), pixels.flip(0), strict=True)
        if here > 0
    ]
