"""``pixelrl tasks``."""

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from pixelrl.cli.verbs.common import recipe_option, trust_given
from pixelrl.config.recipes import find_recipes
from pixelrl.discovery import TASKS, list_installed, name_owner, read_summary
from pixelrl.errors import ConfigError

if TYPE_CHECKING:
    from pixelrl.config.compose import Experiment
    from pixelrl.task import Task

WIDEST = 100
"""Columns that text is wrapped to at most, however wide the terminal is."""


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="explain this task's settings")
    parser.add_argument("--all", action="store_true",
                        help="explain the settings that all tasks share, too")  # fmt: skip
    recipe_option(parser)


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """List the installed tasks, or explain one task's settings and show the recipe it learns by.

    Raises:
        ConfigError: a setting or an option is given and no task is, or a recipe or setting is
            wrong.
        PluginError: the task that is named cannot be loaded.
    """
    if arguments.name is None:
        if overrides or arguments.all or arguments.config:
            raise ConfigError("no task is named; pass its name: pixelrl tasks NAME.")
        points = list_installed(TASKS)
        width = max((len(point.name) for point in points), default=0)
        for point in points:
            print(f"{point.name:<{width}}  {read_summary(point)}  [{name_owner(point)}]")
        return
    from pixelrl.config.compose import compose

    arguments.task = arguments.name  # named by a person, so it may be code of theirs
    files = find_recipes(arguments.name, arguments.config)
    experiment = compose(arguments.name, files, overrides, trust=trust_given(arguments, overrides))
    for line in _explain(experiment, files, everything=arguments.all):
        print(line)


def _explain(experiment: "Experiment", files: list[Path], *, everything: bool) -> Iterator[str]:
    """Explain a task line by line: what it is, its settings, the recipe that ``fit`` would use."""
    from pixelrl.config.describing import read_about
    from pixelrl.settings import SECTIONS

    about = read_about(type(experiment.task))
    for number, paragraph in enumerate(about):
        yield from _wrap(f"{experiment.name}: {paragraph}" if number == 0 else paragraph)
        yield ""
    yield from _tell_contract(experiment.task)
    for section in ("task", *(SECTIONS if everything else ())):
        yield ""
        yield from _explain_section(section, getattr(experiment, section))
    for file in files:
        yield ""
        yield f"recipe of `pixelrl fit --task {experiment.name}`: {file}"
        yield from (f"    {line}" for line in file.read_text("utf-8").splitlines())
    if not everything:
        yield ""
        yield f"{', '.join(SECTIONS)}: `pixelrl tasks {experiment.name} --all` explains them."


def _tell_contract(task: "Task") -> Iterator[str]:
    """Tell what the task reads, chooses from and promises."""
    reach = "not stated" if task.reach is None else f"{task.reach} pixels"
    yield from _wrap(f"edits: {', '.join(task.actions)}")
    yield f"maps: learns from {', '.join(task.learns_from)}; works on {', '.join(task.works_on)}"
    yield f"reward: {'of each edit alone' if task.local_reward else 'of all edits together'}"
    yield f"reach: {reach}"


def _explain_section(section: str, settings: object) -> Iterator[str]:
    """Explain each setting: its value in this recipe, type, range and default, and what it is."""
    from pixelrl.config.describing import describe_settings, tell_value

    for each in describe_settings(section, type(settings)):
        value = tell_value(getattr(settings, each.key.partition(".")[2]))
        kind = f"{each.type}: {each.allowed}" if each.allowed else each.type
        other = "" if value == each.default else f"; default {each.default or 'empty'}"
        yield f"{each.key}={value}  ({kind}{other})"
        yield from _wrap(each.about, "    ")


def _wrap(text: str, indent: str = "") -> list[str]:
    width = min(WIDEST, shutil.get_terminal_size().columns)
    return wrap(text, max(20, width), initial_indent=indent, subsequent_indent=indent)
