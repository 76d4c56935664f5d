"""Agents of seconds' training: with a goal, and as published."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pixelrl
from packed import pack_tiny
from pixelrl.images.folders import list_bundled


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train goal agents for seconds and pack them; give the weight file."""
    _, weights = pack_tiny(tmp_path_factory.mktemp("packed"), "denoising")
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
