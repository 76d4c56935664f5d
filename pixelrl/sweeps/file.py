"""W&B's sweep files, read so that the same file can be driven here or by a server."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pixelrl.config.recipes import SHIPPED, read_yaml
from pixelrl.errors import ConfigError, nearest
from pixelrl.sweeps.search import Hyperband, Settings
from pixelrl.sweeps.space import Parameter, listed, parameter

METHODS = ("random", "grid", "bayes")
KEYS = (
    "program", "command", "method", "metric", "parameters", "early_terminate", "run_cap",
    "name", "description", "project", "entity", "apiVersion", "kind",
)  # fmt: skip
"""The keys of a sweep file that mean something here."""

ARGUMENTS = ("${args}", "${args_no_hyphens}", "${args_json_file}")
"""The placeholders for a trial's settings that pixelrl's command line reads."""


@dataclass(frozen=True)
class Sweep:
    """Hold what a sweep file says.

    Attributes:
        file: where it was read from.
        method: ``random``, ``grid`` or ``bayes``.
        metric: the name of the number that trials are compared by, as runs log it.
        maximize: whether more of it is better.
        space: the parameters.
        command: the words that start a trial, with placeholders.
        program: what ``${program}`` stands for.
        early: when trials are given up, if at all.
        cap: the most trials there may be; 0 for no limit.
        target: a value of the metric that ends the sweep once reached.
        raw: the file's content, as a server wants it.
    """

    file: Path
    method: str
    metric: str
    maximize: bool
    space: tuple[Parameter, ...]
    command: tuple[str, ...]
    program: str
    early: Hyperband | None
    cap: int
    target: float | None
    raw: Mapping[str, Any]


def find_sweep(name: str) -> Path:
    """Find a sweep file: one as it is named, or a shipped one such as ``denoising``.

    Raises:
        ConfigError: there is none.
    """
    if Path(name).is_file():
        return Path(name)
    shipped = {file.stem: file for root in SHIPPED for file in sorted(root.glob("sweeps/*.yaml"))}
    if name in shipped:
        return shipped[name]
    raise ConfigError(
        f"no sweep '{name}': neither a file nor a shipped sweep.{nearest(name, shipped)}"
        f" Shipped: {', '.join(shipped) or 'none'}."
    )


def read_sweep(file: Path) -> Sweep:
    """Read a sweep file.

    Raises:
        ConfigError: it is not one, or asks for what cannot be driven; one line says what.
    """
    raw = _load(file)
    try:
        return _sweep(file, raw)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error


def words(sweep: Sweep, settings: Settings, interpreter: str, settings_file: Path) -> list[str]:
    """Fill in the command of one trial as W&B's agent does.

    Args:
        sweep: whose command.
        settings: the trial's.
        interpreter: what ``${interpreter}`` stands for.
        settings_file: where the settings are written if the command asks for a file.

    Returns:
        The words of the command.
    """
    flags = [f"{name}={value}" for name, value in settings.items()]
    filled = {
        "${env}": ["/usr/bin/env"] if os.name == "posix" else [],
        "${interpreter}": [interpreter],
        "${program}": [sweep.program],
        "${args}": [f"--{flag}" for flag in flags],
        "${args_no_hyphens}": flags,
        "${args_json_file}": [str(settings_file)],
    }
    if "${args_json_file}" in sweep.command:
        settings_file.write_text(json.dumps(settings), "utf-8")
    found: list[str] = []
    for word in sweep.command:
        found += filled[word] if word in filled else [_with_variables(word)]
    return found


def _with_variables(word: str) -> str:
    """Put environment variables in the places of ``${envvar:NAME}``."""
    return re.sub(r"\$\{envvar:([A-Z0-9_]*)\}", lambda m: os.environ.get(m[1], m[1]), word)


def _load(file: Path) -> dict[str, Any]:
    raw = read_yaml(file, "a sweep file")
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}: expected a mapping with method, metric and parameters.")
    return raw


def _sweep(file: Path, raw: Mapping[str, Any]) -> Sweep:
    for key in raw:
        if key not in KEYS:
            raise ConfigError(f"unknown key '{key}'.{nearest(str(key), KEYS)}")
    method = raw.get("method")
    if method not in METHODS:
        raise ConfigError(f"method: expected {', '.join(METHODS)}; got {method!r}.")
    described = raw.get("parameters")
    if not isinstance(described, Mapping) or not described:
        raise ConfigError("parameters: expected a mapping such as {learning.rate: {…}}.")
    space = tuple(parameter(str(name), value) for name, value in described.items())
    if method == "grid":
        for one in space:
            listed(one)
    metric = _metric(raw.get("metric"))
    return Sweep(
        file=file,
        method=method,
        metric=metric["name"],
        maximize=metric.get("goal") == "maximize",
        space=space,
        command=_command(raw),
        program=str(raw.get("program", "")),
        early=_early(raw["early_terminate"]) if "early_terminate" in raw else None,
        cap=int(raw.get("run_cap", 0)),
        target=metric.get("target"),
        raw=raw,
    )


def _metric(described: object) -> Mapping[str, Any]:
    if not isinstance(described, Mapping) or not isinstance(described.get("name"), str):
        raise ConfigError("metric: expected {name: val/psnr, goal: maximize}.")
    goal = described.get("goal", "minimize")
    if goal not in {"minimize", "maximize"}:
        raise ConfigError(f"metric: goal: expected minimize or maximize, got {goal!r}.")
    return described


def _command(raw: Mapping[str, Any]) -> tuple[str, ...]:
    command = raw.get("command") or ["${env}", "${interpreter}", "${program}", "${args}"]
    if not isinstance(command, list):
        raise ConfigError("command: expected a list of words.")
    found = tuple(map(str, command))
    for word in found:
        if word.startswith("${args") and word not in ARGUMENTS:
            raise ConfigError(
                f"command: pixelrl does not read {word} (it loses or splits settings);"
                f" use {ARGUMENTS[0]}."
            )
    if not set(ARGUMENTS) & set(found):
        raise ConfigError(f"command: {ARGUMENTS[0]} is missing, so no trial would differ.")
    if "${program}" in found and "program" not in raw:
        raise ConfigError("command: it uses ${program}, and no program is named.")
    return found


def _early(described: object) -> Hyperband:
    """Read ``early_terminate``: bands upwards from min_iter, or downwards from max_iter."""
    if not isinstance(described, Mapping) or described.get("type") != "hyperband":
        raise ConfigError("early_terminate: expected {type: hyperband, min_iter: 3}.")
    eta = described.get("eta", 3)
    if not isinstance(eta, int | float) or eta <= 1:
        raise ConfigError(f"early_terminate: eta: expected more than 1, got {eta!r}.")
    numbers = {key: described.get(key) for key in ("min_iter", "max_iter", "s")}
    for key, value in numbers.items():
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ConfigError(f"early_terminate: {key}: expected a whole number above zero.")
    if numbers["max_iter"] and numbers["s"]:
        bands = _downwards(numbers["max_iter"], eta, numbers["s"])
    elif numbers["min_iter"]:
        bands = [int(numbers["min_iter"] * eta**power) for power in range(32)]
    else:
        raise ConfigError("early_terminate: expected min_iter, or max_iter with s.")
    return Hyperband(tuple(sorted(set(bands))), float(eta))


def _downwards(most: int, eta: float, count: int) -> Sequence[int]:
    bands = [int(most / eta**power) for power in range(1, count + 1)]
    return [band for band in bands if band >= 1]
