"""The filters once more, for exported graphs: few operations on images whose size is not known.

A raster's length is a product of the image's sides, about which a tracer cannot reason, and OpenCV
is no part of a graph. Here all neighbors of a window come from one convolution, whose kernels are
all weights or one-hot. Medians are the same bit for bit, sums differ by rounding.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from pixelrl.filtering.raster import Border, add_border
from pixelrl.filtering.sorting import Run, merge

Half = tuple[float, ...]
"""A symmetric kernel: the middle's weight, then those of the pixels 1, 2, … away."""


def convolve_separable(image: Tensor, kernels: Sequence[Half]) -> list[Tensor]:
    """Do what `separable_filters` does, ``(B,C,H,W)`` to the same for each kernel."""
    lines = [[*half[:0:-1], *half] for half in kernels]
    squares = [[[one * other for other in line] for one in line] for line in lines]
    return list(_convolve(image, squares, "reflect").unbind(2))


def convolve_bilateral(
    image: Tensor, size: int, sigmas: Sequence[tuple[float, float]]
) -> list[Tensor]:
    """Do what `bilateral_filters` does, ``(B,C,H,W)`` to the same for each pair of sigmas."""
    radius = size // 2
    places = [(y - radius, x - radius) for y in range(size) for x in range(size)]
    disc = [place for place in places if 0 < _square(place) <= radius * radius]
    kernels = [
        _row([1.0 * (at == place) - (at == (0, 0)) for at in places], size) for place in disc
    ]
    difference = _convolve(image, kernels, "reflect")  # (B,C,N,H,W), neighbor less pixel
    distance = difference.abs().sum(1, keepdim=True).square()
    found = []
    for color, space in sigmas:
        near = torch.tensor([[[-_square(place) / (2 * space**2)]] for place in disc])
        similar = torch.exp(distance * (-0.5 / color**2) + near.to(image))
        found.append(image + (similar * difference).sum(2) / (similar.sum(2) + 1))
    return found


def convolve_median(image: Tensor, size: int) -> Tensor:
    """Do what `median_filter` does, ``(B,C,H,W)`` to the same, by minima and maxima.

    A window's rows are sorted, and then its columns. What then has more than half the window at its
    lower or upper left or right cannot be the median, and as much is left out on either side.
    """
    kernels = [_row([1.0 * (at == n) for at in range(size * size)], size) for n in range(size**2)]
    windows = _convolve(image, kernels, "replicate")
    square: Tensor = windows.unflatten(2, (size, size))  # type: ignore[no-untyped-call]
    rows = torch.stack(_sort(square.unbind(3)), 3)
    cells = [row.unbind(2) for row in _sort(rows.unbind(2))]
    half = size * size // 2
    middle = [
        [
            cells[y][x]
            for x in range(size)
            if max((y + 1) * (x + 1), (size - y) * (size - x)) <= half + 1
        ]
        for y in range(size)
    ]
    rest = sum(map(len, middle)) // 2
    return merge([Run(maps, len(maps)) for maps in middle], rest).maps[0]


def _sort(maps: Sequence[Tensor]) -> list[Tensor]:
    """Sort maps of one shape, pixel by pixel, the smallest first."""
    return merge([Run([each], 1) for each in maps], len(maps)).maps


def _square(place: tuple[int, int]) -> int:
    return place[0] ** 2 + place[1] ** 2


def _row(values: list[float], size: int) -> list[list[float]]:
    """Lay values out as a square kernel."""
    return [values[at : at + size] for at in range(0, len(values), size)]


def _convolve(image: Tensor, kernels: Sequence[list[list[float]]], border: Border) -> Tensor:
    """Convolve each channel with N square kernels, ``(B,C,H,W)`` to ``(B,C,N,H,W)``."""
    weights = torch.tensor(kernels).to(image).unsqueeze(1)
    planes = add_border(image, len(kernels[0]), border).flatten(0, 1).unsqueeze(1)
    found: Tensor = F.conv2d(planes, weights).unflatten(0, (-1, image.shape[1]))  # type: ignore[no-untyped-call]
    return found
