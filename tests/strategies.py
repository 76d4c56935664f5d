"""What hypothesis draws: sizes, and maps of them filled from a drawn seed."""

import torch
from hypothesis import strategies as st
from torch import Generator, Tensor

seeds = st.integers(0, 2**32 - 1)


@st.composite
def shapes(
    draw: st.DrawFn,
    channels: int | None = None,
    batch: int = 3,
    sides: tuple[int, int] = (3, 12),
) -> tuple[int, int, int, int]:
    """Draw (B, C, H, W)."""
    side = st.integers(*sides)
    count = channels if channels is not None else draw(st.sampled_from([1, 3]))
    return draw(st.integers(1, batch)), count, draw(side), draw(side)


def filled(
    shape: tuple[int, ...],
    seed: int,
    *,
    low: float = 0.0,
    high: float = 1.0,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Fill a shape with uniform numbers."""
    rng = Generator().manual_seed(seed)
    return (torch.rand(shape, generator=rng, dtype=torch.float64) * (high - low) + low).to(dtype)


@st.composite
def images(
    draw: st.DrawFn,
    channels: int | None = None,
    batch: int = 3,
    sides: tuple[int, int] = (3, 12),
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Draw an image (B,C,H,W) that leaves [0, 1] a little, as episodes do."""
    shape = draw(shapes(channels, batch, sides))
    return filled(shape, draw(seeds), low=-0.2, high=1.2, dtype=dtype)


def chosen(image: Tensor, actions: int, seed: int, *, length: int | None = None) -> Tensor:
    """Fill choices (B,H,W), or (T,B,H,W), for an image."""
    shape = (image.shape[0], *image.shape[-2:])
    if length is not None:
        shape = (length, *shape)
    return torch.randint(actions, shape, generator=Generator().manual_seed(seed))


@st.composite
def scenes(
    draw: st.DrawFn,
    channels: int | None = None,
    batch: int = 3,
    sides: tuple[int, int] = (3, 12),
    dtype: torch.dtype = torch.float32,
) -> dict[str, Tensor]:
    """Draw an image and its target."""
    image = draw(images(channels, batch, sides, dtype))
    return {"image": image, "target": filled(tuple(image.shape), draw(seeds), dtype=dtype)}
