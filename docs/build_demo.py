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
SIDE = 400
"""Of the samples, in pixels."""
SAMPLES = {"coffee": "Coffee", "astronaut": "Astronaut"}
"""Photographs that scikit-image ships: CC0, and of NASA, in the public domain."""


def build_page(package: Path, out: Path, agents: Mapping[str, Path]) -> None:
    """Put a page together that any static server can serve.

    Args:
        package: onnxruntime-web as npm packs it.
        out: the folder, made anew.
        agents: exported with ``--step``, by the name that the page asks for.
    """
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(PAGE, out)
    for name in ("studio.css", "tools.js"):
        shutil.copy(STUDIO / name, out / name)
    for name in ("ort", "agents"):
        (out / name).mkdir()
    for name in RUNTIME:
        shutil.copy(package / "dist" / name, out / "ort" / name)
    cards = {}
    for name, whole in agents.items():
        for kind in ("begin", "step"):
            shutil.copy(beside(whole, kind), out / "agents" / f"{name}.{kind}.onnx")
        cards[name] = json.loads(whole.with_suffix(".json").read_text("utf-8"))
    told = {"agents": cards, "samples": [_shrink(name, out) for name in SAMPLES]}
    (out / "demo.json").write_text(json.dumps(told), "utf-8")


def export_agents(name: str, folder: Path) -> Path:
    """Export agents in the box for the page; returns the file of the whole, its card beside it."""
    weights, whole = find_weights(name), folder / f"{name}.onnx"
    policy = restore(weights)
    export(policy, whole, name, step=True)
    card = write_card(policy.experiment, policy.module.policy, name)
    told = json.dumps({**card, "limits": read_card(weights).limits})
    whole.with_suffix(".json").write_text(told, "utf-8")
    return whole


def _shrink(name: str, out: Path) -> dict[str, str]:
    path = next(
        path for split in ("test", "val") for path in list_bundled(split) if path.stem == name
    )
    with Image.open(path) as picture:
        picture.thumbnail((SIDE, SIDE))
        picture.convert("RGB").save(out / f"{name}.jpg", quality=92)
    return {"file": f"{name}.jpg", "title": SAMPLES[name]}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        exported = {name: export_agents(name, Path(place)) for name in ("denoising", "inpainting")}
        build_page(Path(sys.argv[1]), Path(sys.argv[2]), exported)
