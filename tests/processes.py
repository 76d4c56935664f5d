"""Processes of their own, on one thread each."""

import os
import subprocess
import sys
from collections.abc import Sequence


def run_python_module(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run Python with these words, to its end; what it says is captured."""
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
