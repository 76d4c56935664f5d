"""Bad inputs, generated: every damage for every kind of file, every wrong type at every place."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DEEP = 5000


def flip(place: float) -> Callable[[bytes], bytes]:
    """Make a damage that changes the byte at a share of the length."""

    def flipped(content: bytes) -> bytes:
        index = min(int(len(content) * place), len(content) - 1)
        return content[:index] + bytes([content[index] ^ 0x5A]) + content[index + 1 :]

    return flipped


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "one byte": lambda content: content[:1],
    "head": lambda content: content[:40],
    "half": lambda content: content[: len(content) // 2],
    "end lost": lambda content: content[:-3],
    "zeros": lambda content: bytes(len(content)),
    "noise": lambda content: bytes(71 * n % 251 for n in range(2000)),
    "text": lambda content: b"<!DOCTYPE html><title>404</title>\n",
    "null": lambda content: b"null\n",
    "deep JSON": lambda content: b"[" * DEEP,
    "deep YAML": lambda content: b"{a: " * DEEP,
    "not UTF-8": lambda content: b"\xff\xfe\x00" + content,
    "long line": lambda content: b"a" * 300_000 + b"\n" + content,
    "null bytes": lambda content: content[:20] + b"\0\0" + content[20:],
    **{f"flip {place}": flip(place) for place in (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)},
}
"""What becomes of a whole file, by name."""

PLACES: dict[str, Callable[[Path], None]] = {
    "missing": lambda path: None,
    "folder": lambda path: path.mkdir(),
    "pipe": os.mkfifo,
    "loop": lambda path: path.symlink_to(path),
    "device": lambda path: path.symlink_to("/dev/null"),
}
"""What stands where a file should, by name."""

WRONG: tuple[Any, ...] = (None, True, -1, 1e308, "x", [], [[]], {}, {"x": []})
"""Values of every type, to be put where another is expected."""


def misplace(told: Any) -> Iterator[Any]:
    """Put every wrong value at every place of nested plain values, and leave every key out."""
    yield from WRONG
    if isinstance(told, dict):
        for key, value in told.items():
            yield {name: each for name, each in told.items() if name != key}
            for wrong in misplace(value):
                yield {**told, key: wrong}


def lasting(told: Any) -> Iterator[str]:
    """Write wrong values as JSON, those that JSON can tell."""
    for wrong in misplace(told):
        yield json.dumps(wrong)


def place(path: Path, kind: str, content: bytes) -> None:
    """Put a bad input where a file should be, whatever is there."""
    if kind in PLACES:
        PLACES[kind](path)
    else:
        path.write_bytes(DAMAGES[kind](content))
