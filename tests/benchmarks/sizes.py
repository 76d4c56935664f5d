"""Measure what editing takes by the size of the picture, and the exponent of that growth.

    PYTHONPATH=tests python -m benchmarks.sizes [--megapixels 0.1 1 12 50] [--weights denoising]
    PYTHONPATH=tests python -m benchmarks.sizes --port [--limit 20]

Each size is a process of its own, `pixelrl edit` on one thread, as a person would start it. The
pictures are the bundled photographs, laid out side by side, with Gaussian noise of sigma 25, as
TIFF, which is read and written by regions. Seconds are those that the process had a core for, less
those of a picture of a thousand pixels, so that starting does not count; other programs on the
machine disturb them less than the wall's. The exponent is the slope of the line through the
logarithms: 1 if twice the pixels take twice as long. `--port` measures the plain port of the
official path (benchmarks/port.py) on the same pictures, up to the size that its memory allows.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from benchmarks.measuring import describe_hardware, lay_out
from pixelrl.images.files import read_array
from pixelrl.images.folders import list_bundled

SIGMA = 25.0
START = 0.001
"""Megapixels of the picture whose time is that of starting."""
ASPECT = 3 / 2
STRIP = 256
"""Rows that are made at a time."""


class Measured(NamedTuple):
    """Hold what editing a picture took.

    Attributes:
        megapixels: of the picture.
        seconds: of a core, starting included.
        memory: the most that the process held, in MB.
    """

    megapixels: float
    seconds: float
    memory: float


def write_picture(path: Path, megapixels: float, *, color: bool) -> float:
    """Write a noisy picture of about a size, a strip at a time; tell its size in megapixels."""
    width = max(8, round(sqrt(1e6 * megapixels * ASPECT)))
    height = max(8, round(1e6 * megapixels / width))
    photos = [read_array(path, channels=3 if color else 1) for path in list_bundled("test")]
    photo = np.concatenate(photos)
    photo = photo if color else photo[..., 0]
    rng = np.random.default_rng(0)
    across = np.arange(width) % photo.shape[1]

    def strips() -> Iterator[NDArray[np.uint8]]:
        for top in range(0, height, STRIP):
            rows = np.arange(top, min(top + STRIP, height)) % len(photo)
            clean = photo[rows][:, across]
            noisy = clean + SIGMA * rng.standard_normal(clean.shape, np.float32)
            yield np.clip(np.round(noisy), 0, 255).astype(np.uint8)

    shape = (height, width, 3) if color else (height, width)
    tifffile.imwrite(
        path,
        strips(),
        shape=shape,
        dtype=np.uint8,
        photometric="rgb" if color else "minisblack",
        rowsperstrip=STRIP,
    )
    return width * height / 1e6


def run(words: Sequence[str]) -> tuple[float, float] | None:
    """Run a module in a process of its own; tell its seconds on a core and its MB at most.

    Returns:
        None if it failed, which it has told itself.
    """
    path = os.pathsep.join(filter(None, sys.path))
    settings = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    process = subprocess.Popen([sys.executable, "-m", *words], env=settings)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return None
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(
    sizes: Sequence[float], command: Sequence[str], *, color: bool, until_failure: bool = False
) -> list[Measured]:
    """Run a command on a picture of each size, the smallest for the time of starting first.

    Args:
        sizes: in megapixels.
        command: a module and its words, of which ``PICTURE`` and ``OUT`` stand for files.
        color: whether pictures have color.
        until_failure: whether sizes from the first on that fails are left out.

    Raises:
        SystemExit: the command fails, on the smallest picture or where none may be left out.
    """
    found: list[Measured] = []
    with TemporaryDirectory() as folder:
        files = {"PICTURE": f"{folder}/picture.tif", "OUT": f"{folder}/edited.tif"}
        for size in (START, *sorted(sizes)):
            megapixels = write_picture(Path(files["PICTURE"]), size, color=color)
            taken = run([files.get(word, word) for word in command])
            if taken is None and found and until_failure:
                break
            if taken is None:
                raise SystemExit(f"{command[0]} failed on {megapixels:.3g} megapixels.")
            found.append(Measured(megapixels, *taken))
            Path(files["OUT"]).unlink(missing_ok=True)
    return found


def find_exponent(found: Sequence[Measured]) -> float:
    """Fit how seconds, less those of the first, grow with megapixels; at least two others."""
    start, *rest = found
    sizes = np.log([each.megapixels for each in rest])
    seconds = np.log([max(each.seconds - start.seconds, 1e-3) for each in rest])
    return float(np.polyfit(sizes, seconds, 1)[0])


def tell(found: Sequence[Measured], hardware: Mapping[str, str]) -> str:
    """Lay out what was measured."""
    start = found[0].seconds
    rows = [
        (f"{size:.3g}", seconds - start, (seconds - start) / size, f"{memory:.0f}")
        for size, seconds, memory in found[1:]
    ]
    heads = ("megapixels", "seconds of a core", "per megapixel", "memory, MB")
    told = [f"starting: {start:.1f} s", "", lay_out(heads, rows), ""]
    told.append(f"exponent: {find_exponent(found):.3f}" if len(found) > 2 else "")
    return "\n".join([", ".join(hardware.values()), *told])


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.1, 1.0, 12.0, 50.0])
    parser.add_argument("--weights", default="denoising")
    parser.add_argument("--gray", action="store_true", help="gray pictures, not color")
    parser.add_argument("--port", action="store_true", help="the plain port's network, not ours")
    parser.add_argument("--limit", default="20", metavar="GB", help="memory the port may take")
    asked = parser.parse_args(words)
    command = ["pixelrl", "edit", "PICTURE", "--weights", asked.weights, "--out", "OUT"]
    if asked.port:
        command = ["benchmarks.port", "PICTURE", "--limit", asked.limit, *["--gray"] * asked.gray]
    color = not asked.gray
    found = measure(asked.megapixels, command, color=color, until_failure=asked.port)
    print(tell(found, describe_hardware()))


if __name__ == "__main__":
    main()
