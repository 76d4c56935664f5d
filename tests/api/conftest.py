"""Agents of seconds' training: with a goal, and as published."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pixelrl
from photos import tiny
from pixelrl.config.compose import compose
from pixelrl.experiments.fit import fit
from pixelrl.experiments.packing import Words, pack
from pixelrl.images.folders import list_bundled


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train goal agents for seconds and pack them; give the weight file."""
    folder = tmp_path_factory.mktemp("packed")
    goal = ("network.kind=goal", "network.widths=[8,8]", "learning.estimator=expected")
    phases = ("learning.goal_episodes=6", "run.validate_every=6", "run.name=run")
    fitted = fit(compose("denoising", overrides=tiny(folder, *goal, *phases)))
    weights = folder / "agents" / "denoising.safetensors"
    pack(fitted.directory, weights, Words("tidy", "photographs", "few"), {})
    return weights


@pytest.fixture
def agent(packed: Path) -> pixelrl.Agent:
    return pixelrl.load(packed, device="cpu")


@pytest.fixture(scope="session")
def colored() -> np.ndarray:
    """A photograph in color, ``(H,W,3)`` uint8."""
    return np.asarray(Image.open(list_bundled("test")[0]).resize((60, 44))).copy()


@pytest.fixture
def photo(colored: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(colored).save(path)
    return path
