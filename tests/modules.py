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


def imported(statement: str) -> set[str]:
    """Run one statement in a process of its own, and list the top-level modules it leaves."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(statement=statement)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def imported_by(words: Sequence[str]) -> set[str]:
    """List the top-level modules that a command line imports."""
    return imported(f"from pixelrl.cli.main import main; main({list(words)!r})")
