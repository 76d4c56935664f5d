"""Pictures of an episode: who chose what, what it changed, and a filmstrip of it all.

Pure drawing: tensors in, tensors out. Text is set by Pillow in the font it ships, so that a strip
looks the same everywhere; that font knows little beyond Latin letters, hence the spelling out.
"""

import math
from collections.abc import Sequence
from itertools import count

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from pixelrl.drawing.palette import color_edits, ink_edits, rgb
from pixelrl.errors import MapError
from pixelrl.images.files import as_bytes
from pixelrl.scores import psnr

DARKER, BRIGHTER = "0063B0", "E06000"
INK, SOFT, FRAME = "#1a1a1a", "#6b6b6b", "#9a9a9a"
LEVELS = (1, 2, 5, 10, 20, 50, 100, 200)
WIDEST = 3900
"""About the most pixels a strip is wide."""
SPELL = {0xD7: "x", 0x2212: "-", 0x2013: "-", 0x3C3: "sigma", 0x2192: "to", ord("_"): " "}
"""What the font lacks: times, minus, dash, sigma, arrow."""


def draw_choices(choice: Tensor, names: Sequence[str], noop: str | None = None) -> Tensor:
    """Paint every pixel in the color of its edit.

    Args:
        choice: ``(B,H,W)`` int64 in [0, A).
        names: the edits' names, in order.
        noop: which of them does nothing, if one does.

    Returns:
        ``(B,3,H,W)`` RGB in [0, 1].
    """
    return color_edits(names, noop).to(choice.device)[choice.long()].movedim(-1, 1)


def draw_change(before: Tensor, after: Tensor, gain: float | Tensor) -> Tensor:
    """Paint what a step changed: blue where darker, orange where brighter, white where nothing did.

    Args:
        before: ``(B,C,H,W)``.
        after: ``(B,C,H,W)``; of several channels the one that changed most counts, because a move
            of color alone has a mean of nearly zero.
        gain: a change of ``1 / gain`` (image units) and more has the full color; one for
            all images, or ``(B,1,1,1)``.

    Returns:
        ``(B,3,H,W)`` RGB in [0, 1].
    """
    change = (after - before).nan_to_num(0.0, posinf=1.0, neginf=-1.0)
    strongest = change.abs().argmax(1, keepdim=True)
    amount = (change.gather(1, strongest) * gain).clamp(-1, 1)
    darker, brighter = (rgb(code).to(amount)[:, None, None] for code in (DARKER, BRIGHTER))
    return 1 - amount.abs() * (1 - torch.where(amount < 0, darker, brighter))


def count_shares(choices: Tensor, count: int) -> Tensor:
    """Tell which share of the pixels chose each edit, step by step.

    Args:
        choices: ``(T,B,H,W)`` int64 in [0, count).
        count: how many edits there are, A.

    Returns:
        ``(T,A)`` in [0, 1]; rows sum to one.
    """
    return torch.stack([(choices == edit).float().mean((1, 2, 3)) for edit in range(count)], 1)


def draw_filmstrip(
    images: Sequence[Tensor],
    choices: Tensor,
    names: Sequence[str],
    target: Tensor | None = None,
    *,
    noop: str | None = None,
) -> Tensor:
    """Draw one image's episode: a column per step; image, choice and change in rows.

    Small images are enlarged by a whole factor, large ones reduced. Where the columns would become
    too narrow to read, every second, third, … step is drawn, and the strip says so.

    Args:
        images: T+1 of ``(C,H,W)``, nominally in [0, 1]: the start and the image after each step.
        choices: ``(T,H,W)`` int64 in [0, A).
        names: the edits' names, in order.
        target: ``(C,H,W)``, if there is one; then every image's PSNR is told.
        noop: which edit does nothing, if one does.

    Returns:
        ``(3,h,w)`` RGB in [0, 1], multiples of 1/255; at most about 4000 pixels wide.

    Raises:
        MapError: images, choices and names do not fit together.
    """
    frames = torch.stack([image.detach().float().cpu() for image in images])
    known = [] if target is None else [target.detach().float().cpu()]
    choices = choices.cpu()
    _check(frames, choices, names)
    steps, cell = _arrange(len(choices), frames.shape[-2], frames.shape[-1], len(known))
    shown, shares = torch.tensor(steps), count_shares(choices[:, None], len(names))
    before, after = frames[shown - 1], frames[shown]
    levels = [_level(change) for change in after - before]
    maps = draw_choices(choices[shown - 1], names, noop)
    changes = draw_change(before, after, 255 / torch.tensor(levels).view(-1, 1, 1, 1))
    sheet = _Sheet(cell, 1 + len(steps) + len(known), names, ink_edits(names, noop))
    sheet.words("", ["start", *(f"step {step}" for step in steps), *["target"] * len(known)])
    sheet.pictures("image", [_fit(each, cell) for each in (frames[0], *after, *known)])
    if known:
        scored = torch.cat([frames[:1], after])
        found = psnr(scored, known[0].expand_as(scored)).tolist()
        sheet.words("PSNR", [_decibel(value) for value in found], SOFT)
    sheet.pictures("choice", [None, *(_fit(each, cell, Image.Resampling.NEAREST) for each in maps)])
    sheet.bars([[], *(shares[step - 1].tolist() for step in steps)])
    sheet.pictures("change", [None, *(_fit(each, cell) for each in changes)])
    sheet.words("levels", ["", *(f"±{level}" for level in levels)], SOFT)
    sheet.legend(shares.mean(0).tolist())
    sheet.scale()
    if len(steps) < len(choices):
        stride = steps[1] - steps[0]
        sheet.note(f"one step in {stride} and the last of {len(choices)}; shares count all steps")
    return sheet.tensor()


def _em(width: float) -> int:
    """Choose the text's size for a column's width: small beside small images, never tiny."""
    return max(15, min(28, int(width) // 13))


def _arrange(
    length: int, height: int, width: int, targets: int
) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Choose the steps to draw, counted from one, and their pictures' size (width, height)."""
    factor = min(max(1, min(-(-150 // width), 600 // height)), 640 / width, 640 / height)
    em = _em(factor * width)
    for stride in count(1):
        shown = tuple(sorted({*range(1, length + 1, stride), length}))
        columns = 1 + len(shown) + targets
        room = (WIDEST - 7 * em) // columns - em // 2
        if room >= min(max(factor * width, 5 * em), 300):
            break
    factor = min(factor, room / width)
    return shown, (max(1, round(factor * width)), max(1, round(factor * height)))


class _Sheet:
    """Be the paper: rows are drawn from top to bottom, then what is left is cut off."""

    def __init__(
        self, cell: tuple[int, int], columns: int, names: Sequence[str], inks: Sequence[str]
    ) -> None:
        self.inks, self.cell, self.names = inks, cell, [name.translate(SPELL) for name in names]
        self.em = em = _em(cell[0])
        self.font, self.left = ImageFont.load_default(em), 6 * em
        self.wide = max(cell[0], 5 * em)
        self.entry = 8 * em + math.ceil(max(map(self.font.getlength, self.names)))
        right = max(columns * (self.wide + em // 2), self.entry, 30 * em)
        height = 3 * cell[1] + (30 + 2 * len(names)) * em
        self.image = Image.new("RGB", (self.left + right + em // 2, height), "white")
        self.draw = ImageDraw.Draw(self.image)
        self.y = em * 5 // 4

    def text(self, x: int, y: int, words: str, anchor: str, fill: str = INK) -> None:
        """Set a line of text around the height ``y``."""
        self.draw.text((x, y), words, fill=fill, font=self.font, anchor=anchor)

    def center(self, column: int) -> int:
        """Tell where a column's middle is."""
        return self.left + column * (self.wide + self.em // 2) + self.wide // 2

    def words(self, caption: str, words: Sequence[str], fill: str = INK) -> None:
        """Write a word in each column."""
        self.y += self.em // 4
        self.text(self.em, self.y, caption, "lm", fill)
        for column, word in enumerate(words):
            self.text(self.center(column), self.y, word, "mm", fill)
        self.y += self.em

    def pictures(self, caption: str, pictures: Sequence[Image.Image | None]) -> None:
        """Place a picture in each column, with a thin frame around it."""
        width, height = self.cell
        tall = max(height, 2 * self.em)
        self.text(self.em, self.y + tall // 2, caption, "lm")
        for column, picture in enumerate(pictures):
            if picture is not None:
                x, y = self.center(column) - width // 2, self.y + (tall - height) // 2
                self.draw.rectangle((x - 1, y - 1, x + width, y + height), outline=FRAME)
                self.image.paste(picture, (x, y))
        self.y += tall + self.em // 2

    def bars(self, shares: Sequence[Sequence[float]]) -> None:
        """Draw each step's shares as a bar below its choices."""
        top, bottom = self.y - self.em // 6, self.y + self.em // 3
        for column, row in enumerate(shares):
            left, edge = self.center(column) - self.wide // 2, 0.0
            for share, ink in zip(row, self.inks, strict=False):
                start, edge = round(edge * self.wide), edge + share
                if round(edge * self.wide) > start:
                    stop = left + round(edge * self.wide) - 1
                    self.draw.rectangle((left + start, top, stop, bottom), ink)
        self.y = bottom + self.em // 2

    def legend(self, shares: Sequence[float]) -> None:
        """List the edits with their colors and shares, read down the columns."""
        em, line = self.em, self.em * 3 // 2
        across = max(1, min(len(shares), (self.image.width - self.left) // self.entry))
        rows = -(-len(shares) // across)
        self.y += em * 5 // 4
        self.text(em, self.y, "share", "lm")
        for index, (name, share, ink) in enumerate(zip(self.names, shares, self.inks, strict=True)):
            x, y = self.left + index // rows * self.entry, self.y + index % rows * line
            self.draw.rectangle((x, y - em // 2, x + em, y + em // 2), ink, FRAME)
            self.text(x + line, y, name, "lm")
            self.text(x + self.entry - 2 * em, y, f"{share:.1%}", "rm", SOFT)
        self.y += rows * line + em // 4

    def scale(self) -> None:
        """Explain the colors of change."""
        em, x, length = self.em, self.left, 6 * self.em
        ramp = torch.linspace(-1, 1, length).expand(1, 1, em, length)
        bar = picture(draw_change(torch.zeros_like(ramp), ramp, 1.0)[0])
        self.text(em, self.y, "scale", "lm")
        self.draw.rectangle((x, self.y - em // 2, x + length + 1, self.y + em // 2 + 1), FRAME)
        self.image.paste(bar, (x + 1, self.y - em // 2 + 1))
        self.text(
            x + length + em // 2,
            self.y,
            "darker to brighter, full at the gray levels above",
            "lm",
            SOFT,
        )
        self.y += em * 3 // 2

    def note(self, words: str) -> None:
        """Say what is not shown."""
        self.text(self.em, self.y, "shown", "lm")
        self.text(self.left, self.y, words, "lm", SOFT)
        self.y += self.em * 3 // 2

    def tensor(self) -> Tensor:
        """Cut the sheet off below the last row."""
        cut = self.image.crop((0, 0, self.image.width, self.y + self.em // 4))
        pixels = torch.frombuffer(bytearray(cut.tobytes()), dtype=torch.uint8)
        return pixels.view(cut.height, cut.width, 3).movedim(-1, 0) / 255


def _check(frames: Tensor, choices: Tensor, names: Sequence[str]) -> None:
    """Refuse images, choices and names that do not belong together."""
    wanted, found = (len(frames) - 1, *frames.shape[-2:]), tuple(choices.shape)
    if found != wanted or not choices.numel():
        raise MapError(f"choices: expected (T,H,W) {wanted} for these images, got {found}.")
    low, high = int(choices.min()), int(choices.max())
    if low < 0 or high >= len(names):
        raise MapError(f"choices: expected 0 to {len(names) - 1}, got {low} to {high}.")


def _level(changes: Tensor) -> int:
    """Find the round number of gray levels that 19 of 20 changes stay below."""
    flat = changes.nan_to_num(0.0, posinf=1.0, neginf=-1.0).abs().flatten()
    some = flat[:: max(1, flat.numel() // 1_000_000)]
    reached = 255 * float(some.quantile(0.95))
    return next((level for level in LEVELS if level >= reached), 255)


def _fit(
    image: Tensor, cell: tuple[int, int], shrink: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    """Bring a picture ``(C,H,W)`` to the cell's size; pixels stay pixels when it grows."""
    drawn = picture(image)
    grows = drawn.width < cell[0]
    return drawn.resize(cell, Image.Resampling.NEAREST if grows else shrink)


def picture(image: Tensor) -> Image.Image:
    """Make ``(C,H,W)`` an 8-bit RGB picture; other than three channels are shown as their mean."""
    rgb = image if len(image) == 3 else image.mean(0, keepdim=True).expand(3, -1, -1)
    return Image.fromarray(as_bytes(rgb))


def _decibel(value: float) -> str:
    """Write a PSNR; equal images have an infinite one, images with NaN have none."""
    return f"{value:.2f} dB" if math.isfinite(value) else "equal" if value > 0 else "none"
