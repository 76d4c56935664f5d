"""Learn by reinforcement, and score what was learned."""

from pathlib import Path
from typing import NamedTuple

import lightning.pytorch as pl

from pixelrl.config.compose import Experiment
from pixelrl.data.module import ImageData
from pixelrl.discovery import Trust
from pixelrl.experiments.evaluate import run_scoring
from pixelrl.experiments.lost import tell_lost
from pixelrl.experiments.trainer import (
    check_finished,
    check_start,
    make_checkpointing,
    make_data,
    make_directory,
    make_trainer,
)
from pixelrl.experiments.verdict import Verdict, judge
from pixelrl.runs import directory as runs
from pixelrl.runs.metrics import write_table
from pixelrl.runs.resume import run_of
from pixelrl.runs.tables import Table, mean_values, means
from pixelrl.training.callbacks import ShowEpisodes
from pixelrl.training.checkpoint import build, read_episode, restore
from pixelrl.training.compiling import compile_parts
from pixelrl.training.histograms import ShareHistograms
from pixelrl.training.keeping import save_last
from pixelrl.training.loggers import finish_after, log_best, log_scores, quiet
from pixelrl.training.module import PixelA3C
from pixelrl.training.precision import learn_in


class Fitted(NamedTuple):
    """Hold what a fit leaves.

    Attributes:
        directory: of the run.
        module: with the weights of the best validation.
        scores: on the test images, a row each; none in all processes but the first.
        verdict: how they compare with no edit and the best fixed sequence; None on other processes
            than the first.
    """

    directory: Path
    module: PixelA3C
    scores: Table
    verdict: Verdict | None = None


def fit(experiment: Experiment, resume: Path | None = None) -> Fitted:
    """Learn, and score what was learned on the test images.

    Args:
        experiment: what to do.
        resume: a checkpoint to go on from, in its own run's directory.

    Returns:
        What the run leaves.

    Raises:
        PixelRLError: of whatever kind, with one line that says what to do.
    """
    check_start(experiment)
    module = build(experiment)
    module.compiled = compile_parts(experiment.run, module)
    data = make_data(experiment)
    data.check()
    directory = runs.enter(run_of(resume)) if resume else make_directory(experiment)
    try:
        return _learn(module, data, experiment, directory, resume)
    finally:
        runs.leave(directory)


def _learn(
    module: PixelA3C,
    data: ImageData,
    experiment: Experiment,
    directory: Path,
    resume: Path | None,
) -> Fitted:
    """Learn in a run's directory, and score there."""
    shows = [ShowEpisodes(directory / "filmstrips"), ShareHistograms()]
    trainer = make_trainer(
        experiment,
        directory,
        [*shows, *make_checkpointing(experiment, directory)],
        start=read_episode(resume) if resume else 0,
    )
    with finish_after(trainer.loggers):
        with tell_lost(trainer):
            if experiment.network.init and resume is None:
                # The start counts: what was learned before is kept if nothing better is found.
                trainer.validate(module, datamodule=data, verbose=False)
            trainer.fit(module, datamodule=data, ckpt_path=resume)
            check_finished(trainer, experiment, f"go on with --resume {directory}")
            save_last(trainer, directory)
        best = directory / runs.BEST
        if best.is_file():
            module = restore(best, trust=Trust(everything=True)).module  # this run wrote it
        if not trainer.is_global_zero:
            return Fitted(directory, module, Table(("image",)))
        scored = run_scoring(module, experiment, directory)
        _log_outcome(trainer, experiment, directory, scored.table)
    return Fitted(directory, module, scored.table, judge(experiment, scored.table, scored.shares))


def rehearse(experiment: Experiment) -> None:
    """Go through one episode and one validation image, and leave nothing.

    Raises:
        PixelRLError: as `fit` does.
    """
    check_start(experiment)
    module, data = build(experiment), make_data(experiment)
    data.check()
    quiet()
    precision, kept = learn_in(experiment.run)
    trainer = pl.Trainer(
        fast_dev_run=1,
        logger=False,
        accelerator=experiment.run.accelerator,
        precision=precision,
        plugins=[*kept],
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(module, datamodule=data)


def _log_outcome(
    trainer: pl.Trainer, experiment: Experiment, directory: Path, scores: Table
) -> None:
    """Draw the learning curves, and hand the loggers what a finished run has to say."""
    from pixelrl.runs.curves import draw_learning_curves  # noqa: PLC0415 - matplotlib, only here

    write_table(directory)
    title = f"{experiment.name}, seed {experiment.run.seed}"
    draw_learning_curves(directory, title, scores.declared, experiment.run.figures)
    log_scores(trainer.loggers, scores, experiment.learning.batches)
    best = directory / runs.BEST
    if experiment.run.log_model and best.is_file():
        log_best(trainer.loggers, best, {"task": experiment.name, **mean_values(means(scores))})
