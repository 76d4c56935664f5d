"""Draw what the trained agents in the box do to two photographs that they never saw.

python docs/draw_agents.py            # writes docs/agents.jpg
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

import pixelrl
from pixelrl.drawing.filmstrip import INK, SOFT, draw_choices
from pixelrl.images.files import as_bytes, as_map
from pixelrl.images.folders import list_bundled
from pixelrl.scores import psnr
from pixelrl_tasks.text import draw_text

PICTURE = Path(__file__).parent / "agents.jpg"
SIDE, GAP, HEAD = 400, 12, 30


class Panel(NamedTuple):
    """Hold a picture ``(C,H,W)`` and what stands above it, in words and numbers."""

    picture: Tensor
    words: str
    number: str = ""


def denoise(clean: Tensor) -> list[Panel]:
    """Add noise to ``(3,H,W)`` and let agents take it out."""
    rng = torch.Generator().manual_seed(0)
    noisy = clean + 25 / 255 * torch.randn(clean.shape, generator=rng)
    return edit("denoising", noisy, clean, "Gaussian noise, sigma 25")


def remove_text(clean: Tensor) -> list[Panel]:
    """Draw text over ``(1,H,W)`` and let agents take it off."""
    text = draw_text(*clean.shape[1:], torch.Generator().manual_seed(5), fonts="bundled")
    return edit("inpainting-gray", clean * (1 - text) + text, clean, "Text, nobody says where")


def edit(name: str, picture: Tensor, clean: Tensor, words: str) -> list[Panel]:
    """Edit ``(C,H,W)`` with the agents of a name; show before, after and the first choices."""
    result = pixelrl.load(name, device="cpu")(picture)
    first = torch.from_numpy(result.choices[:1].astype(np.int64))
    noop = result.policy.module.task.actions.noop
    chosen = draw_choices(first, result.edits, noop)[0]
    return [
        Panel(picture, words, score(picture, clean)),
        Panel(result.image, f"after {len(result.choices)} edits of each pixel",
              score(result.image, clean)),
        Panel(chosen, "the first edit of each pixel"),
    ]  # fmt: skip


def score(picture: Tensor, clean: Tensor) -> str:
    """Tell the PSNR of ``(C,H,W)``."""
    return f"{float(psnr(picture[None], clean[None])):.2f} dB"


def cut(channels: int, name: str, top: int, left: int) -> Tensor:
    """Cut a square ``(C,H,W)`` out of a bundled photograph."""
    path = next(path for path in list_bundled("test") if path.stem == name)
    with Image.open(path) as image:
        array = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    whole = as_map(array.reshape(*array.shape[:2], channels))
    return whole[:, top : top + SIDE, left : left + SIDE].contiguous()


def lay_out(rows: list[list[Panel]]) -> Image.Image:
    """Lay panels out in rows, with their words above them."""
    width = len(rows[0]) * (SIDE + GAP) - GAP
    page = Image.new("RGB", (width, len(rows) * (SIDE + HEAD + GAP) - GAP), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(17)
    for number, row in enumerate(rows):
        top = number * (SIDE + HEAD + GAP)
        for place, panel in enumerate(row):
            left = place * (SIDE + GAP)
            draw.text((left, top + 4), panel.words, INK, font)
            draw.text((left + SIDE, top + 4), panel.number, SOFT, font, anchor="ra")
            array = as_bytes(panel.picture)
            shown = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
            page.paste(shown.convert("RGB"), (left, top + HEAD))
    return page


if __name__ == "__main__":
    found = [denoise(cut(3, "astronaut", 0, 40)), remove_text(cut(1, "camera", 60, 100))]
    lay_out(found).save(PICTURE, quality=90, optimize=True)
