"""Studios that serve small policies."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from desks import serving_desk
from photos import write_photos
from pixelrl.agents import find_weights
from pixelrl.cli.main import main
from pixelrl.studio.server import Studio


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "my photos", count=1) / "photo0.png"


@pytest.fixture
def studio(checkpoint: Path, tmp_path: Path, photo: Path) -> Iterator[Studio]:
    """Serve a policy of denoising with a picture of 56x48 pixels open."""
    with serving_desk(checkpoint, photo, tmp_path / "kept") as server:
        yield server


@pytest.fixture(scope="module")
def marking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let a policy that works on a region as well learn for seconds."""
    folder = tmp_path_factory.mktemp("marking")
    small = ["task.side=32", "task.length=2", "network.width=8", "data.crop=64", "data.batch=2"]
    few = ["learning.episodes=1", "data.limit=1", "data.val_repeat=1", "data.val_crop=64"]
    options = [*small, *few, f"run.root={folder}", "run.name=one", "run.accelerator=cpu"]
    assert main(["fit", "--task", "saliency_editing", *options]) == 0
    return folder / "one" / "checkpoints" / "last.ckpt"


@pytest.fixture
def marked(marking: Path, tmp_path: Path, photo: Path) -> Iterator[Studio]:
    """Serve that policy with a picture of 56x48 pixels open."""
    with serving_desk(marking, photo, tmp_path / "kept") as server:
        yield server


@pytest.fixture
def aiming(tmp_path: Path, photo: Path) -> Iterator[Studio]:
    """Serve the agents in the box that take off text, with the same picture open."""
    with serving_desk(find_weights("inpainting-gray"), photo, tmp_path / "kept") as server:
        yield server
