"""Draw what the trained agents in the box do, step by step, as moving pictures.

python docs/draw_moving.py            # writes docs/denoising.gif and docs/text-removal.gif
"""

from pathlib import Path

import torch

import pixelrl
from draw_agents import cut
from pixelrl_tasks.text import draw_text

HERE = Path(__file__).parent


def draw_denoising(path: Path) -> None:
    """Let agents take Gaussian noise of sigma 25 out of a part of ``astronaut``."""
    clean = cut(3, "astronaut", 20, 140)[:, :176, :176]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    pixelrl.load("denoising", device="cpu")(clean + 25 / 255 * noise).save(path)


def draw_text_removal(path: Path) -> None:
    """Let agents take text off a part of ``camera``."""
    clean = cut(1, "camera", 60, 100)
    text = draw_text(*clean.shape[1:], torch.Generator().manual_seed(5), fonts="bundled")
    damaged = (clean * (1 - text) + text)[:, 60:260, 60:260].contiguous()
    pixelrl.load("inpainting-gray", device="cpu")(damaged).save(path)


if __name__ == "__main__":
    draw_denoising(HERE / "denoising.gif")
    draw_text_removal(HERE / "text-removal.gif")
