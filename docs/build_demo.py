"""Build the demo: the page, the agents in the box step by step, and onnxruntime-web.

nox -s demo                            # fetches onnxruntime-web, then runs this
python docs/build_demo.py PACKAGE OUT  # PACKAGE: onnxruntime-web, unpacked
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from pixelrl.agents import find_weights, read_card
from pixelrl.export.card import write_card
from pixelrl.export.write import beside, export
from pixelrl.images.folders import list_bundled
from pixelrl.training.checkpoint import restore

PAGE = Path(__file__).parent / "demo"
STUDIO = Path(__file__).parents[1] / "pixelrl" / "studio" / "page"
RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
SIDE = 512
"""Of the samples, in pixels."""
SAMPLES = {"coffee": "Coffee", "astronaut": "Astronaut"}
"""Photographs that scikit-image ships: CC0, and of NASA, in the public domain."""


def build_demo(package: Path, out: Path, agents: Mapping[str, Path]) -> None:
    """Put a page together that any static server can serve.

    Args:
        package: onnxruntime-web as npm packs it.
        out: the folder, made anew.
        agents: weights by the name that the page asks for.
    """
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(PAGE, out)
    for name in ("studio.css", "tools.js"):
        shutil.copy(STUDIO / name, out / name)
    (out / "ort").mkdir()
    for name in RUNTIME:
        shutil.copy(package / "dist" / name, out / "ort" / name)
    (out / "agents").mkdir()
    cards = {name: _export(weights, name, out / "agents") for name, weights in agents.items()}
    told = {"agents": cards, "samples": [_shrink(name, out) for name in SAMPLES]}
    (out / "demo.json").write_text(json.dumps(told), "utf-8")


def _export(weights: Path, name: str, folder: Path) -> dict[str, object]:
    policy = restore(weights)
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / f"{name}.onnx"
        export(policy, whole, name, step=True)
        for kind in ("begin", "step"):
            shutil.copy(beside(whole, kind), folder)
    card = write_card(policy.experiment, policy.module.policy, name)
    return {**card, "limits": read_card(weights).limits}


def _shrink(name: str, out: Path) -> dict[str, str]:
    path = next(
        path for split in ("test", "val") for path in list_bundled(split) if path.stem == name
    )
    with Image.open(path) as picture:
        picture.thumbnail((SIDE, SIDE))
        picture.convert("RGB").save(out / f"{name}.jpg", quality=92)
    return {"file": f"{name}.jpg", "title": SAMPLES[name]}


if __name__ == "__main__":
    build_demo(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        {name: find_weights(name) for name in ("denoising", "inpainting")},
    )
