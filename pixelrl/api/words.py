"""What happened, in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from pixelrl.api.playing import Played
from pixelrl.drawing.filmstrip import count_shares

if TYPE_CHECKING:
    from pixelrl.api.result import Result


def describe(result: "Result") -> str:
    """Tell a result in a line.

    Args:
        result: of one picture or of a batch.
    """
    height, width = result.played.frames.shape[-2:]
    count = f"{len(result)} pictures of " if result.picture.batched else ""
    names = list_shares(result)[:3]
    told = ", ".join(f"{name} {percent(share)}" for name, share in names)
    length = len(result.played.choices)
    return f"{result.policy.experiment.name}, {count}{width}x{height}, {length} steps: {told}"


def list_shares(result: "Result") -> list[tuple[str, float]]:
    """List the edits that were chosen, with their shares of all choices, the largest first."""
    shares = count_shares(result.played.choices, len(result.edits)).mean(0).tolist()
    found = zip(result.edits, shares, strict=True)
    return sorted(((name, share) for name, share in found if share), key=lambda each: -each[1])


def describe_pixel(played: Played, edits: Sequence[str], x: int, y: int) -> str:
    """Tell a pixel's history: a line of its edits, then a line for each step, then its goal.

    Args:
        played: the episode of one picture.
        edits: their names.
        x: its column.
        y: its row.

    Example:
        >>> import torch
        >>> frames = torch.tensor([0.4, 0.6])[:, None, None, None, None]
        >>> played = Played(torch.ones(1, 1, 1, 1, dtype=torch.int64), frames)
        >>> print(describe_pixel(played, ["keep", "brighter"], 0, 0))
        Pixel 0, 0: brighter.
        step 1: brighter, 102.0 → 153.0
    """
    names = [edits[choice] for choice in played.choices[:, 0, y, x].tolist()]
    levels = [_level(frame[0, :, y, x]) for frame in played.frames]
    lines = [f"Pixel {x}, {y}: {', '.join(names)}."]
    for step, name in enumerate(names):
        line = f"step {step + 1}: {name}, {levels[step]} → {levels[step + 1]}"
        if played.trace is not None:
            line += f" (entropy {float(played.trace.entropy[step, 0, y, x]):.2f} nats)"
        lines.append(line)
    trace = played.trace
    if trace is not None and trace.goal is not None and trace.doubt is not None:
        off = float(trace.doubt[0, y, x])
        lines.append(f"goal: {_level(trace.goal[0, :, y, x])}, in doubt by {off:.1f} gray levels")
    return "\n".join(lines)


def percent(share: float) -> str:
    """Write a share as people read it.

    Example:
        >>> percent(0.1234), percent(0.0004)
        ('12 %', 'below 0.1 %')
    """
    if 0 < share < 0.001:
        return "below 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"


def _level(colors: Tensor) -> str:
    """Write colors ``(C,)`` in gray levels."""
    told = [f"{255 * value:.1f}" for value in colors.tolist()]
    return told[0] if len(told) == 1 else f"({', '.join(told)})"
