"""Agents as a denoiser of deepinv's, in its own plug-and-play loop."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

import pixelrl
from pixelrl.api.deepinv import AgentDenoiser
from pixelrl.errors import MapError
from skips import need


@pytest.fixture
def noisy() -> Tensor:
    return torch.rand(2, 1, 24, 32, generator=torch.Generator().manual_seed(0))


def test_it_answers_what_the_agents_answer(packed: Path, noisy: Tensor) -> None:
    agent = pixelrl.load(packed, device="cpu")
    found = AgentDenoiser(agent)(noisy.double(), sigma=torch.tensor([0.1, 0.2]))
    assert found.dtype == torch.float64
    torch.testing.assert_close(found.float(), agent(noisy).image)


def test_what_is_no_picture_is_told_in_a_line(packed: Path) -> None:
    with pytest.raises(MapError, match=r"expected \(B C H W\), C 1 or 3, got \(1, 2, 24, 24\)"):
        AgentDenoiser(packed, device="cpu")(torch.zeros(1, 2, 24, 24), 0.1)


@pytest.mark.filterwarnings("ignore")  # what deepinv's own code warns of
def test_it_works_in_their_plug_and_play_loop(packed: Path, noisy: Tensor) -> None:
    deepinv = need("deepinv", "pip install -c constraints.txt -e '.[deepinv]'")
    denoiser = AgentDenoiser(packed, device="cpu")
    assert isinstance(denoiser, deepinv.models.Denoiser)
    physics = deepinv.physics.Inpainting((1, 24, 32), mask=0.7)
    solve = deepinv.optim.PGD(
        data_fidelity=deepinv.optim.L2(),
        prior=deepinv.optim.PnP(denoiser=denoiser),
        stepsize=1.0,
        sigma_denoiser=0.05,
        max_iter=3,
    )
    found = solve(physics(noisy), physics)
    assert found.shape == noisy.shape
    assert found.isfinite().all()
    assert not torch.equal(found, physics.A_adjoint(physics(noisy)))
