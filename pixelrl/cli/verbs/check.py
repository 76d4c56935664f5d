"""``pixelrl check``."""

import argparse

from pixelrl.cli.verbs.common import compose_experiment


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("--task", required=True)


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Check that a task keeps the promises of the contract.

    Raises:
        ConfigError: the task's settings are wrong.
        ContractError: the task breaks a promise.
        PluginError: the task cannot be loaded.
    """
    arguments.config = []
    experiment = compose_experiment(arguments, overrides, told=False)
    from pixelrl.testing import check_task

    check_task(experiment.task)
    print(f"{arguments.task}: keeps every promise of the task contract.")
