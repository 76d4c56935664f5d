"""Tables of results, made by a command: each row is evaluated, none is written by hand."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pixelrl.config.compose import Experiment, compose
from pixelrl.config.recipes import find_recipe, find_recipes, read_yaml
from pixelrl.errors import ConfigError
from pixelrl.experiments.evaluate import score
from pixelrl.experiments.fit import fit
from pixelrl.experiments.writers import Extras
from pixelrl.runs import directory as runs
from pixelrl.runs.tables import Row, cell, markdown, means, write_rows
from pixelrl.training.checkpoint import build, restore
from pixelrl.training.module import PixelA3C

MARKERS = ("<!-- results -->", "<!-- /results -->")
"""What stands before and after the table in a page."""


@dataclass(frozen=True)
class BenchmarkRow:
    """Describe one row of a benchmark.

    Attributes:
        name: the row's first cell.
        task: by name; needed unless there is a checkpoint.
        weights: a weight file, as for ``network.init``.
        checkpoint: a run or a checkpoint that fit has left.
        recipe: a recipe to learn from first; True for the task's own.
        data: folder or file of test images, or a mapping of maps to them; empty for bundled ones.
        set: further settings, ``section.key=value`` each.
        columns: further cells, such as what a paper reports.
    """

    name: str
    task: str = ""
    weights: str = ""
    checkpoint: str = ""
    recipe: str | bool = False
    data: str | Mapping[str, str] = ""
    set: Sequence[str] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Benchmark:
    """Describe a table.

    Attributes:
        rows: what is evaluated.
        scores: which scores are shown, in order; empty for all.
    """

    rows: Sequence[BenchmarkRow]
    scores: Sequence[str] = ()


def read_benchmark(file: Path) -> Benchmark:
    """Read a benchmark file.

    Raises:
        ConfigError: it is not one; one line says what is wrong.
    """
    raw = read_yaml(file, "a benchmark file")
    if not isinstance(raw, dict) or not isinstance(raw.get("rows"), list) or not raw["rows"]:
        raise ConfigError(f"{file}: expected rows: a list of {{name: …, task: …}}.")
    if strange := set(raw) - {"rows", "scores"}:
        raise ConfigError(f"{file}: unknown key '{min(strange)}'; expected rows and scores.")
    entries = [_entry(f"{file}: row {n}", row) for n, row in enumerate(raw["rows"], 1)]
    return Benchmark(entries, raw.get("scores", []))


def evaluate(benchmark: Benchmark, directory: Path, tell: Callable[[str], None] = print) -> str:
    """Evaluate every row and write the table.

    Args:
        benchmark: the rows.
        directory: where ``results.md``, ``results.csv``, ``protocol.json`` go, and a folder of
            scores per row.
        tell: called with a line per row.

    Returns:
        The table in Markdown, with the protocol's essentials below it.

    Raises:
        ConfigError: a row names a score that its task does not have.
    """
    rows: list[Row] = []
    protocols: dict[str, Any] = {}
    for number, entry in enumerate(benchmark.rows, 1):
        folder = directory / f"{number:02d}-{_slug(entry.name)}"
        module, experiment = _policy(entry, directory)
        scores = means(score(module, experiment, folder, extras=Extras(records=False)))
        rows.append(_row(entry, experiment.name, _chosen(entry, scores, benchmark.scores)))
        protocols[entry.name] = json.loads((folder / "protocol.json").read_text("utf-8"))
        tell("  ".join(f"{name} {cell(value)}" for name, value in rows[-1].items()))
    rows = _filled(rows, first=["name", "task", *(c for e in benchmark.rows for c in e.columns)])
    table = f"{markdown(rows)}\n\n{_told(protocols)}\n"
    (directory / "results.md").write_text(table, "utf-8")
    write_rows(directory / "results.csv", rows)
    (directory / "protocol.json").write_text(json.dumps(protocols, indent=2) + "\n", "utf-8")
    return table


def replace_section(page: Path, table: str) -> str:
    """Put a table between the markers of a page.

    Returns:
        The page's new text.

    Raises:
        ConfigError: the page is missing, or does not have each marker once, in order.
    """
    try:
        text = page.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{page}: {error.strerror}; pass the page to update.") from error
    before, found, rest = text.partition(MARKERS[0])
    _, ended, after = rest.partition(MARKERS[1])
    if not (found and ended) or any(text.count(marker) != 1 for marker in MARKERS):
        raise ConfigError(f"{page}: expected {MARKERS[0]} and, below it, {MARKERS[1]}, once each.")
    return f"{before}{MARKERS[0]}\n{table}{MARKERS[1]}{after}"


def _entry(where: str, raw: object) -> BenchmarkRow:
    if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
        raise ConfigError(f"{where}: expected a mapping with a name.")
    known = [item.name for item in fields(BenchmarkRow)]
    if strange := set(raw) - set(known):
        raise ConfigError(f"{where}: unknown key '{min(strange)}'; expected {', '.join(known)}.")
    entry = BenchmarkRow(**raw)
    sources = [name for name in ("weights", "checkpoint", "recipe") if getattr(entry, name)]
    if len(sources) != 1:
        raise ConfigError(f"{where}: expected exactly one of weights, checkpoint and recipe.")
    if not entry.task and not entry.checkpoint:
        raise ConfigError(f"{where}: no task is named.")
    return entry


def _policy(entry: BenchmarkRow, directory: Path) -> tuple[PixelA3C, Experiment]:
    """Rebuild one row's policy, learned first if it comes from a recipe."""
    overrides = [*_data(entry.data), *entry.set]
    if entry.checkpoint:
        found = restore(runs.checkpoint_in(Path(entry.checkpoint)), overrides)
        return found.module, found.experiment
    if entry.weights:
        experiment = compose(entry.task, [], [f"network.init={entry.weights}", *overrides])
        return build(experiment), experiment
    own = entry.recipe is True
    recipes = find_recipes(entry.task, []) if own else [find_recipe(str(entry.recipe))]
    overrides = [f"run.root={directory / 'runs'}", *overrides]
    experiment = compose(entry.task, recipes, overrides)
    return fit(experiment).module, experiment


def _data(data: str | Mapping[str, str]) -> list[str]:
    if not data:
        return []
    if isinstance(data, str):
        return [f"data.test.image={data}"]
    return [f"data.test.{name}={folder}" for name, folder in data.items()]


def _chosen(
    entry: BenchmarkRow, found: Mapping[str, float], wanted: Sequence[str]
) -> Mapping[str, float]:
    """Choose the scores that are shown."""
    for name in wanted:
        if name not in found:
            raise ConfigError(
                f"{entry.name}: no score '{name}'; there are {', '.join(found) or 'none'}."
            )
    return {name: found[name] for name in (wanted or found)}


def _row(entry: BenchmarkRow, task: str, scores: Mapping[str, float]) -> Row:
    return {"name": entry.name, "task": task, **entry.columns, **scores}


def _filled(rows: Sequence[Row], first: Sequence[str]) -> list[Row]:
    """Give all rows the same columns, some of them before the others."""
    columns = dict.fromkeys([*first, *(name for row in rows for name in row)])
    return [{name: row.get(name, "") for name in columns} for row in rows]


FACTS = {
    "seed": "seed {}",
    "images": "{} images",
    "precision": "precision {}",
    "scored": "scores {}",
}
"""What a table's numbers depend on, by its key in a protocol, and how it is said."""


def _told(protocols: Mapping[str, Mapping[str, Any]]) -> str:
    """Say below a table what its numbers depend on, as far as all rows agree."""
    told = []
    for key, phrase in FACTS.items():
        values = {str(protocol[key]) for protocol in protocols.values()}
        same = len(values) == 1
        told.append(phrase.format(*values) if same else f"{key} not the same in all rows")
    versions = next(iter(protocols.values()))["versions"]
    used = ", ".join(f"{name} {versions[name]}" for name in ("pixelrl", "torch"))
    return f"Protocol: {'; '.join(told)}; {used}. In full: `protocol.json`."


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "row"
