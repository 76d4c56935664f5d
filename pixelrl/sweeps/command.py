"""A trial's command: the words of a sweep file, filled in as W&B's agent does."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pixelrl.errors import ConfigError, nearest
from pixelrl.files import write_whole
from pixelrl.sweeps.space import Choice, Parameter, Settings

DEFAULT = ("${env}", "${interpreter}", "${program}", "${args}")
"""What W&B runs where a file names no command."""
ARGUMENTS = (
    "${args}", "${args_no_hyphens}", "${args_no_equals}", "${args_no_boolean_flags}",
    "${args_json}", "${args_json_file}", "${args_append_hydra}", "${args_override_hydra}",
)  # fmt: skip
"""The macros that hand a trial its settings."""
MACROS = ("${env}", "${interpreter}", "${program}", *ARGUMENTS)


def read_command(raw: Mapping[str, Any], space: Sequence[Parameter]) -> tuple[str, ...]:
    """Read ``command`` of a sweep file.

    Args:
        raw: the file's content.
        space: its parameters.

    Raises:
        ConfigError: no list, an unknown macro, or one that hands no settings or loses some.
    """
    command = raw.get("command") or list(DEFAULT)
    if not isinstance(command, list):
        raise ConfigError("command: expected a list of words.")
    found = tuple(map(str, command))
    for word in found:
        if word.startswith("${") and word not in MACROS and not word.startswith("${envvar:"):
            raise ConfigError(f"command: unknown macro {word}.{nearest(word, MACROS)}")
    if not set(ARGUMENTS) & set(found):
        raise ConfigError(f"command: {ARGUMENTS[0]} is missing, so no trial would differ.")
    if "${program}" in found and "program" not in raw:
        raise ConfigError("command: it uses ${program}, and no program is named.")
    for one in space if "${args_no_boolean_flags}" in found else ():
        if isinstance(one, Choice) and False in [v for v in one.values if isinstance(v, bool)]:
            raise ConfigError(
                f"command: ${{args_no_boolean_flags}} loses {one.name}=false; use ${{args}}."
            )
    return found


def fill_command(
    command: Sequence[str],
    settings: Settings,
    *,
    interpreter: str,
    program: str,
    settings_file: Path,
) -> list[str]:
    """Fill in the command of one trial.

    Args:
        command: the words, with macros.
        settings: the trial's; those that were nested in the file are nested here.
        interpreter: what ``${interpreter}`` stands for.
        program: what ``${program}`` stands for.
        settings_file: where the settings are written if the command asks for a file.

    Returns:
        The words of the command.
    """
    flags = [f"{name}={value}" for name, value in settings.items()]
    filled = {
        "${env}": ["/usr/bin/env"] if os.name == "posix" else [],
        "${interpreter}": [interpreter],
        "${program}": [program],
        "${args}": [f"--{flag}" for flag in flags],
        "${args_no_hyphens}": flags,
        "${args_no_equals}": [
            word for name, value in settings.items() for word in (f"--{name}", str(value))
        ],
        "${args_no_boolean_flags}": [
            f"--{name}" if value is True else f"--{name}={value}"
            for name, value in settings.items()
            if value is not False
        ],
        "${args_json}": [json.dumps(settings)],
        "${args_json_file}": [str(settings_file)],
        "${args_append_hydra}": [f"+{flag}" for flag in flags],
        "${args_override_hydra}": [f"++{flag}" for flag in flags],
    }
    if "${args_json_file}" in command:
        write_whole(settings_file, json.dumps(settings))
    found: list[str] = []
    for word in command:
        found += filled[word] if word in filled else [_with_variables(word)]
    return found


def nest(settings: Settings, paths: Mapping[str, Sequence[str]]) -> Settings:
    """Nest settings as their file does, for W&B hands them over so.

    Args:
        settings: by dotted name.
        paths: where each stands in the file, key by key.

    Examples:
        >>> nest({"learning.rate": 0.1, "run.seed": 3}, {"learning.rate": ["learning", "rate"],
        ...     "run.seed": ["run.seed"]})
        {'learning': {'rate': 0.1}, 'run.seed': 3}
    """
    found: Settings = {}
    for name, value in settings.items():
        *above, last = paths[name]
        inner = found
        for key in above:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return found


def _with_variables(word: str) -> str:
    """Put environment variables in the places of ``${envvar:NAME}``."""
    return re.sub(r"\$\{envvar:([A-Z0-9_]*)\}", lambda m: os.environ.get(m[1], m[1]), word)
