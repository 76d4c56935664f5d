"""Put results into one page that needs nothing else."""

import base64
import hashlib
import html
import json
import math
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, TextIO

from pixelrl import __version__
from pixelrl.declaration import find_score
from pixelrl.drawing.palette import ink_edits
from pixelrl.errors import DataError
from pixelrl.files import check_targets, whole_file
from pixelrl.records.file import Recorded
from pixelrl.report.packing import Blob, describe, pack
from pixelrl.report.reading import READ, Results, find, load
from pixelrl.runs.protocol import read_declared, read_number
from pixelrl.runs.tables import Row, Table, means

SCRIPTS = ("data.js", "paint.js", "panels.js", "charts.js", "show.js", "main.js")
"""The parts of the page's script, in order; they share one scope."""
MARK = "<!-- data -->"
TOLD = ("mean", "left_out", "scores", "calibration", "shares")
"""The parts of a protocol that the page shows elsewhere."""


def build(directory: Path, out: Path) -> Path:
    """Write the report of a directory of results.

    Args:
        directory: what predict or evaluate wrote, or the directory of a run.
        out: the file to write; its folder is made.

    Returns:
        ``out``.

    Raises:
        DataError: there is nothing to report on, the records are not of one task, or ``out`` is one
            of the files that are read.
    """
    results = find(directory)
    check_targets([out], [*results.records.values(), *(directory / name for name in READ)])
    head, _, tail = _page().partition(MARK)
    with whole_file(out) as part, part.open("w", encoding="utf-8") as file:
        _write(file, results, head, tail)
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
        images.append({"name": image, **_scores_of(scores), **describe(recorded)})
        file.writelines(_element(index, blob) for blob in pack(recorded))
    meta = {
        "version": __version__,
        "task": name,
        "edits": list(edits),
        "colors": ink_edits(edits, recorded.noop),
        "images": images,
        "scores": _scores(results, name),
        "calibration": results.calibration,
        "rank_correlation": read_number(
            results.protocol.get("calibration", {}).get("rank_correlation")
        ),
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


def _scores_of(scores: dict[str, float]) -> dict[str, Any]:
    """Tell an image's scores as JSON can: null for what is not finite, and the sign of infinity."""
    return {
        "scores": {name: read_number(value) for name, value in scores.items()},
        "infinite": {
            name: int(math.copysign(1, value))
            for name, value in scores.items()
            if math.isinf(value)
        },
    }


def _scores(results: Results, task: str) -> list[dict[str, Any]]:
    """List the scores' names, what is declared of them, and their means over the images shown."""
    names = [name for name in results.records if name in results.scores]
    rows: list[Row] = [{"image": name, **results.scores[name]} for name in names]
    table = Table(("image",), rows)
    declared = read_declared(results.protocol, task, table.measured)
    found = means(table)
    listed = []
    for name in found:
        if name not in table.shown:
            continue
        score = find_score(declared, name)
        about = {"unit": score.unit, "higher": score.higher_is_better, "digits": score.digits}
        listed.append({"name": name, **about, "mean": found[name].value, "note": found[name].note})
    return listed


def _facts(told: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Flatten nested settings to lines of names and values."""
    for key, value in told.items():
        if key in TOLD:
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
