"""Agents with a goal, trained for seconds and packed, for tests of what is handed on."""

from pathlib import Path

from photos import tiny
from pixelrl.config.compose import compose
from pixelrl.experiments.fit import fit
from pixelrl.experiments.packing import Words, pack


def pack_tiny(folder: Path, name: str) -> tuple[Path, Path]:
    """Train goal agents for seconds and pack them; give the run and the weights."""
    goal = ("network.kind=goal", "network.widths=[8,8]", "learning.estimator=expected")
    phases = ("learning.goal_episodes=6", "run.validate_every=6", "run.name=run")
    fitted = fit(compose("denoising", overrides=tiny(folder, *goal, *phases)))
    weights = folder / "agents" / f"{name}.safetensors"
    pack(fitted.directory, weights, Words("tidy", "photographs", "few"), {})
    return fitted.directory, weights
