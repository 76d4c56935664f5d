"""Optimizers: Adam as published, and Muon, which reaches the same in far fewer episodes."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

MOMENTUM = 0.95
TURNS = 5
STEP = 20.0
"""An orthogonal step changes every direction alike, Adam's mostly a few; so it may be longer."""


@runtime_checkable
class _KnowsHidden(Protocol):
    """Name a network that knows which of its kernels lie between hidden layers."""

    def hidden_kernels(self) -> list[Tensor]:
        """List them, ``(D,D,k,k)`` each."""


class Muon(Adam):
    """Step kernels along the orthogonal factor of their momentum, all else by Adam.

    Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks". A kernel
    ``(O,I,h,w)`` counts as the matrix ``(O, I h w)``: all singular values of its step are (about)
    one, so rare directions are learned as fast as common ones. First layers, heads, biases and the
    reward-map convolution are no hidden layers and are left to Adam.
    ``torch.optim.Muon`` does matrices only.

    Args:
        kernels: weights of the hidden convolutions.
        others: the rest.
        rate: Adam's step size; that of kernels is `STEP` times it.

    Example:
        >>> layer = nn.Conv2d(2, 2, 3)
        >>> optimizer = Muon([layer.weight], [layer.bias], rate=1e-3)
        >>> [group["lr"] for group in optimizer.param_groups]  # of the bias, of the kernel
        [0.001, 0.02]
    """

    def __init__(self, kernels: Iterable[Tensor], others: Iterable[Tensor], rate: float) -> None:
        groups: list[dict[str, Any]] = [
            {"params": list(others)},
            {"params": list(kernels), "lr": STEP * rate, "orthogonal": True},
        ]
        super().__init__(groups, lr=rate)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:  # noqa: ANN401
        """Take one step; kernels have theirs here, and without gradient Adam passes over them.

        Example:
            >>> kernel = nn.Parameter(torch.zeros(2, 2, 1, 1))
            >>> kernel.grad = torch.diag(torch.tensor([1.0, 0.1]))[..., None, None]
            >>> Muon([kernel], [], rate=0.05).step()
            >>> kernel.detach().flatten(1).round()  # rare directions move as far as common ones
            tensor([[-1.,  0.],
                    [ 0., -1.]])
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group.get("orthogonal"):
                for kernel in group["params"]:
                    if kernel.grad is not None:
                        self._turn(kernel, kernel.grad, group["lr"])
                        kernel.grad = None
        super().step()
        return loss

    def _turn(self, kernel: Tensor, gradient: Tensor, rate: float) -> None:
        state = self.state[kernel]
        if not state:
            state["step"] = torch.zeros(())  # Adam looks for it when its state is loaded
            state["momentum"] = torch.zeros_like(kernel)
        momentum = state["momentum"].mul_(MOMENTUM).add_(gradient)
        ahead = (gradient + MOMENTUM * momentum).flatten(1)
        height, width = ahead.shape
        step = orthogonalize(ahead).mul_(max(1.0, height / width) ** 0.5)
        kernel.sub_(rate * step.view_as(kernel))


def orthogonalize(matrix: Tensor) -> Tensor:
    """Bring all singular values of a matrix ``(n,m)`` near one, between about 0.7 and 1.2.

    Five steps of Jordan's quintic Newton-Schulz iteration: matrix products only, no wait for the
    device. A matrix of zeros stays one.

    Example:
        >>> turned = orthogonalize(torch.diag(torch.tensor([5.0, 1.0])))
        >>> turned.shape, torch.linalg.svdvals(turned).round(decimals=1)
        (torch.Size([2, 2]), tensor([0.8000, 0.7000]))
    """
    tall = matrix.shape[0] > matrix.shape[1]
    flat = matrix.T if tall else matrix
    flat = flat / (flat.norm() + 1e-7)
    # All factors are polynomials of the Gram matrix, so the iteration needs nothing wider.
    gram = flat @ flat.T
    one = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    whole = one
    for turn in range(TURNS):
        factor = 3.4445 * one - 4.7750 * gram + 2.0315 * gram @ gram
        whole = factor @ whole
        if turn < TURNS - 1:
            gram = factor @ gram @ factor
    turned: Tensor = whole @ flat
    return turned.T if tall else turned


def make_optimizer(parts: Sequence[nn.Module], kind: str, rate: float) -> Optimizer:
    """Make the optimizer of a module's parts.

    Args:
        parts: whose weights are learned.
        kind: ``adam`` or ``muon``.
        rate: Adam's step size.

    Example:
        >>> from pixelrl.rl.network import PolicyValueNet
        >>> optimizer = make_optimizer([PolicyValueNet(1, 9, width=8)], "muon", rate=1e-3)
        >>> [(len(group["params"]), group["lr"]) for group in optimizer.param_groups]
        [(12, 0.001), (11, 0.02)]
    """
    weights = [weight for part in parts for weight in part.parameters()]
    if kind == "adam":
        return Adam(weights, lr=rate)
    hidden = {id(kernel): kernel for part in parts for kernel in _hidden(part)}
    others = [weight for weight in weights if id(weight) not in hidden]
    return Muon(hidden.values(), others, rate)


def _hidden(module: nn.Module) -> list[Tensor]:
    """Find the kernels between hidden layers: those with the most channels on either side.

    A network that knows them itself (``hidden_kernels``) is asked.
    """
    if isinstance(module, _KnowsHidden):
        return module.hidden_kernels()
    kernels = [part.weight for part in module.modules() if isinstance(part, nn.Conv2d)]
    width = max((min(kernel.shape[:2]) for kernel in kernels), default=0)
    return [kernel for kernel in kernels if min(kernel.shape[:2]) == width > 1]
