"""The network of agents that aim: what a picture should become, and how far off that may be.

Run once per picture, it answers the posterior mean of the target, the goal, and the expected
squared error of that answer, the doubt. Planning towards the goal needs no further run of it
(docs/adr/0022-agents-that-aim.md).
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise, product
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FLOOR = 1e-5
"""The least doubt: about the square of one gray level of 255."""
MIRRORED = 4
"""How many turns there are; as many again are mirrored first."""
SCALE = 0.3
"""Of every residual branch: keeps Muon's steps small beside the picture's own path."""


class Goal(NamedTuple):
    """Hold the network's answer.

    Attributes:
        image: ``(B,C,H,W)``, the expected target, in image units.
        doubt: ``(B,1,H,W)``, the expected squared error of ``image``, the mean over its channels,
            in squared image units; at least `FLOOR`.
    """

    image: Tensor
    doubt: Tensor


class Views(NamedTuple):
    """Say how a picture is looked at, for the mean of the goals that are found.

    Attributes:
        ensemble: whether in all eight turns and mirrors (geometric self-ensemble, Timofte et al.
            2016), for eight times the work.
        mirror: whether as it lies and mirrored, for twice the work; ``ensemble`` has that, too.
        spins: in so many shifts by a pixel, down and across (cycle spinning, Coifman and Donoho
            1995), for their square times the work: where cells of half and quarter size begin is
            not the picture's doing.
    """

    ensemble: bool = False
    mirror: bool = False
    spins: int = 1

    @property
    def turns(self) -> Sequence[int]:
        """Number the turns, by quarters; those from `MIRRORED` on are mirrored first.

        Example:
            >>> list(Views().turns), list(Views(mirror=True).turns), len(Views(ensemble=True).turns)
            ([0], [0, 4], 8)
        """
        if self.ensemble:
            return range(2 * MIRRORED)
        return (0, MIRRORED) if self.mirror else (0,)


LYING = Views()
"""A picture as it lies."""


class Block(nn.Module):
    """Add what two 3×3 convolutions find to ``(B,D,H,W)``.

    Args:
        width: channels D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width)
        self.second = _conv(width, width)

    def forward(self, features: Tensor) -> Tensor:
        """Refine features, ``(B,D,H,W)`` to the same shape."""
        found: Tensor = self.second(torch.relu(self.first(features)))
        return features + SCALE * found


class GoalNet(nn.Module):
    """See a picture at half size and below, and answer goal and doubt at full size.

    A U-Net (Ronneberger et al. 2015) without normalization, so that a tile's answer is the
    picture's: pixel unshuffle by two, then levels that each halve the sides. Every level has
    residual blocks on the way down and as many on the way up, the deepest both.

    Args:
        observation_channels: channels K of the observation.
        channels: channels C of the image.
        widths: channels of the levels, the finest first; one level is a plain residual trunk.
        blocks: residual blocks of a level on each way.
        views: of the picture, whose mean it answers once it learns no more.

    Example:
        >>> net = GoalNet(observation_channels=1, channels=1, widths=(8, 16))
        >>> net(torch.zeros(2, 1, 13, 7), torch.zeros(2, 1, 13, 7)).doubt.shape
        torch.Size([2, 1, 13, 7])
    """

    def __init__(
        self,
        observation_channels: int,
        channels: int,
        *,
        widths: Sequence[int] = (48, 64, 96, 128),
        blocks: int = 1,
        views: Views = LYING,
    ) -> None:
        super().__init__()
        self.blocks, self.levels = blocks, len(widths)
        self.turns = views.turns
        self.spins = min(views.spins, self.stride)  # farther is the same again
        self.head = _conv(4 * observation_channels, widths[0])
        self.down = nn.ModuleList(_blocks(width, blocks) for width in widths)
        self.up = nn.ModuleList(_blocks(width, blocks) for width in widths)
        self.shrink = nn.ModuleList(_conv(4 * a, b, 1) for a, b in pairwise(widths))
        self.grow = nn.ModuleList(_conv(b, 4 * a, 1) for a, b in pairwise(widths))
        self.tail = _conv(widths[0], 4 * channels)
        nn.init.zeros_(self.tail.weight)  # it begins by answering the image itself
        self.doubt = nn.Sequential(_conv(widths[0], 32), nn.ReLU(inplace=True), _conv(32, 4))

    @property
    def stride(self) -> int:
        """Tiles must begin at multiples of this many pixels."""
        return 1 << self.levels

    @property
    def reach(self) -> int:
        """How far, in pixels, an answer looks aside, rounded up to a multiple of `stride`."""
        blocks = sum(4 * self.blocks * (2 << level) for level in range(self.levels))
        ends = 3 * 2  # the head and both convolutions of the doubt, at half size
        # A pixel's cell may begin that far aside, and a shift move it.
        exact = blocks + ends + self.stride - 1 + self.spins - 1
        return -(-exact // self.stride) * self.stride

    def hidden_kernels(self) -> list[Tensor]:
        """List the kernels ``(D,D,k,k)`` between hidden layers, for `optimizers.Muon`."""
        ends = ("head.", "tail.", "doubt.")
        named = self.named_parameters()
        return [weight for name, weight in named if weight.ndim == 4 and not name.startswith(ends)]

    def forward(self, observation: Tensor, image: Tensor) -> Goal:
        """Answer goal and doubt.

        Args:
            observation: ``(B,K,H,W)``, of any size.
            image: ``(B,C,H,W)``, to which the network's residual is added.

        Returns:
            Goal and doubt, in the maps' dtype also under autocast.
        """
        height, width = observation.shape[-2:]
        spins = 1 if self.training else self.spins
        residual, doubt = _mean(
            [_cut(maps, height, width, *corner) for maps in self._look(observation, *corner)]
            for corner in product(range(spins), repeat=2)
        )
        return Goal(image + residual, doubt)

    def _look(self, observation: Tensor, above: int, left: int) -> Sequence[Tensor]:
        """Answer residual and doubt of an observation below and right of repeated pixels."""
        filled = _fill_cells(observation, self.stride, above, left)  # every turn has these cells
        if self.training:
            return self._answer(filled)
        return _mean(self._turned(filled, number) for number in self.turns)

    def _answer(self, filled: Tensor) -> tuple[Tensor, Tensor]:
        """Answer residual ``(B,C,H,W)`` and doubt ``(B,1,H,W)`` of whole cells."""
        seen = F.pixel_unshuffle(filled, 2)
        seen = self.head(seen.contiguous(memory_format=torch.channels_last))
        kept: list[Tensor] = []
        for down, shrink in zip(self.down, self.shrink, strict=False):
            kept.append(seen := down(seen))
            seen = shrink(F.pixel_unshuffle(seen, 2))
        seen = self.up[-1](self.down[-1](seen))
        for level in reversed(range(self.levels - 1)):
            seen = kept[level] + SCALE * F.pixel_shuffle(self.grow[level](seen), 2)
            seen = self.up[level](seen)
        # The doubt learns from what the goal has found, and never changes it.
        doubt = self.doubt(seen.detach()).to(filled.dtype)
        doubt = FLOOR + torch.exp(doubt.clamp(-20, 5) - 5)
        residual = self.tail(seen).to(filled.dtype)
        return F.pixel_shuffle(residual, 2), F.pixel_shuffle(doubt, 2)

    def _turned(self, filled: Tensor, number: int) -> tuple[Tensor, Tensor]:
        """Answer what a turned picture shows, by quarters; it may be mirrored, too."""
        if not number:
            return self._answer(filled)
        quarters, mirrored = number % MIRRORED, number >= MIRRORED
        found = self._answer((filled.flip(3) if mirrored else filled).rot90(quarters, (2, 3)))
        residual, doubt = (maps.rot90(-quarters, (2, 3)) for maps in found)
        return (residual.flip(3), doubt.flip(3)) if mirrored else (residual, doubt)


def doubt_loss(goal: Goal, target: Tensor) -> Tensor:
    """Score a doubt by the squared errors that came: least where it is their expectation.

    Each pixel's Gaussian likelihood is weighted with the root of its doubt (beta-NLL with beta 0.5,
    Seitzer et al. 2022): without that weight, the few pixels that are very wrong make the doubt
    several times too large.

    Args:
        goal: whose image carries no gradient here.
        target: ``(B,C,H,W)``.

    Returns:
        ``()``, the mean over pixels.
    """
    error = (goal.image.detach() - target).square().mean(1, keepdim=True) + FLOOR
    weight = goal.doubt.detach().sqrt()
    return (weight * (error / goal.doubt + goal.doubt.log())).mean()


def _mean(answers: Iterable[Sequence[Tensor]]) -> Sequence[Tensor]:
    """Take the mean of answers, each of as many maps."""
    first, *others = answers
    if not others:
        return first
    return [torch.stack(maps).mean(0) for maps in zip(first, *others, strict=True)]


def _fill_cells(maps: Tensor, stride: int, above: int, left: int) -> Tensor:
    """Repeat the outermost pixels: as often as told, and on the other side to fill whole cells.

    What is shifted gets a cell more than it may need, so that a tracer finds a size of one kind.
    """
    height, width = maps.shape[-2:]
    if not torch.compiler.is_exporting():
        below, right = (
            -side % stride + (stride - more if more else 0)
            for side, more in ((height, above), (width, left))
        )
        return F.pad(maps, (left, right, above, below), mode="replicate")
    rows, columns = (  # a side of one rounded quotient is what a tracer can halve again and again
        torch.arange((side + extra) // stride * stride, device=maps.device)
        .sub(more)
        .clamp(min=0)
        .clamp(max=side - 1)
        for side, more in ((height, above), (width, left))
        for extra in [2 * stride - 1 if more else stride - 1]
    )
    return maps.index_select(2, rows).index_select(3, columns)


def _cut(maps: Tensor, height: int, width: int, above: int, left: int) -> Tensor:
    """Cut a picture's size out of maps ``(B,K,·,·)``, from a corner on."""
    if not torch.compiler.is_exporting():
        return maps[..., above : above + height, left : left + width]
    rows, columns = (
        torch.arange(side, device=maps.device) + more
        for side, more in ((height, above), (width, left))
    )
    return maps.index_select(2, rows).index_select(3, columns)


def _conv(inputs: int, outputs: int, side: int = 3) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, side, padding=side // 2)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    conv.weight = nn.Parameter(conv.weight.detach().contiguous(memory_format=torch.channels_last))
    return conv


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Block(width) for _ in range(count)))
