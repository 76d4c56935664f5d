"""A new task's files: an installable plugin that trains as it is, to be made one's own."""

import keyword
import re
import shutil
from pathlib import Path
from string import Template

from pixelrl.discovery import TASKS, list_installed
from pixelrl.errors import ConfigError
from pixelrl.files import write_whole

CONTRACT = 1
"""Stated here too, since `pixelrl.task` would import torch; a test holds both equal."""


def new_task(name: str, directory: Path | None = None) -> list[Path]:
    """Write an installable plugin with one task.

    Args:
        name: what the task will be called on the command line, such as ``deblurring``.
        directory: where; by default ``pixelrl-NAME`` here.

    Returns:
        The files written.

    Raises:
        ConfigError: the name cannot be one, is taken, or the directory holds something.
        OSError: a file cannot be written; nothing is left of the others.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ConfigError(
            f"'{name}': expected a name of lower-case letters, digits and underscores that begins"
            " with a letter, such as deblurring."
        )
    if name in {point.name for point in list_installed(TASKS)}:
        raise ConfigError(f"a task '{name}' is installed already; choose another name.")
    dashed = name.replace("_", "-")
    directory = directory or Path(f"pixelrl-{dashed}")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ConfigError(f"{directory}: holds something already; choose another --dir.")
    words = name.replace("_", " ")
    package = f"pixelrl_{name}"
    values = {
        "name": name,
        "words": words,
        "Words": words.capitalize(),
        "kind": words.title().replace(" ", ""),
        "package": package,
        "distribution": f"pixelrl-{dashed}",
        "contract": str(CONTRACT),
    }
    places = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        "recipe.yaml": "recipe.yaml",
        "task.py": f"src/{package}/__init__.py",
        "test.py": f"tests/test_{name}.py",
    }
    written = [directory / place for place in places.values()]
    texts = [
        Template((Path(__file__).parent / "files" / f"{source}.txt").read_text("utf-8"))
        for source in places
    ]
    there = directory.exists()
    try:
        for text, path in zip(texts, written, strict=True):
            write_whole(path, text.substitute(values))
        write_whole(typed := directory / "src" / package / "py.typed", "")
    except OSError:
        _remove(directory, keep=there)
        raise
    return [*written, typed]


def _remove(directory: Path, *, keep: bool) -> None:
    """Remove what was written before something could not be, so that it can be tried again."""
    for path in directory.iterdir() if directory.is_dir() else ():
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
    if not keep and directory.is_dir():
        directory.rmdir()
