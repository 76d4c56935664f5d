"""W&B's sweep files, read so that the same file can be driven here or by a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pixelrl.config.recipes import SHIPPED, read_yaml
from pixelrl.errors import ConfigError, nearest
from pixelrl.sweeps.command import read_command
from pixelrl.sweeps.goal import fill_goal
from pixelrl.sweeps.parameters import flatten, parameter
from pixelrl.sweeps.space import Parameter, list_values

METHODS = ("random", "grid", "bayes")
KEYS = (
    "program", "command", "method", "metric", "parameters", "early_terminate", "run_cap", "count",
    "controller", "name", "description", "project", "entity", "apiVersion", "kind",
)  # fmt: skip
"""The keys of a sweep file that mean something here."""
SERVER = ("job", "image_uri", "scheduler", "metrics")
"""Keys of W&B's schema that only its server can follow."""


@dataclass(frozen=True)
class Hyperband:
    """Describe when a trial is given up, as ``early_terminate`` does.

    Attributes:
        least: how many validations a trial has at least before it can be given up.
        most: how many a whole trial has; None if that is to be seen from the first.
        eta: of the trials that came as far, the best ``1 / eta`` go on.
        strict: whether the value at that place counts, and not the best up to it.
    """

    least: int
    most: int | None
    eta: int
    strict: bool


@dataclass(frozen=True)
class Sweep:
    """Hold what a sweep file says.

    Attributes:
        file: where it was read from.
        method: ``random``, ``grid`` or ``bayes``.
        metric: the name of the number that trials are compared by, as runs log it; empty if there
            is none.
        maximize: whether more of it is better.
        space: the parameters.
        paths: where each parameter stands among the nested, by its dotted name.
        command: the words that start a trial, with macros.
        program: what ``${program}`` stands for.
        early: when trials are given up, if at all.
        cap: the most trials there may be; 0 for no limit.
        count: how many there shall be unless the command line says otherwise; 0 if it is not said.
        target: a value of the metric that ends the sweep once reached.
        local: whether the file says that no server chooses the trials.
        raw: the file's content.
    """

    file: Path
    method: str
    metric: str
    maximize: bool
    space: tuple[Parameter, ...]
    paths: Mapping[str, tuple[str, ...]]
    command: tuple[str, ...]
    program: str
    early: Hyperband | None
    cap: int
    count: int
    target: float | None
    local: bool
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
    raw = read_yaml(file, "a sweep file")
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}: expected a mapping with method, metric and parameters.")
    try:
        return _read(file, fill_goal(raw))
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error


def _read(file: Path, raw: Mapping[str, Any]) -> Sweep:
    for key in raw:
        if key in SERVER:
            raise ConfigError(f"{key}: only W&B's server can follow it; start it by wandb sweep.")
        if key not in KEYS:
            raise ConfigError(f"unknown key '{key}'.{nearest(str(key), KEYS)}")
    method = raw.get("method")
    if method not in METHODS:
        raise ConfigError(f"method: expected {', '.join(METHODS)}; got {method!r}.")
    space, paths = _space(raw.get("parameters"), method)
    metric = _metric(raw, method)
    return Sweep(
        file=file,
        method=method,
        metric=metric.get("name", ""),
        maximize=metric.get("goal") == "maximize",
        space=space,
        paths=paths,
        command=read_command(raw, space),
        program=str(raw.get("program", "")),
        early=_early(raw["early_terminate"]) if "early_terminate" in raw else None,
        cap=_whole(raw, "run_cap"),
        count=_whole(raw, "count"),
        target=metric.get("target"),
        local=_is_local(raw.get("controller", "cloud")),
        raw=raw,
    )


def _space(
    described: object, method: str
) -> tuple[tuple[Parameter, ...], dict[str, tuple[str, ...]]]:
    if not isinstance(described, Mapping) or not described:
        raise ConfigError("parameters: expected a mapping such as {learning.rate: {…}}.")
    space: list[Parameter] = []
    paths: dict[str, tuple[str, ...]] = {}
    for path, value in flatten(described):
        name = ".".join(path)
        if name in paths:
            raise ConfigError(f"parameters.{name}: stands there twice, flat and nested.")
        space.append(parameter(name, value))
        paths[name] = path
        if method == "grid":
            list_values(space[-1])
    return tuple(space), paths


def _metric(raw: Mapping[str, Any], method: str) -> Mapping[str, Any]:
    """Read ``metric``; grid and random do without, unless trials are to be given up by it."""
    described = raw.get("metric")
    if described is None and method != "bayes" and "early_terminate" not in raw:
        return {}
    if not isinstance(described, Mapping) or not isinstance(described.get("name"), str):
        raise ConfigError("metric: expected {name: val/psnr, goal: maximize}.")
    goal = described.get("goal", "minimize")
    if goal not in {"minimize", "maximize"}:
        raise ConfigError(f"metric: goal: expected minimize or maximize, got {goal!r}.")
    target = described.get("target")
    if isinstance(target, bool) or not isinstance(target, int | float | None):
        raise ConfigError(f"metric: target: expected a number, got {target!r}.")
    if described.get("impute", "worst") != "worst":
        raise ConfigError("metric: impute: a trial that fails counts as the worst here.")
    return described


def _early(described: object) -> Hyperband:
    """Read ``early_terminate``: brackets upwards from min_iter, or downwards from max_iter."""
    if not isinstance(described, Mapping) or described.get("type") != "hyperband":
        raise ConfigError("early_terminate: expected {type: hyperband, min_iter: 3}.")
    eta = described.get("eta", 3)
    if isinstance(eta, bool) or not isinstance(eta, int | float) or eta != int(eta) or eta < 2:
        raise ConfigError(
            f"early_terminate: eta: expected a whole number of 2 or more, got {eta!r}."
        )
    least, most, s = (_whole(described, key, "early_terminate: ") for key in _BRACKETS)
    strict = bool(described.get("strict", True))
    if most and s:
        return Hyperband(max(1, most // int(eta) ** s), most, int(eta), strict)
    if least:
        return Hyperband(least, most or None, int(eta), strict)
    raise ConfigError("early_terminate: expected min_iter, or max_iter with s.")


_BRACKETS: Sequence[str] = ("min_iter", "max_iter", "s")


def _whole(described: Mapping[str, Any], key: str, where: str = "") -> int:
    """Read a whole number above zero; 0 if it is left out."""
    value = described.get(key)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{where}{key}: expected a whole number above zero, got {value!r}.")
    return value


def _is_local(described: object) -> bool:
    """Read ``controller``: ``{type: local}`` or its short form."""
    kind = described.get("type") if isinstance(described, Mapping) else described
    if kind not in {"local", "cloud"}:
        raise ConfigError(f"controller: expected {{type: local}} or {{type: cloud}}, got {kind!r}.")
    return kind == "local"
