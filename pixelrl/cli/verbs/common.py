"""What several verbs share: from options to an experiment or to a policy."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pixelrl.cli import allocator
from pixelrl.config.recipes import find_recipes
from pixelrl.discovery import Trust
from pixelrl.errors import ConfigError
from pixelrl.settings import SECTIONS

if TYPE_CHECKING:
    from pixelrl.config.compose import Experiment
    from pixelrl.training.module import PixelA3C


def policy_options(parser: argparse.ArgumentParser) -> None:
    """State how a policy is named and where results go."""
    parser.add_argument("--checkpoint", metavar="CKPT|RUN", help="what fit has left")
    parser.add_argument("--weights", metavar="NAME|FILE",
                        help="trained agents (`pixelrl weights` lists them)")  # fmt: skip
    parser.add_argument("--task", help="of the trained agents that are named like it; or, with"
                        " network.init=FILE, of published weights")  # fmt: skip
    recipe_option(parser)
    parser.add_argument("--out", default="results", metavar="DIR", help="default: results")


def recipe_option(parser: argparse.ArgumentParser) -> None:
    """State how recipes are named."""
    parser.add_argument("--config", action="append", default=[], metavar="FILE|NAME",
                        help="a recipe; may be given several times, later ones win")  # fmt: skip
    trust_option(parser)


def trust_option(parser: argparse.ArgumentParser) -> None:
    """State how files are trusted."""
    parser.add_argument("--trust", action="store_true",
                        help="run code that a file names and no plugin offers; it runs with all"
                        " your rights, so trust who made the file")  # fmt: skip


def trust_given(arguments: argparse.Namespace, overrides: Sequence[str] = ()) -> Trust:
    """Tell which code a person trusts: what the command line names, or all by ``--trust``."""
    named = [*overrides, getattr(arguments, "task", None) or ""]
    return Trust.named_in(named, everything=getattr(arguments, "trust", False))


def split_settings(words: list[str]) -> tuple[list[str], list[str]]:
    """Tell files from settings among the words that argparse takes for files."""
    sections = {"task", *SECTIONS}
    settings = [word for word in words if "=" in word and word.partition(".")[0] in sections]
    return [word for word in words if word not in settings], settings


def compose_experiment(
    arguments: argparse.Namespace, overrides: list[str], *, told: bool = True
) -> "Experiment":
    """Compose the experiment of a task, from its own recipes unless they are unwanted.

    Raises:
        ConfigError: no task is named, or a recipe or setting is wrong.
        PluginError: the task cannot be loaded.
    """
    name: str | None = arguments.task
    if not name:
        raise ConfigError("no task is named; pass --task NAME (`pixelrl tasks` lists them).")
    allocator.keep_memory()
    from pixelrl.config.compose import compose

    files = find_recipes(name, arguments.config) if told else []
    for file in files:
        print(f"recipe: {file}", file=sys.stderr)
    return compose(name, files, overrides, trust=trust_given(arguments, overrides))


def restore_policy(
    arguments: argparse.Namespace, overrides: list[str]
) -> "tuple[PixelA3C, Experiment]":
    """Rebuild a policy from a checkpoint, or from published weights.

    Raises:
        CheckpointError: the checkpoint or weight file is missing, damaged, or of another task.
        ConfigError: no policy is named, or a recipe or setting is wrong.
        PluginError: the task cannot be loaded.
    """
    allocator.keep_memory()
    started = any(override.lstrip("-").startswith("network.init=") for override in overrides)
    path = _named(arguments, started=started)
    if path:
        from pixelrl.training.checkpoint import check_task_name, restore

        found = restore(path, overrides, trust=trust_given(arguments, overrides))
        check_task_name(found.experiment, arguments.task, path)
        return found.module, found.experiment
    if not started:
        raise ConfigError(
            "no policy is named; pass --weights NAME, such as denoising (`pixelrl weights` lists"
            " trained agents), --checkpoint RUN, or --task NAME network.init=FILE."
        )
    from pixelrl.training.checkpoint import build

    experiment = compose_experiment(arguments, overrides, told=bool(arguments.config))
    return build(experiment), experiment


def _named(arguments: argparse.Namespace, *, started: bool) -> Path | None:
    """Find the file of the policy that the options name; agents may be called after their task."""
    from pixelrl.agents import find_weights, list_agents

    if arguments.weights:
        if arguments.checkpoint:
            raise ConfigError("--weights and --checkpoint name two policies; pass one.")
        return find_weights(arguments.weights)
    if arguments.checkpoint:
        from pixelrl.runs.directory import checkpoint_in

        return checkpoint_in(Path(arguments.checkpoint))
    if not started and not arguments.config and arguments.task in list_agents():
        print(f"weights: {arguments.task}", file=sys.stderr)
        return find_weights(arguments.task)
    return None
