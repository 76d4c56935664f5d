"""Draw text as a mask: paragraphs of public-domain prose in any face, size, weight and slant."""

from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Generator, Tensor

from pixelrl.errors import ConfigError

Face = ImageFont.FreeTypeFont | ImageFont.ImageFont

FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.fonts",
    "~/.local/share/fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
    "C:/Windows/Fonts",
)
SLANT = 0.21  # tangent of an italic's usual twelve degrees
LATIN = "AEGQaegmq"


def draw_text(
    height: int,
    width: int,
    rng: Generator,
    *,
    sizes: tuple[int, int] = (10, 30),
    rotation: float = 10.0,
    fonts: str = "installed",
) -> Tensor:
    """Draw a text as a mask.

    Length, place in the prose, face, size, weight, slant, position and rotation are drawn. Lines
    are set as on a page larger than the image, so that a crop looks like one cut out of a page.

    Args:
        height: in pixels.
        width: in pixels.
        rng: the only source of randomness.
        sizes: smallest and largest font size, in pixels.
        rotation: largest rotation, in degrees.
        fonts: ``installed``, ``bundled``, or a folder.

    Returns:
        ``(1,height,width)`` in [0, 1], the share of each pixel that is covered.

    Raises:
        ConfigError: the folder has no usable font.
    """

    def up_to(count: int) -> int:
        return int(torch.randint(count, (1,), generator=rng))

    size = sizes[0] + up_to(sizes[1] - sizes[0] + 1)
    faces = _faces(fonts)
    face = _font(faces[up_to(len(faces))], size)
    bold, slanted, turned = up_to(4) == 0, up_to(4) == 0, up_to(2) == 0
    # Room for turning and slanting; the image is cut from the middle of it.
    margin = int(0.25 * max(height, width)) + size
    page = (width + 2 * margin, height + 2 * margin)
    text = _paragraph(up_to, face, page, size)
    sheet = Image.new("L", page)
    at = (margin // 2 - up_to(margin), margin // 2 - up_to(margin))
    ImageDraw.Draw(sheet).multiline_text(
        at, text, 255, font=face, spacing=size // 5 + up_to(size), stroke_width=int(bold)
    )
    if slanted:
        sheet = sheet.transform(
            page,
            Image.Transform.AFFINE,
            (1, SLANT, -SLANT * page[1] / 2, 0, 1, 0),
            Image.Resampling.BILINEAR,
        )
    if turned and rotation:
        angle = rotation * (2 * float(torch.rand(1, generator=rng)) - 1)
        sheet = sheet.rotate(angle, Image.Resampling.BILINEAR)
    cut = sheet.crop((margin, margin, margin + width, margin + height))
    return torch.from_numpy(np.array(cut, np.float32) / 255).unsqueeze(0)


def _paragraph(up_to: Callable[[int], int], face: Face, page: tuple[int, int], size: int) -> str:
    """Set some words of the prose in lines as long as the page, or ending before it does."""
    words = _words()
    letter = max(1.0, face.getlength("etaoin shrdlu") / 13)
    per_line = max(1, int(page[0] / letter / 6))
    lines = max(1, int(page[1] / size) - up_to(max(1, int(page[1] / size) // 2)))
    first = up_to(len(words))
    chosen = [words[(first + n) % len(words)] for n in range(per_line * lines)]
    ragged = [
        chosen[n * per_line : (n + 1) * per_line - up_to(per_line // 2 + 1)] for n in range(lines)
    ]
    return "\n".join(" ".join(line) for line in ragged)


@lru_cache(maxsize=1)
def _words() -> tuple[str, ...]:
    """Read the prose in the box; its first paragraph tells where it is from."""
    text = files("pixelrl_tasks").joinpath("prose.txt").read_text("utf-8")
    return tuple(text.partition("\n\n")[2].split())


@lru_cache(maxsize=8)
def _faces(fonts: str) -> tuple[str, ...]:
    """List font files that can draw Latin letters, sorted; the empty name is Pillow's own."""
    if fonts == "bundled":
        return ("",)
    folders = (
        [Path(name).expanduser() for name in FOLDERS] if fonts == "installed" else [Path(fonts)]
    )
    found = sorted(
        str(path)
        for folder in folders
        if folder.is_dir()
        for path in folder.rglob("*")
        if path.suffix.lower() in {".ttf", ".otf"} and _draws_latin(path)
    )
    if not found and fonts != "installed":
        raise ConfigError(
            f"task.fonts: no usable .ttf or .otf in {fonts};"
            " expected installed, bundled or a folder."
        )
    return tuple(found) or ("",)


def _draws_latin(path: Path) -> bool:
    """Tell a face for text from one for symbols: its letters differ, and from the missing one."""
    try:
        font = ImageFont.truetype(str(path), 16)
        shapes = {bytes(font.getmask(letter)) for letter in (*LATIN, "\uffff")}
    except (OSError, ValueError):
        return False
    return len(shapes) == len(LATIN) + 1


@lru_cache(maxsize=256)
def _font(face: str, size: int) -> Face:
    return ImageFont.truetype(face, size) if face else ImageFont.load_default(size)
