"""An episode as a moving picture: the image beside what every pixel chose, step by step.

It is a GIF, which plays wherever pictures are shown. Its 256 colors are shared out so that the
edits keep theirs and the rest goes to the image.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from pixelrl.drawing.filmstrip import INK, SOFT, SPELL, draw_choices, picture
from pixelrl.drawing.palette import color_edits, ink_edits

LARGEST, SMALLEST = 480, 160
"""About the longest side of the image in the animation, in pixels."""
EM, GAP = 16, 10
PAUSE, LAST = 900, 2700
"""How long a step and the last step are shown, in milliseconds."""


def draw_animation(
    frames: Tensor, choices: Tensor, names: Sequence[str], noop: str | None = None
) -> list[Image.Image]:
    """Draw the pictures of an animation.

    Args:
        frames: ``(T+1,C,H,W)``, nominally in [0, 1]: the start and the image after each step.
        choices: ``(T,H,W)`` int64 in [0, A).
        names: the edits' names, in order.
        noop: which of them does nothing, if one does.

    Returns:
        T+1 pictures of one size and one palette.
    """
    height, width = frames.shape[-2:]
    longest = max(height, width)
    factor = LARGEST / longest if longest > LARGEST else max(1, SMALLEST // longest)
    size = (max(1, round(factor * width)), max(1, round(factor * height)))
    legend = _legend(names, noop, 2 * size[0] + GAP)
    maps = draw_choices(choices, names, noop)
    table = _palette(color_edits(names, noop), frames[-1])
    drawn = []
    for step, frame in enumerate(frames):
        sheet = Image.new("RGB", (legend.width, size[1] + legend.height + 2 * EM), "white")
        draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(EM)
        told = f"step {step} of {len(choices)}" if step else "start"
        draw.text((GAP, EM), told, INK, font, anchor="lm")
        sheet.paste(_fit(picture(frame), size, factor), (GAP, 2 * EM))
        if step:
            chosen = picture(maps[step - 1]).resize(size, Image.Resampling.NEAREST)
            sheet.paste(chosen, (size[0] + 2 * GAP, 2 * EM))
        sheet.paste(legend, (0, size[1] + 2 * EM))
        drawn.append(sheet.quantize(palette=table, dither=Image.Dither.NONE))
    return drawn


def write_animation(path: Path, pictures: Sequence[Image.Image]) -> None:
    """Write pictures as an endless GIF that rests on the last one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pauses = [PAUSE] * (len(pictures) - 1) + [LAST]
    first, *rest = pictures
    first.save(path, "GIF", save_all=True, append_images=rest, duration=pauses, loop=0)


def _fit(image: Image.Image, size: tuple[int, int], factor: float) -> Image.Image:
    """Bring the image to its size; pixels stay pixels when it grows."""
    how = Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.LANCZOS
    return image.resize(size, how)


def _legend(names: Sequence[str], noop: str | None, room: int) -> Image.Image:
    """List the edits with their colors below two pictures that together are ``room`` wide."""
    font = ImageFont.load_default(EM)
    told = [name.translate(SPELL) for name in names]
    entry = math.ceil(max(map(font.getlength, told))) + 3 * EM
    width = max(room, entry) + 2 * GAP
    across = max(1, (width - 2 * GAP) // entry)
    rows = -(-len(told) // across)
    sheet = Image.new("RGB", (width, rows * (EM + 8) + EM), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (name, ink) in enumerate(zip(told, ink_edits(names, noop), strict=True)):
        x, y = GAP + index % across * entry, EM + index // across * (EM + 8)
        draw.rectangle((x, y - EM // 2, x + EM, y + EM // 2), ink, SOFT)
        draw.text((x + EM * 3 // 2, y), name, INK, font, anchor="lm")
    return sheet


def _palette(colors: Tensor, image: Tensor) -> Image.Image:
    """Share out a palette: the edits' colors, then gray levels or the image's own colors."""
    levels = (colors[:128] * 255).round().to(torch.uint8).flatten().tolist()
    room = 256 - len(levels) // 3
    if len(image) == 3:
        own = picture(image).quantize(room - 16, Image.Quantize.MEDIANCUT).getpalette() or []
        rest = own + [level for step in range(16) for level in [17 * step] * 3]
    else:
        rest = [level for step in range(room) for level in [round(255 * step / (room - 1))] * 3]
    table = Image.new("P", (1, 1))
    table.putpalette(levels + rest)
    return table
