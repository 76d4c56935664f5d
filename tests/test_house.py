"""Rules of the house that no linter knows: how long a file may be, and what an import may do."""

from pathlib import Path

import pytest

from modules import run_python

ROOT = Path(__file__).parents[1]
LONGEST = 300
LISTED = {".py", ".js", ".css", ".html"}

IMPORT_ALL = """
import importlib, pkgutil, sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise PermissionError(f"{event} while importing")

sys.addaudithook(refuse)
import pixelrl, pixelrl_tasks
for package in (pixelrl, pixelrl_tasks):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
        print(module.name)
"""


@pytest.mark.parametrize("folder", ["pixelrl", "tasks"])
def test_no_file_is_too_long(folder: str) -> None:
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in (ROOT / folder).rglob("*")
        if path.suffix in LISTED
    }
    assert len(lines) > 5
    assert not {path: count for path, count in lines.items() if count > LONGEST}


def test_no_import_opens_a_socket() -> None:
    """Nor does what it imports in turn; some packages look for newer versions of themselves."""
    imported = set(run_python(IMPORT_ALL).splitlines())
    assert {"pixelrl.cli.verbs.sweep", "pixelrl.data.download", "pixelrl_tasks.text"} <= imported
