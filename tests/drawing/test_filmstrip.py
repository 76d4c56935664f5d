"""What is drawn is what happened: colors, shares, places, and every shape an episode can have."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import Tensor

from pixelrl.drawing.filmstrip import count_shares, draw_change, draw_choices, draw_filmstrip
from pixelrl.drawing.palette import color_edits, palette
from pixelrl.errors import MapError

NAMES = [
    "minus",
    "do nothing",
    "plus",
    "blur 0.5",
    "bilateral",
    "median",
    "blur 1.5",
    "soft",
    "box",
]

# Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def seen(table: Tensor, vision: str) -> np.ndarray:
    """Simulate colors ``(A,3)`` as such a reader sees them, in CIELab."""
    srgb = table.double().numpy()
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    mixed = np.clip(linear @ VISION[vision].T, 0, 1)
    return rgb2lab(np.where(mixed <= 0.0031308, mixed * 12.92, 1.055 * mixed ** (1 / 2.4) - 0.055))


def distances(table: Tensor, vision: str) -> np.ndarray:
    """Measure CIEDE2000 between all pairs; 1 is just noticeable."""
    lab = seen(table, vision)
    return deltaE_ciede2000(lab[:, None], lab[None])[np.triu_indices(len(lab), 1)]


def episode(
    length: int, channels: int, height: int, width: int, edits: int = 9
) -> tuple[list[Tensor], Tensor]:
    """Make images and choices at random."""
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(length + 1, channels, height, width, generator=rng)
    choices = torch.randint(edits, (length, height, width), generator=rng)
    return list(images), choices


def places(strip: Tensor, image: Tensor) -> list[tuple[int, int]]:
    """Find where an image of multiples of 1/255 stands unaltered in a strip, as (x, y)."""
    levels, wanted = (strip * 255).round().int(), (image.expand(3, -1, -1) * 255).round().int()
    _, height, width = wanted.shape
    inside = levels[:, : levels.shape[1] - height + 1, : levels.shape[2] - width + 1]
    corners = (inside == wanted[:, :1, :1]).all(0).nonzero().tolist()
    return [(x, y) for y, x in corners if levels[:, y : y + height, x : x + width].equal(wanted)]


def is_picture(strip: Tensor) -> bool:
    """Tell whether it is RGB in [0, 1] of a decent size."""
    whole = strip.ndim == 3 and len(strip) == 3 and bool(strip.isfinite().all())
    return whole and float(strip.min()) >= 0 and float(strip.max()) <= 1 and strip.shape[2] <= 4000


@pytest.mark.parametrize("vision", VISION)
def test_the_first_nine_colors_are_told_apart_by_everyone(vision: str) -> None:
    assert distances(palette(9), vision).min() > 10
    assert distances(color_edits(NAMES), vision).min() > 10
    assert distances(palette(16), vision).min() > 10


@pytest.mark.parametrize("vision", VISION)
def test_neighbors_differ_strongly(vision: str) -> None:
    lab = seen(palette(9), vision)
    assert min(float(deltaE_ciede2000(one, other)) for one, other in pairwise(lab)) > 18


@pytest.mark.parametrize("count", [1, 2, 20, 21, 50])
def test_colors_are_pairwise_distinct(count: int) -> None:
    names = ["keep", *(f"edit {index}" for index in range(count))]
    assert len({tuple(row) for row in color_edits(names, "keep").tolist()}) == count + 1
    assert palette(count).shape == (count, 3)


def test_light_gray_is_kept_for_the_edit_that_does_nothing() -> None:
    for name in ("keep", "do nothing", "stay"):
        table = color_edits(["a", name, "b"], noop=name)
        assert table[1].unique().numel() == 1
        assert table[[0, 2]].equal(palette(2))
    assert all(row.unique().numel() > 1 for row in color_edits(["a", "b", "keep"]))


def test_every_pixel_has_the_color_of_its_edit() -> None:
    choice = torch.randint(9, (2, 5, 7), generator=torch.Generator().manual_seed(1))
    painted = draw_choices(choice, NAMES)
    assert painted.shape == (2, 3, 5, 7)
    table = color_edits(NAMES)
    for batch, y, x in np.ndindex(2, 5, 7):
        assert painted[batch, :, y, x].equal(table[choice[batch, y, x]])


def test_change_is_blue_where_darker_and_orange_where_brighter() -> None:
    before = torch.full((1, 1, 1, 5), 0.5)
    after = before + torch.tensor([-1.0, -0.1, 0.0, 0.1, 1.0])
    red, _, blue = draw_change(before, after, 5.0)[0, :, 0]
    assert blue[0] > red[0]
    assert blue[1] > red[1]
    assert draw_change(before, after, 5.0)[0, :, 0, 2].tolist() == [1, 1, 1]
    assert red[3] > blue[3]
    assert red[4] > blue[4]


def test_change_shows_a_move_of_color_alone() -> None:
    before = torch.full((1, 3, 2, 2), 0.5)
    after = before + torch.tensor([-0.2, 0.1, 0.1])[:, None, None]
    red, _, blue = draw_change(before, after, 5.0)[0, :, 0, 0]
    assert blue > red


def test_usage_counts() -> None:
    choices = torch.tensor([[[[0, 0], [1, 2]]], [[[2, 2], [2, 2]]]])
    assert count_shares(choices, 4).tolist() == [[0.5, 0.25, 0.25, 0], [0, 0, 1, 0]]


def test_usage_rows_sum_to_one() -> None:
    choices = torch.randint(9, (4, 2, 13, 17), generator=torch.Generator().manual_seed(2))
    shares = count_shares(choices, 9)
    assert shares.shape == (4, 9)
    torch.testing.assert_close(shares.sum(1), torch.ones(4))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_strip_holds_its_pictures_unaltered_side_by_side(channels: int) -> None:
    images, choices = episode(2, channels, 40, 160)
    images = [(image * 255).round() / 255 for image in images]
    strip = draw_filmstrip(images, choices, NAMES, images[-1])
    found = [places(strip, image) for image in images]
    assert [len(each) for each in found] == [1, 1, 2]  # the last one is the target as well
    columns = [*(each[0][0] for each in found), found[-1][1][0]]
    assert columns == sorted(columns)
    assert len({y for each in found for _, y in each}) == 1
    for step, painted in enumerate(draw_choices(choices, NAMES)):
        ((x, y),) = places(strip, painted)
        assert x == columns[step + 1]
        assert y > found[0][0][1] + 40


def test_small_images_grow_by_a_whole_factor() -> None:
    images, choices = episode(1, 1, 8, 8)
    strip = draw_filmstrip(images, choices, NAMES)
    large = draw_choices(choices, NAMES)[0].repeat_interleave(19, 1).repeat_interleave(19, 2)
    assert len(places(strip, large)) == 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("targets", [0, 1])
@pytest.mark.parametrize(
    ("length", "height", "width"),
    [
        (1, 8, 8),
        (1, 1, 1),
        (5, 70, 70),
        (15, 70, 70),
        (15, 200, 300),
        (60, 30, 30),
        (5, 12, 5000),
        (2, 3000, 6),
        (1, 900, 1100),
    ],
)
def test_a_strip_of_any_shape(
    length: int, height: int, width: int, channels: int, targets: int
) -> None:
    images, choices = episode(length, channels, height, width)
    strip = draw_filmstrip(images, choices, NAMES, images[-1] if targets else None)
    assert is_picture(strip)
    assert strip.shape[2] > 300


def test_a_strip_of_many_edits_with_long_and_foreign_names() -> None:
    names = [f"Gauß \u03c3 = {index} \u00d7 5 \u2212 a rather long name 中" for index in range(30)]
    images, choices = episode(1, 1, 8, 8, 30)
    assert is_picture(draw_filmstrip(images, choices, names))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e30])
def test_a_strip_survives_what_is_not_a_number(bad: float) -> None:
    images, choices = episode(3, 3, 20, 20)
    images[1][:, :5] = bad
    images[2][:] = bad
    assert is_picture(draw_filmstrip(images, choices, NAMES, images[0]))
    assert is_picture(draw_filmstrip(images, choices, NAMES, images[2]))


def test_drawing_changes_nothing_it_is_given() -> None:
    images, choices = episode(2, 1, 20, 20)
    before = [image.clone() for image in images]
    strip = draw_filmstrip([image.requires_grad_() for image in images], choices, NAMES)
    assert not strip.requires_grad
    assert all(image.equal(copy) for image, copy in zip(images, before, strict=True))


def test_what_does_not_fit_is_refused() -> None:
    images, choices = episode(2, 1, 20, 20)
    with pytest.raises(MapError, match=r"choices: expected \(T,H,W\) \(1, 20, 20\)"):
        draw_filmstrip(images[:2], choices, NAMES)
    with pytest.raises(MapError, match="expected 0 to 1, got 0 to 8"):
        draw_filmstrip(images, choices, NAMES[:2])
    with pytest.raises(MapError):
        draw_filmstrip(images[:1], choices[:0], NAMES)
