"""Measure exported agents beside the module they came from: size, seconds a picture, agreement.

    PYTHONPATH=tests python -m benchmarks.exported [--weights denoising] [--sides 96 320] [--runs 5]

All on one thread. The picture is a bundled photograph with Gaussian noise of sigma 25.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from torch import Tensor

import pixelrl
from benchmarks.measuring import alternate, describe_hardware, lay_out
from pixelrl.data.reading import crop_center
from pixelrl.export.graphs import Episode
from pixelrl.export.write import Play, export, load_exported
from pixelrl.images.files import read_image
from pixelrl.images.folders import list_bundled

SIGMA = 25.0


class Exported(NamedTuple):
    """Hold agents that were written and loaded again.

    Attributes:
        play: from an image to the result and the choices.
        megabytes: of the file.
        written: seconds that writing took, checks included.
    """

    play: Play
    megabytes: float
    written: float


def write(agent: pixelrl.Agent, path: Path) -> Exported:
    """Export agents, and load them as another program would, on one thread."""
    began = time.perf_counter()
    [written] = export(agent.policy, path, agent.policy.experiment.name)
    took = time.perf_counter() - began
    return Exported(load_exported(path, threads=1), written.size / 1e6, took)


def make_picture(channels: int, side: int) -> Tensor:
    """Make a noisy picture, ``(1,C,side,side)``."""
    photo = crop_center(read_image(list_bundled("test")[0], channels=channels), side)
    noise = torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
    return (photo + SIGMA / 255 * noise).unsqueeze(0)


@torch.inference_mode()
def compare(ways: Mapping[str, Play], image: Tensor, runs: int) -> list[tuple[float, str]]:
    """Time ways to play in turn; of each, seconds and how well it agrees with the first."""
    spent = alternate({name: lambda play=play: play(image) for name, play in ways.items()}, runs)
    (wanted, chosen), *others = (play(image) for play in ways.values())
    told = [""]
    for edited, choices in others:
        same, apart = (choices == chosen).float().mean(), (edited - wanted).abs().max()
        told.append(f"{100 * float(same):.2f} % of choices, within {float(apart):.1g}")
    return list(zip(spent.values(), told, strict=True))


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--weights", default="denoising", help="name of agents (default: %(default)s)"
    )
    parser.add_argument("--sides", type=int, nargs="+", default=[96, 320], help="in pixels")
    parser.add_argument("--runs", type=int, default=5, help="of each (default: %(default)s)")
    given = parser.parse_args(words)
    torch.set_num_threads(1)
    agent = pixelrl.load(given.weights, device="cpu")
    with TemporaryDirectory() as folder:
        files = {
            name: write(agent, Path(folder) / f"agent{suffix}")
            for name, suffix in (("onnxruntime", ".onnx"), ("torch.export", ".pt2"))
        }
        ways: dict[str, Play] = {"module": Episode(agent.task, agent.policy.module.policy.eval())}
        ways |= {name: file.play for name, file in files.items()}
        rows = [[name] for name in ways]
        for side in given.sides:
            found = compare(ways, make_picture(agent.task.channels, side), given.runs)
            for row, (seconds, agreed) in zip(rows, found, strict=True):
                row += [f"{seconds:.3g}", agreed]
    for row, file in zip(rows, [None, *files.values()], strict=True):
        row[1:1] = [f"{file.megabytes:.1f}", f"{file.written:.0f}"] if file else ["", ""]
    heads = ["", "MB", "written in s"]
    for side in given.sides:
        heads += [f"{side}x{side}: s", "agrees with the module in"]
    print(lay_out(heads, rows))
    print(describe_hardware())


if __name__ == "__main__":
    main()
