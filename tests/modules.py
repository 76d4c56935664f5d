"""Which modules a program imports: what it costs to start, in a measure all machines share."""

import json
import subprocess
import sys
from collections.abc import Sequence

SLOW = {
    *("albumentations", "cv2", "kornia", "lightning", "matplotlib", "numpy", "omegaconf", "optuna"),
    *("PIL", "scipy", "skimage", "tensorboard", "torch", "torchmetrics", "wandb"),
}
"""Packages that take long to import; what answers from names alone needs none of them."""

PROGRAM = """
import json, sys
try:
    {statement}
except SystemExit:
    pass
print()
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


def run_python(program: str) -> str:
    """Run a program in a process of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported_by(words: Sequence[str]) -> set[str]:
    """List the top-level modules that a command line imports."""
    statement = f"from pixelrl.cli.main import main; main({list(words)!r})"
    return set(json.loads(run_python(PROGRAM.format(statement=statement)).splitlines()[-1]))
