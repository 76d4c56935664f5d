"""``pixelrl fit``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pixelrl.cli.verbs.common import compose_experiment, recipe_option, trust_given
from pixelrl.errors import ConfigError
from pixelrl.runs.layout import lay_out, lay_out_scores

if TYPE_CHECKING:
    from pixelrl.config.compose import Experiment


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("--task", help="its name, or module:Class for code not packaged yet")
    recipe_option(parser)
    parser.add_argument("--resume", metavar="auto|last|RUN|CKPT",
                        help="go on with a run; auto: begin it if need be")  # fmt: skip
    parser.add_argument("--print-config", action="store_true", help="print the settings and stop")
    parser.add_argument("--seeds", type=int, metavar="N",
                        help="fit with N seeds from run.seed on; tell mean and spread")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="try one episode, leave nothing")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Learn a task.

    Raises:
        PixelRLError: settings, files or a checkpoint are wrong; before anything is learned.
    """
    from pixelrl.config.compose import as_yaml
    from pixelrl.experiments.fit import fit, rehearse
    from pixelrl.runs.resume import find_resumed
    from pixelrl.training.checkpoint import check_task_name, resume

    found = None
    if arguments.resume:
        found = find_resumed(
            arguments.resume,
            Path(_given(overrides, "run.root") or "runs"),
            _given(overrides, "run.name"),
            arguments.task,
        )
    if found is not None:
        found, experiment = resume(found, overrides, trust=trust_given(arguments, overrides))
        check_task_name(experiment, arguments.task, found)
        print(f"resuming {found}")
    else:
        experiment = compose_experiment(arguments, overrides)
    if arguments.print_config:
        print(as_yaml(experiment), end="")
        return
    if arguments.dry_run:
        rehearse(experiment)
        print("dry run: one episode and one validation went through; nothing was written.")
        return
    if arguments.seeds is not None:
        _fit_seeds(experiment, arguments.seeds, found)
        return
    fitted = fit(experiment, found)
    if fitted.scores.rows:
        print(lay_out_scores(fitted.scores))
        if fitted.verdict:
            print(f"\n{fitted.verdict.told()}")
        print(f"left in {fitted.directory}: checkpoints/, scores.csv, images/, logs/")
        print(f"look at it: python -m pixelrl report {fitted.directory}")


def _given(overrides: list[str], key: str) -> str:
    """Find what a setting was given on the command line; the last one counts."""
    words = (override.lstrip("-").partition("=") for override in overrides)
    return next((text for name, _, text in reversed(list(words)) if name == key), "")


def _fit_seeds(experiment: "Experiment", count: int, resume: Path | None) -> None:
    """Fit with several seeds and print what they reached."""
    from pixelrl.experiments.seeds import fit_seeds

    if resume:
        raise ConfigError("--seeds begins new runs; resume a run of it by its own name.")
    fitted = fit_seeds(experiment, count)
    print("\n".join([lay_out(fitted.scores), *fitted.notes]))
    print(f"left in {experiment.run.root}: {fitted.file.name}, and a run per seed")
