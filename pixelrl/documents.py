"""Small files that describe something, JSON and YAML: read so that none can hang or fill memory."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import yaml

SMALL = 64_000_000
"""More bytes than any description or table of ours has."""
MOST_VALUES = 100_000
"""More values than any YAML file of ours stands for."""


def read_small(path: Path, most: int = SMALL) -> bytes:
    """Read a file of ours whole, if it is a file and not larger than such files are.

    Args:
        path: the file.
        most: the most bytes it may have.

    Raises:
        OSError: it cannot be read.
        ValueError: it is a pipe, a device or a folder, or larger.
    """
    # Opened without waiting for somebody at the other end of a pipe.
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("a pipe, device or folder, not a file")
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"more than {most / 1e6:.0f} MB, larger than such files are")
    return content


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of ours, which holds an object.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file.
    """
    try:
        found = json.loads(read_small(path).decode(), parse_constant=lambda _: None)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError(f"expected an object, got {type(found).__name__}")
    return found


def read_yaml_text(path: Path) -> str:
    """Read a YAML file's text, once it is known that what it stands for fits into memory.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no YAML, or nested or repeated beyond all measure.
    """
    text = read_small(path).decode("utf-8-sig")
    try:
        size = _count(yaml.compose(text, Loader=yaml.SafeLoader), {})
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    if size > MOST_VALUES:
        raise ValueError(f"its aliases stand for more than {MOST_VALUES} values; write them out")
    return text


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - whatever stands there
    """Read a YAML file of any content.

    Raises:
        OSError: it cannot be read.
        ValueError: as `read_yaml_text` does.
    """
    text = read_yaml_text(path)
    try:
        return yaml.safe_load(text)
    except Exception as error:  # of values with odd tags its readers raise whatever
        raise ValueError(" ".join(str(error).split())) from error


def _count(node: yaml.Node | None, known: dict[int, int]) -> int:
    """Count the values that a node stands for, aliases written out, without writing them out."""
    if node is None:
        return 0
    if id(node) not in known:
        known[id(node)] = MOST_VALUES + 1  # of one that holds itself
        parts: list[yaml.Node] = []
        for each in node.value if isinstance(node, yaml.CollectionNode) else ():
            parts += each if isinstance(each, tuple) else (each,)
        known[id(node)] = 1 + sum(_count(part, known) for part in parts)
    return known[id(node)]
