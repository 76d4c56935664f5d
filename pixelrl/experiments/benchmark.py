"""Tables of results, made by a command: each row is evaluated, none is written by hand."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from pixelrl.agents import SUFFIX, find_weights, list_agents
from pixelrl.config.compose import Experiment, compose
from pixelrl.config.recipes import find_recipe, find_recipes, read_yaml
from pixelrl.declaration import Score, declare, find_score, join, strip_source
from pixelrl.discovery import Trust
from pixelrl.errors import ConfigError
from pixelrl.experiments.evaluate import score, state_grounds
from pixelrl.experiments.fit import fit
from pixelrl.experiments.writers import Extras
from pixelrl.files import write_whole
from pixelrl.runs import directory as runs
from pixelrl.runs.layout import markdown
from pixelrl.runs.protocol import FILE, read_declared, read_means, write_json
from pixelrl.runs.tables import Row, Table, list_notes, mean_values, write_csv
from pixelrl.settings import Network
from pixelrl.task import Task
from pixelrl.training.checkpoint import build, restore
from pixelrl.training.module import PixelA3C

MARKERS = ("<!-- results -->", "<!-- /results -->")
"""What stands before and after the table in a page."""


@dataclass(frozen=True)
class Case:
    """Describe what one row of the table is about.

    Attributes:
        name: the row's first cell.
        task: by name; needed unless a checkpoint or trained agents tell it.
        weights: trained agents by name, or a weight file, as for ``network.init``.
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
        cases: what is evaluated, a row each.
        scores: which scores are shown, in order; empty for all.
    """

    cases: Sequence[Case]
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
    cases = [_case(f"{file}: row {n}", row) for n, row in enumerate(raw["rows"], 1)]
    names = [case.name for case in cases]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"{file}: two rows are called '{twice[0]}'; give each its own name.")
    return Benchmark(cases, raw.get("scores", []))


def run_benchmark(
    benchmark: Benchmark,
    directory: Path,
    tell: Callable[[str], None] = print,
    *,
    trust: Trust | None = None,
    resume: bool = False,
) -> str:
    """Evaluate every case and write the table.

    Args:
        benchmark: the cases.
        directory: where ``results.md``, ``results.csv``, ``protocol.json`` go, and a folder of
            scores per case.
        tell: called with a line per case.
        trust: which code the rows and their files may name beside installed plugins; by default
            none.
        resume: whether a row is taken from what ``directory`` has of it, if that was scored with
            the same weights, settings and images; the code is not compared.

    Returns:
        The table in Markdown, with the protocol's essentials below it.

    Raises:
        ConfigError: a score is wanted that a case's task does not know; of those that it knows and
            does not answer, its cells are empty.
        PluginError: a row names code that is not trusted.
    """
    rows: list[Row] = []
    notes: list[str] = []
    declared: list[Mapping[str, Score]] = []
    protocols: dict[str, Any] = {}
    for number, case in enumerate(benchmark.cases, 1):
        folder = directory / f"{number:02d}-{_slug(case.name)}"
        module, experiment = _policy(case, directory, trust or Trust())
        kept = _find_scored(folder, module, experiment) if resume else None
        protocol = kept or _score(folder, module, experiment)
        names = _chosen(case, list(protocol["mean"]), benchmark.scores, experiment.task)
        every = read_means(protocol)
        found = {name: every[name] for name in names}
        rows.append(_row(case, experiment.name, mean_values(found)))
        notes += list_notes(found, case.name)
        declared.append(read_declared(protocol, experiment.name, found))
        protocols[case.name] = protocol
        tell(_told_row(rows[-1], declared[-1]) + ("  (as it was)" if kept else ""))
    table = _table(benchmark.cases, rows, join(declared))
    below = "\n".join([*(f"{note}." for note in notes), _told(protocols)])
    text = f"{markdown(table)}\n\n{below}\n"
    write_whole(directory / "results.md", text)
    write_csv(directory / "results.csv", table)
    write_json(directory / FILE, protocols)
    return text


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


def _case(where: str, raw: object) -> Case:
    if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
        raise ConfigError(f"{where}: expected a mapping with a name.")
    known = [item.name for item in fields(Case)]
    if strange := set(raw) - set(known):
        raise ConfigError(f"{where}: unknown key '{min(strange)}'; expected {', '.join(known)}.")
    case = Case(**raw)
    sources = [name for name in ("weights", "checkpoint", "recipe") if getattr(case, name)]
    if len(sources) != 1:
        raise ConfigError(f"{where}: expected exactly one of weights, checkpoint and recipe.")
    if not (case.task or case.checkpoint or _are_agents(case.weights)):
        raise ConfigError(f"{where}: no task is named.")
    return case


def _policy(case: Case, directory: Path, trust: Trust) -> tuple[PixelA3C, Experiment]:
    """Rebuild one row's policy, learned first if it comes from a recipe."""
    trust.check(f"row '{case.name}': task", case.task)
    overrides = [*_data(case.data), *case.set]
    if case.checkpoint:
        found = restore(runs.checkpoint_in(Path(case.checkpoint)), overrides, trust=trust)
        return found.module, found.experiment
    if _are_agents(case.weights):
        found = restore(find_weights(case.weights), overrides)
        return found.module, found.experiment
    if case.weights:
        weights = f"network.init={case.weights}"
        experiment = compose(case.task, [], [weights, *overrides], trust=trust)
        return build(experiment), experiment
    own = case.recipe is True
    recipes = find_recipes(case.task, []) if own else [find_recipe(str(case.recipe))]
    overrides = [f"run.root={directory / 'runs'}", *overrides]
    experiment = compose(case.task, recipes, overrides, trust=trust)
    return fit(experiment).module, experiment


def _score(folder: Path, module: PixelA3C, experiment: Experiment) -> dict[str, Any]:
    """Score a policy; returns the protocol."""
    score(module, experiment, folder, extras=Extras(records=False))
    protocol: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
    return protocol


def _find_scored(folder: Path, module: PixelA3C, experiment: Experiment) -> dict[str, Any] | None:
    """Find the protocol of a policy that was scored before; None if what it rests on differs."""
    try:
        protocol: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    newer = {"task": _defaults(experiment.task), "network": _defaults(experiment.network)}
    grounds, newer = json.loads(json.dumps([state_grounds(module, experiment), newer]))
    known = dict(protocol)
    for name, values in newer.items():  # what is newer than the scores had its default
        if isinstance(settings := known.get(name), dict):
            known[name] = values | settings
    return protocol if all(known.get(name) == value for name, value in grounds.items()) else None


def _defaults(settings: Task | Network) -> dict[str, Any]:
    return {each.name: each.default for each in fields(settings) if each.default is not MISSING}


def _are_agents(weights: str) -> bool:
    """Tell whether weights bring their task along."""
    return weights.endswith(SUFFIX) or weights in list_agents()


def _data(data: str | Mapping[str, str]) -> list[str]:
    if not data:
        return []
    if isinstance(data, str):
        return [f"data.test.image={data}"]
    return [f"data.test.{name}={folder}" for name, folder in data.items()]


def _chosen(
    case: Case, measured: Sequence[str], wanted: Sequence[str], task: Task
) -> Sequence[str]:
    """Choose the scores that are shown: of those that are wanted, the ones that a row has."""
    known = declare(task.declared_scores)
    for name in wanted:
        if name not in measured and strip_source(name) not in known:
            there = ", ".join(measured) or "none"
            raise ConfigError(f"{case.name}: no score '{name}'; there are {there}.")
    return [name for name in wanted if name in measured] if wanted else measured


def _row(case: Case, task: str, scores: Mapping[str, float | None]) -> Row:
    return {"name": case.name, "task": task, **case.columns, **scores}


def _told_row(row: Row, declared: Mapping[str, Score]) -> str:
    """Phrase one row in a line."""
    return "  ".join(
        f"{name} {value if isinstance(value, str) else find_score(declared, name).with_unit(value)}"
        for name, value in row.items()
    )


def _table(cases: Sequence[Case], rows: Sequence[Row], declared: Mapping[str, Score]) -> Table:
    """Put rows into one table: what tells them apart stands before their scores."""
    keys = tuple(
        dict.fromkeys(["name", "task", *(name for case in cases for name in case.columns)])
    )
    filled = [{**{key: row.get(key, "") for key in keys}, **row} for row in rows]
    return Table(keys, filled, declared)


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
