"""Learn a supervised start."""

from dataclasses import replace
from pathlib import Path

from pixelrl.config.compose import Experiment
from pixelrl.errors import ConfigError
from pixelrl.experiments.lost import tell_lost
from pixelrl.experiments.trainer import (
    check_finished,
    check_start,
    make_checkpointing,
    make_data,
    make_directory,
    make_trainer,
)
from pixelrl.rl.network import PolicyValueNet
from pixelrl.runs import directory as runs
from pixelrl.training.base import BaseModule
from pixelrl.training.checkpoint import build
from pixelrl.training.compiling import compile_parts
from pixelrl.training.keeping import save_last
from pixelrl.training.loggers import finish_after
from pixelrl.training.pretraining import Regression


def pretrain(experiment: Experiment) -> Path:
    """Learn a start, for `network.init`: agents that aim their goal, others a supervised start.

    Args:
        experiment: what to do; ``learning.episodes`` counts batches, ``learning.goal_episodes``
            those of agents that aim.

    Returns:
        The checkpoint of the best validation.

    Raises:
        PixelRLError: of whatever kind, with one line that says what to do.
    """
    aims = experiment.network.kind == "goal"
    experiment = goal_phase_alone(experiment) if aims else regression_alone(experiment)
    check_start(experiment)
    built = build(experiment)
    built.compiled = compile_parts(experiment.run, built)
    module: BaseModule = built
    if isinstance(built.policy, PolicyValueNet):
        module = Regression(
            experiment.task, built.policy, experiment.learning, experiment.run.accumulate
        )
    data = make_data(experiment)
    data.check()
    directory = make_directory(experiment)
    trainer = make_trainer(
        experiment, directory, make_checkpointing(experiment, directory, supervised=not aims)
    )
    with finish_after(trainer.loggers), tell_lost(trainer):
        trainer.fit(module, datamodule=data)
        check_finished(trainer, experiment, f"{directory} holds what was learned; begin again")
        save_last(trainer, directory)
    return directory / runs.BEST


def regression_alone(experiment: Experiment) -> Experiment:
    """Leave imitation out of an experiment; its batches are those of the regression."""
    return replace(experiment, learning=replace(experiment.learning, imitation_episodes=0))


def goal_phase_alone(experiment: Experiment) -> Experiment:
    """Leave reinforcement out of an experiment.

    Raises:
        ConfigError: nothing is left.
    """
    if not experiment.learning.goal_episodes:
        raise ConfigError(
            "pretrain: learning.goal_episodes is 0, so that there is no goal to learn."
        )
    return replace(experiment, learning=replace(experiment.learning, episodes=0))
