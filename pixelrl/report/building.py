"""Put results into one page that needs nothing else."""

import base64
import hashlib
import html
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, TextIO

from pixelrl import __version__
from pixelrl.drawing.palette import ink_edits
from pixelrl.errors import DataError
from pixelrl.records.file import Recorded
from pixelrl.report.packing import Blob, describe, pack
from pixelrl.report.reading import Results, find, load, number

SCRIPTS = ("data.js", "paint.js", "panels.js", "charts.js", "show.js", "main.js")
"""The parts of the page's script, in order; they share one scope."""
LOWER = ("error", "loss", "distance", "mse", "mae", "lpips", "delta")
"""A score with one of these words in its name is the better the lower it is."""
MARK = "<!-- data -->"


def build(directory: Path, out: Path) -> Path:
    """Write the report of a directory of results.

    Args:
        directory: what predict or evaluate wrote, or the directory of a run.
        out: the file to write; its folder is made.

    Returns:
        ``out``.

    Raises:
        DataError: there is nothing to report on, or the records are not of one task.
    """
    results = find(directory)
    head, _, tail = _page().partition(MARK)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")  # a report is there whole or not at all
    try:
        with part.open("w", encoding="utf-8") as file:
            _write(file, results, head, tail)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return out


def _write(file: TextIO, results: Results, head: str, tail: str) -> None:
    """Write the page, holding one record at a time."""
    edits: tuple[str, ...] = ()
    experiment: dict[str, Any] = {}
    images: list[dict[str, Any]] = []
    name = ""
    for index, (image, path) in enumerate(results.records.items()):
        recorded = load(path)
        if not images:
            edits, experiment = recorded.edits, recorded.experiment
            name = str(experiment.get("name", "task"))
            file.write(head.replace("<!-- title -->", html.escape(f"{name} · pixelrl report")))
        _alike(path, recorded, edits)
        scores = results.scores.get(image, {})
        images.append({"name": image, "scores": scores, **describe(recorded)})
        file.writelines(_element(index, blob) for blob in pack(recorded))
    meta = {
        "version": __version__,
        "task": name,
        "edits": list(edits),
        "colors": ink_edits(edits, recorded.noop),
        "images": images,
        "scores": _scores(results),
        "calibration": results.calibration,
        "summary": {
            key: number(value) for key, value in results.protocol.get("calibration", {}).items()
        },
        "facts": dict(_facts(results.protocol or {"task": experiment.get("task", {})})),
    }
    text = json.dumps(meta, allow_nan=False).replace("<", "\\u003c")
    file.write(f'<script type="application/json" id="meta">{text}</script>\n')
    file.write(tail)


def _alike(path: Path, recorded: Recorded, edits: tuple[str, ...]) -> None:
    if recorded.edits != edits:
        raise DataError(
            f"{path}: recorded with edits {', '.join(recorded.edits)}, the others with"
            f" {', '.join(edits)}; keep the records of each task in a folder of their own."
        )


def _scores(results: Results) -> list[dict[str, Any]]:
    """List the scores' names, whether less is better, and their means over the images shown."""
    shown = [results.scores[name] for name in results.records if name in results.scores]
    listed = []
    for name in shown[0] if shown else ():
        known = [value for row in shown if (value := row.get(name)) is not None]
        mean = sum(known) / len(known) if known else None
        lower = any(word in name.lower() for word in LOWER)
        listed.append({"name": name, "lower": lower, "mean": mean})
    return listed


def _facts(told: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Flatten nested settings to lines of names and values."""
    for key, value in told.items():
        if key in {"mean", "calibration", "shares"}:
            continue
        if isinstance(value, dict):
            yield from _facts(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def _element(index: int, blob: Blob) -> str:
    identity = f"{index}-{blob.kind}-{blob.step}"
    return f'<script type="text/plain" id="{identity}">{blob.text}</script>\n'


def _page() -> str:
    """Read the page with style and script in it, allowed by their digests and nothing else."""
    parts = files(__package__) / "page"
    style = (parts / "style.css").read_text("utf-8")
    body = "\n".join((parts / name).read_text("utf-8") for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{body}\n}})();\n'
    policy = (
        f"default-src 'none'; img-src data: blob:; style-src {_digest(style)};"
        f" script-src {_digest(script)}"
    )
    page = (parts / "template.html").read_text("utf-8")
    for mark, text in {"policy": policy, "style": style, "script": script}.items():
        page = page.replace(f"<!-- {mark} -->", text)
    return page


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
