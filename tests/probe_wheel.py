"""Use an installed wheel outside of the repository: is all that it needs inside?

python -I tests/probe_wheel.py REPOSITORY     # in an empty folder; run by `nox -s dist`
"""

import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from PIL import Image

NEEDED = (
    "pixelrl/_configs/denoising.yaml",
    "pixelrl/_configs/published/denoising.yaml",
    "pixelrl/_configs/sweeps/denoising.yaml",
    "pixelrl/cli/scaffold/files/task.py.txt",
    "pixelrl/py.typed",
    "pixelrl/report/page/template.html",
    "pixelrl/studio/page/index.html",
    "pixelrl_tasks/agents/denoising.json",
    "pixelrl_tasks/agents/denoising.safetensors",
    "pixelrl_tasks/agents/inpainting.safetensors",
    "pixelrl_tasks/prose.txt",
)
"""Files that are no code: recipes, weights, pages, the text that is drawn."""


def probe(repository: Path) -> None:
    """Look at what is installed, and use it.

    Raises:
        SystemExit: something is missing, or does not do what it should.
    """
    import pixelrl

    here = Path(pixelrl.__file__).resolve()
    expect(repository not in here.parents, f"{here} is the repository's, not the wheel's")
    files = {str(file) for file in distribution("pixelrl").files or ()}
    missing = [name for name in NEEDED if name not in files]
    expect(not missing, f"the wheel lacks {', '.join(missing)}")
    recipes = {path.name for path in (repository / "configs").rglob("*.yaml")}
    packed = {Path(file).name for file in files if "_configs/" in file}
    expect(recipes <= packed, f"the wheel lacks recipes {', '.join(sorted(recipes - packed))}")

    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (40, 56, 3), np.uint8)).save("photo.png")
    expect("denoising" in pixelrl_says("weights"), "no agents are found")
    pixelrl_says("edit", "photo.png", "--task", "denoising", "--out", "better.png", "--record")
    with Image.open("better.png") as image:
        expect(image.size == (56, 40), "the edited picture has another size")
    told = pixelrl_says("tasks", "inpainting")
    expect("recipe of" in told, "the recipe is not found")
    small = "--config", "smoke", "task.fonts=bundled", "run.root=runs", "run.name=one"
    pixelrl_says("fit", "--task", "inpainting", *small)
    pixelrl_says("report", "runs/one")
    pixelrl_says("new-task", "haze")
    print(f"pixelrl {pixelrl.__version__} works from {here.parent}")


def pixelrl_says(*words: str) -> str:
    """Run a verb; returns what it says."""
    done = subprocess.run(
        [sys.executable, "-I", "-m", "pixelrl", *words], capture_output=True, text=True, check=False
    )
    expect(done.returncode == 0, f"pixelrl {' '.join(words)}: {done.stderr}")
    return done.stdout


def expect(holds: bool, otherwise: str) -> None:
    """Stop with a line if something does not hold."""
    if not holds:
        sys.exit(f"wheel: {otherwise}")


if __name__ == "__main__":
    probe(Path(sys.argv[1]).resolve())
