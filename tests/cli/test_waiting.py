"""Threads that wait spin briefly, unless a person says otherwise, and before torch is loaded."""

import subprocess
import sys

import pytest

TOLD = """
import os, sys
import pixelrl.cli.main as line

waits = line.wait_briefly
def looked():
    assert "torch" not in sys.modules
    waits()
line.wait_briefly = looked
line.main(["weights"])
print(os.environ.get("GOMP_SPINCOUNT"))
"""


@pytest.mark.parametrize(
    ("said", "wanted"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "5"}, "5"), ({"OMP_WAIT_POLICY": "active"}, "None")],
)
def test_threads_wait_briefly_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, str], wanted: str
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    run = [sys.executable, "-c", TOLD]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == wanted
