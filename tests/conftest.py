"""Seeds, one thread, devices, and the published files."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

torch.set_num_threads(1)

settings.register_profile(
    "derandomize",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "derandomize"))

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator here"),
        ],
    ),
]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session", params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def shared() -> Path:
    """Find the published weights, golden vectors and data sets, which are never committed."""
    named = os.environ.get("PIXELRL_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "reference").is_dir():
        pytest.skip(f"no published files in {folder}; set PIXELRL_SHARED to their folder")
    return folder


@pytest.fixture(scope="session")
def weights(shared: Path) -> Path:
    return shared / "reference" / "weights"


@pytest.fixture(scope="session")
def golden_files(shared: Path) -> Path:
    return shared / "reference" / "golden"


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a policy of denoising for seconds, and hand on its checkpoint."""
    from photos import tiny
    from pixelrl.config.compose import compose
    from pixelrl.experiments.fit import fit

    folder = tmp_path_factory.mktemp("trained")
    fitted = fit(compose("denoising", overrides=tiny(folder, "run.name=one")))
    return fitted.directory / "checkpoints" / "last.ckpt"
