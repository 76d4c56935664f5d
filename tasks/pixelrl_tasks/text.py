"""Draw text as a mask: public-domain prose, plain or like mail, in any face, size and slant."""

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Generator, Tensor

from pixelrl.errors import ConfigError

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.fonts",
    "~/.local/share/fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
    "C:/Windows/Fonts",
    "~/AppData/Local/Microsoft/Windows/Fonts",
)
PAGE = 512  # side of the authors' masks, in pixels
SLANT = 0.21  # tangent of an italic's usual twelve degrees
LATIN = "AEGQaegmq"
SIGNS = (
    ">> {0}", "{0}@{1}.org", "({0})", "{0}: {1}", "{2}", "= {0}", "#{2}", "<{0}>", "{2}%",
    "${2}.{3}", "{4}", "http://www.{0}.com/~{1}", "[{0}]", "{0}_{1}", "* {0}", "{0}/{1}", "{2}-{3}",
    "& {0}", '"{0}"', "{3}:{2}", "+{2} {3}", "{{{0}}}", "| {0}", "{0}@{1}", "> {0}", "{4}!",
    "{0} --", "\u00a9 {2}", "{4}?", "\\{0}", "~{3}", "{0}^{3}", "{4};", ">>> {0}",
)  # fmt: skip
"""How mail, prices and captions set words: by one, the next, two numbers, and in capitals."""
SAMPLE = "It is a truth universally acknowledged"


class Style(NamedTuple):
    """How a text looks: its font, pixels per letter and line, and what the font has to be lent.

    Attributes:
        font: at its size.
        size: of the font, in pixels.
        letter: mean width of a letter, in pixels.
        pitch: from line to line, in pixels.
        smear: pixels by which a second print thickens a font that has no bold face.
        slant: tangent by which a font that has no italic face is sheared.
        turn: rotation, in radians.
        crisp: whether letters are drawn without gray edges.
    """

    font: Font
    size: int
    letter: float
    pitch: float
    smear: int
    slant: float
    turn: float
    crisp: bool


class Face(NamedTuple):
    """Where a face is: a font file, and its place in it; the empty path is Pillow's own."""

    path: str
    number: int


Family = Mapping[tuple[bool, bool], Face]
"""The faces of one design by (bold, italic)."""


def draw_text(
    height: int,
    width: int,
    rng: Generator,
    *,
    sizes: tuple[int, int] = (10, 30),
    rotation: float = 10.0,
    fonts: str = "installed",
) -> Tensor:
    """Draw a text as a mask, such as a cut-out of a page that is set in one style.

    Length, place in the prose, face, size, weight, slant, position and rotation are drawn. The page
    is that of the authors' masks: 512 pixels square, or as large as the image, and begun at the top
    left; only what the cut-out shows of it is set. Half of the texts are rotated, and half have
    crisp letters without gray edges, which the authors' masks have before rotation.

    Args:
        height: in pixels.
        width: in pixels.
        rng: the only source of randomness.
        sizes: smallest and largest font size, in pixels.
        rotation: largest rotation, in degrees.
        fonts: ``installed`` for this machine's (Pillow's own if there are none), ``bundled`` for
            Pillow's own alone, or a folder of .ttf, .otf, .ttc and .otc files.

    Returns:
        ``(1,height,width)`` in [0, 1], the share of each pixel that is covered: a tenth of all on
        average, on a photograph nearly always 2 to 25 percent, on a crop also nothing.

    Raises:
        ConfigError: the folder has no usable font.

    Example:
        >>> draw_text(70, 70, Generator().manual_seed(0)).shape
        torch.Size([1, 70, 70])
    """
    style = _style(rng, sizes, rotation, fonts)
    cosine, sine = math.cos(style.turn), math.sin(style.turn)
    # Half the sides of the smallest upright sheet from which the turned image can be cut.
    high = (width * abs(sine) + height * abs(cosine)) / 2 + 1
    wide = (width * abs(cosine) + height * abs(sine)) / 2 + 1
    half = (wide + style.slant * high, high)
    sheet = Image.new("L", (math.ceil(2 * half[0]), math.ceil(2 * half[1])))
    pen = ImageDraw.Draw(sheet)
    pen.fontmode = "1" if style.crisp else "L"
    for x, y, line in _lines(rng, style, (width, height), (wide, high)):
        # Shearing turns on the sheet's middle; setting lines askew keeps the left margin upright.
        at = (half[0] + x + style.slant * y, half[1] + y)
        for print_ in (0, style.smear) if style.smear else (0,):
            pen.text((at[0] + print_, at[1]), line, 255, style.font)
    if style.turn or style.slant:
        across = (cosine - style.slant * sine, sine + style.slant * cosine)
        shift = (
            half[0] - (across[0] * width + across[1] * height) / 2,
            half[1] - (-sine * width + cosine * height) / 2,
        )
        cut = sheet.transform(
            (width, height),
            Image.Transform.AFFINE,
            (*across, shift[0], -sine, cosine, shift[1]),
            Image.Resampling.BILINEAR,
        )
    else:
        cut = sheet.crop((1, 1, 1 + width, 1 + height))
    return torch.from_numpy(np.array(cut, np.float32) / 255).unsqueeze(0)


def _style(rng: Generator, sizes: tuple[int, int], rotation: float, fonts: str) -> Style:
    """Draw how a text looks."""
    pick, large, bold, italic, apart, turned, turn, crisp = torch.rand(8, generator=rng).tolist()
    size = sizes[0] + int(large * (sizes[1] - sizes[0] + 1))
    families = _families(fonts)
    family = families[int(pick * len(families))]
    wanted = (bold < 0.5, italic < 0.5)
    # What a face lacks can be lent to it, but not what it has be taken away.
    have = min(
        family,
        key=lambda has: (
            sum(h > w for h, w in zip(has, wanted, strict=True)),
            sum(h < w for h, w in zip(has, wanted, strict=True)),
        ),
    )
    font, letter = _font(family[have], size)
    return Style(
        font,
        size,
        letter,
        pitch=round(size * (1.15 + 0.35 * apart)),
        smear=1 + size // 24 if wanted[0] and not have[0] else 0,
        slant=SLANT if wanted[1] and not have[1] else 0.0,
        turn=math.radians(rotation * (2 * turn - 1)) if turned < 0.5 else 0.0,
        crisp=crisp < 0.5,
    )


def _lines(
    rng: Generator, style: Style, shape: tuple[int, int], half: tuple[float, float]
) -> Iterator[tuple[float, float, str]]:
    """Set the lines that can be seen.

    Args:
        rng: draws where the image lies on the page, and the lines' lengths.
        style: of the text.
        shape: width and height of the image, in pixels.
        half: how far from the image's middle something may be seen, across and down.

    Yields:
        Where a line begins, x and y from the image's middle, and its visible letters.
    """
    begin, left, top, length, broad, across, down = torch.rand(7, generator=rng).tolist()
    page = [max(PAGE, side) for side in shape]
    # From the image's middle to the page's first line. Letters may begin at the edge, or near it.
    x = 12 * left - across * (page[0] - shape[0]) - shape[0] / 2
    y = style.size * top - down * (page[1] - shape[1]) - shape[1] / 2
    letters = int((45 + 40 * broad) * page[0] / PAGE)
    count = math.ceil((0.6 + length) * page[1] / style.pitch)  # two thirds fill the page
    first = max(0, math.floor((-half[1] - 1.5 * style.size - y) / style.pitch))
    last = min(count, math.ceil((half[1] - y) / style.pitch))
    skipped = max(0, int((-half[0] - style.size - x) / style.letter))
    shown = math.ceil(2 * (half[0] + style.size) / style.letter)
    start = int(begin * len(_prose()))
    lengths = torch.rand(max(0, last - first), generator=rng).tolist()
    for row, share in zip(range(first, last), lengths, strict=True):
        # A sixth of the lines is empty and a third is short, as in the authors' letters.
        kept = min(1.0, max(0.0, 3 * share - 0.5))
        line = _cut(start + row * letters, start + row * letters + int(kept * letters))
        seen = line[skipped : skipped + shown]
        if seen:
            yield x + skipped * style.letter, y + row * style.pitch, seen


def _cut(begin: int, end: int) -> str:
    """Cut whole words out of the prose, which begins anew where it ends."""
    prose = _prose()
    begin, end = begin % len(prose), begin % len(prose) + end - begin
    endless = prose * (end // len(prose) + 2)
    return endless[endless.index(" ", begin) + 1 : endless.index(" ", end)]


@lru_cache(maxsize=1)
def _prose() -> str:
    """Read the bundled prose, whose first paragraph tells where it is from; after it, with signs.

    Every second word of the second half is set as mail, prices and captions set theirs: agents that
    have never seen an ``@`` or a ``>>`` take it for a part of the picture.
    """
    text = files("pixelrl_tasks").joinpath("prose.txt").read_text("utf-8")
    words = text.partition("\n\n")[2].split()
    bare = [word.strip(".,;:!?()'\"*-_") or word for word in words]
    signed = [
        SIGNS[place // 2 % len(SIGNS)].format(
            bare[place], bare[place - 1], 7919 * place % 2000, place % 60, bare[place].upper()
        )
        if place % 2
        else word
        for place, word in enumerate(words)
    ]
    return " ".join([*words, *signed]) + " "


@lru_cache(maxsize=8)
def _families(fonts: str) -> tuple[Family, ...]:
    """List the designs that can draw Latin letters, sorted by name."""
    if fonts == "bundled":
        return ({(False, False): Face("", 0)},)
    folders = FOLDERS if fonts == "installed" else (fonts,)
    found: dict[str, dict[tuple[bool, bool], Face]] = {}
    for folder in folders:
        for path in sorted(Path(folder).expanduser().rglob("*")):
            if path.suffix.lower() in {".ttf", ".otf", ".ttc", ".otc"}:
                for design, kind, face in _faces(path):
                    found.setdefault(design, {}).setdefault(kind, face)
    if not found and fonts != "installed":
        raise ConfigError(
            f"task.fonts: no usable .ttf, .otf, .ttc or .otc in {fonts};"
            " expected installed, bundled or a folder."
        )
    return tuple(found[name] for name in sorted(found)) or _families("bundled")


def _faces(path: Path) -> Iterator[tuple[str, tuple[bool, bool], Face]]:
    """Find a file's faces for text: design, (bold, italic), and where it is."""
    for index in range(64 if path.suffix.lower() in {".ttc", ".otc"} else 1):
        try:
            font = ImageFont.truetype(str(path), 16, index)
        except (OSError, ValueError):
            return
        if _draws_latin(font):
            family, style = (name or "" for name in font.getname())
            words = style.lower().split()
            kind = ("bold" in words, "italic" in words or "oblique" in words)
            plain = {"bold", "italic", "oblique", "regular", "book", "roman", "normal"}
            design = " ".join([family, *(word for word in words if word not in plain)])
            yield design, kind, Face(str(path), index)


def _draws_latin(font: ImageFont.FreeTypeFont) -> bool:
    """Tell a face for text from one for symbols: its letters differ, and from the missing one."""
    try:
        shapes = {bytes(font.getmask(letter)) for letter in (*LATIN, "\uffff")}
    except (OSError, ValueError):
        return False
    return len(shapes) == len(LATIN) + 1


@lru_cache(maxsize=256)
def _font(face: Face, size: int) -> tuple[Font, float]:
    """Open a face at a size, in pixels; also the mean width of its letters."""
    font: Font
    if face.path:
        # The basic layout is the faster, and the same whether or not libraqm is there.
        font = ImageFont.truetype(
            face.path, size, face.number, layout_engine=ImageFont.Layout.BASIC
        )
    else:
        font = ImageFont.load_default(size)
    return font, max(1.0, font.getlength(SAMPLE) / len(SAMPLE))
