"""Seeds, one thread, an environment of nobody's, devices, and the published files."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

from skips import NO_GPU, summarize, without

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

FOREIGN = ("WANDB_", "PIXELRL_", "SLURM_", "LOCAL_RANK", "RANK", "WORLD_SIZE", "COLUMNS", "FORCE_")
"""How variables begin that are nothing to tests."""

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[
            pytest.mark.gpu,
            NO_GPU,
        ],
    ),
]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _unchanged_environment(_neutral_environment: frozenset[str]) -> Iterator[None]:
    """Undo what a run in this process sets, so that no test knows which ones were before it.

    Runs of fixtures that serve several tests set it before their first one; it is hidden as well.
    """
    before = dict(os.environ)
    for name in before.keys() - _neutral_environment:
        if name.startswith(FOREIGN):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print tables unfolded, whatever terminal the tests run in."""
    monkeypatch.setenv("COLUMNS", "1000")


@pytest.fixture(scope="session", autouse=True)
def _neutral_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[frozenset[str]]:
    """Hide what a person or a cluster has set: accounts, proxies, ranks, a terminal's width.

    Returns:
        The names of the variables that are left.
    """
    kept = tmp_path_factory.mktemp("wandb")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(FOREIGN) and name != "PIXELRL_SHARED":
                patch.delenv(name)
        for name in ("CONFIG", "CACHE", "DATA"):
            patch.setenv(f"WANDB_{name}_DIR", str(kept))
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        yield frozenset(os.environ)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line how to run what was skipped."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = [str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped]
    if reasons:
        terminalreporter.write_line(summarize(reasons))


@pytest.fixture(scope="session", params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def shared() -> Path:
    """Find the published weights, golden vectors and data sets, which are never committed."""
    named = os.environ.get("PIXELRL_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "reference").is_dir():
        what = f"published files in {folder}"
        pytest.skip(without(what, "set PIXELRL_SHARED to the folder of the published files"))
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
