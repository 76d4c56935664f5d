"""Trained agents as a denoiser of deepinv's, for its plug-and-play loops.

Where deepinv is not installed, it is a torch module that is called the same way.
"""

from os import PathLike
from typing import TYPE_CHECKING

from torch import Tensor, nn

from pixelrl.api.loading import Agent, load
from pixelrl.errors import MapError

if TYPE_CHECKING:
    Denoiser = nn.Module
else:
    try:
        from deepinv.models import Denoiser
    except ImportError:
        Denoiser = nn.Module


class AgentDenoiser(Denoiser):
    """Denoise with trained agents: ``(x, sigma)`` to an image, as `deepinv.models.Denoiser`.

    Choices are discrete, so that no gradient passes: for loops that only call a denoiser, such as
    plug-and-play and regularization by denoising, and not for unfolded networks that train it.

    Args:
        agents: by name, a run, a weight file, or as `pixelrl.load` gives them.
        device: where they work, see `pixelrl.load`; of agents that are loaded already, their own.

    Raises:
        CheckpointError: there are no such agents.

    Example:
        >>> import torch
        >>> denoise = AgentDenoiser("denoising", device="cpu")
        >>> clean = torch.full((1, 3, 32, 32), 0.5)
        >>> noisy = clean + 0.1 * torch.randn(clean.shape, generator=torch.manual_seed(0))
        >>> bool((denoise(noisy, 0.1) - clean).square().mean() < 0.002)
        True
    """

    def __init__(
        self, agents: Agent | str | PathLike[str] = "denoising", *, device: str = "auto"
    ) -> None:
        super().__init__()
        self.agent = agents if isinstance(agents, Agent) else load(agents, device=device)

    def forward(self, x: Tensor, sigma: float | Tensor | None = None, **_: object) -> Tensor:
        """Denoise pictures.

        Args:
            x: ``(B,C,H,W)``, gray or RGB, in [0, 1] up to noise.
            sigma: standard deviation of the noise, in image units. Agents are not told: they judge
                by the picture, or always expect the strength that they learned.

        Returns:
            ``(B,C,H,W)``, of the same type and on the same device.

        Raises:
            MapError: these are no such pictures.
        """
        if x.ndim != 4 or x.shape[1] not in {1, 3}:
            raise MapError(f"x: expected (B C H W), C 1 or 3, got {tuple(x.shape)}.")
        image: Tensor = self.agent(x).image
        return image
