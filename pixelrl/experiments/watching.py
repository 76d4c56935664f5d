"""How editing many pictures tells where it is: a bar on a terminal, else now and then a line."""

import sys
import time
from collections.abc import Callable
from typing import Any, Self

from tqdm import tqdm

LINE_EVERY = 10.0
"""Seconds between lines."""


class Watch:
    """Tell how many pictures and megapixels are done, and how long the rest will take.

    Args:
        pictures: how many there are.
        pixels: how many these have in all.
        bar: whether to draw a bar; lines else. By default as stderr is a terminal or not.
        clock: tells the time, in seconds.
    """

    def __init__(
        self,
        pictures: int,
        pixels: int,
        *,
        bar: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pictures, self.pixels, self.clock = pictures, pixels, clock
        self.done, self.pixels_done, self.pixels_begun = 0, 0, 0
        self.began = self.told = clock()
        wanted = sys.stderr.isatty() if bar is None else bar
        self.bar: Any = None
        if wanted and pictures:
            form = "{desc} |{bar}| {elapsed}, {remaining} left"
            self.bar = tqdm(desc=self._count(), total=max(pixels, 1), bar_format=form, leave=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def progress(self, pixels: int) -> None:
        """Count so many pixels more of the picture that is being edited."""
        self.pixels_begun += pixels
        self._tell()

    def advance(self, pixels: int) -> None:
        """Count one more picture, of so many pixels, whatever was counted of it before."""
        self.done += 1
        self.pixels_done += pixels
        self.pixels_begun = 0
        self._tell()

    def _tell(self) -> None:
        if self.bar is not None:
            self.bar.n = self._pixels()
            self.bar.set_description_str(self._count())
        elif self.done < self.pictures and self.clock() - self.told >= LINE_EVERY:
            self.told = self.clock()
            print(f"{self._count()}, {self._left()}", file=sys.stderr, flush=True)

    def _pixels(self) -> int:
        return min(self.pixels_done + self.pixels_begun, self.pixels)

    def _count(self) -> str:
        done, all_ = (f"{pixels / 1e6:.1f}" for pixels in (self._pixels(), self.pixels))
        return f"{self.done} of {self.pictures} pictures, {done} of {all_} megapixels"

    def _left(self) -> str:
        share = self._pixels() / self.pixels if self.pixels else self.done / self.pictures
        if not share:
            return "time left unknown"
        spent = self.clock() - self.began
        return f"about {write_duration(spent / share - spent)} left"


def write_duration(seconds: float) -> str:
    """Write seconds as people do.

    Example:
        >>> write_duration(7.4), write_duration(3725)
        ('7 s', '1 h 02 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return (
        f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
    )
