"""The network every agent looks through: dilated convolutions, two branches, a ConvGRU memory.

AAAI-19, figure 2, and the official ``MyFCN.py``; written for speed. All of it computes in one
layout of memory, the GRU's gates share one convolution over the input and one over the memory, the
first step skips the memory it does not have, and the value branch runs only when asked for.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class PolicyOutput(NamedTuple):
    """Hold the network's answer at one step.

    Attributes:
        logits: ``(B,A,H,W)``, unnormalized log-probabilities of the edits.
        value: ``(B,1,H,W)``, the expected return; None when not asked for.
        memory: ``(B,D,H,W)`` for the next step; None without any.
        doubt: ``(B,1,H,W)``, the expected squared error of what agents aim at; None if they do not.

    Example:
        >>> logits, value, memory, _ = PolicyValueNet(1, 9, width=8)(torch.zeros(2, 1, 16, 16))
        >>> logits.shape, value.shape, memory.shape
        (torch.Size([2, 9, 16, 16]), torch.Size([2, 1, 16, 16]), torch.Size([2, 8, 16, 16]))
    """

    logits: Tensor
    value: Tensor | None
    memory: Tensor | None
    doubt: Tensor | None = None


class ConvGRU(nn.Module):
    """Remember from step to step: ``h' = (1 - z) * h + z * tanh(W * x + U * (r . h))``.

    Six 3×3 convolutions without bias (official ``MyFCN.py``), three of them over the input fused
    into one and two over the memory fused into one; gates are ordered update, reset.

    Args:
        width: channels of input and memory.

    Example:
        >>> gru = ConvGRU(8)
        >>> sum(weight.numel() for weight in gru.parameters()) == 6 * 8 * 8 * 3 * 3
        True
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.over_input = _conv(width, 3 * width, bias=False)
        self.over_memory = _conv(width, 2 * width, bias=False)
        self.over_reset = _conv(width, width, bias=False)

    def forward(self, features: Tensor, memory: Tensor | None) -> Tensor:
        """Advance the memory by one step.

        Args:
            features: ``(B,D,H,W)``.
            memory: ``(B,D,H,W)``, or None for the zeros of a first step.

        Returns:
            The next memory, ``(B,D,H,W)``.

        Example:
            >>> features = torch.zeros(2, 8, 16, 16)
            >>> memory = ConvGRU(8)(features, torch.ones(2, 8, 16, 16))
            >>> memory.shape, bool((memory.abs() <= 1).all())  # between the old one and a tanh
            (torch.Size([2, 8, 16, 16]), True)
        """
        update, reset, candidate = self.over_input(features).chunk(3, 1)
        if memory is None:
            return torch.sigmoid(update) * torch.tanh(candidate)
        more_update, more_reset = self.over_memory(memory).chunk(2, 1)
        if torch.is_grad_enabled():
            gate = torch.sigmoid(update + more_update)
            recalled = torch.sigmoid(reset + more_reset) * memory
            return torch.lerp(memory, torch.tanh(candidate + self.over_reset(recalled)), gate)
        # The same in place: fresh memory for a photograph's maps costs as much as what is computed.
        gate = more_update.add_(update).sigmoid_()
        found = self.over_reset(more_reset.add_(reset).sigmoid_().mul_(memory))
        return torch.lerp(memory, found.add_(candidate).tanh_(), gate)


class PolicyValueNet(nn.Module):
    """Compute policy and value of every pixel at once.

    A trunk of four 3×3 convolutions (dilations 1-2-3-4), then a policy branch (3-2, ConvGRU, head)
    and a value branch (3-2, head). Weights start He-normal, biases at zero.

    Args:
        observation_channels: channels K of the observation.
        actions: number A of edits.
        width: channels D of every hidden layer.
        memory: whether the policy branch carries a ConvGRU.

    Example:
        >>> net = PolicyValueNet(observation_channels=1, actions=9, width=8)
        >>> net(torch.zeros(2, 1, 16, 16)).logits.shape
        torch.Size([2, 9, 16, 16])
    """

    def __init__(
        self, observation_channels: int, actions: int, *, width: int = 64, memory: bool = True
    ) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *_layer(observation_channels, width, 1),
            *_layer(width, width, 2),
            *_layer(width, width, 3),
            *_layer(width, width, 4),
        )
        self.policy_body = nn.Sequential(*_layer(width, width, 3), *_layer(width, width, 2))
        self.memory = ConvGRU(width) if memory else None
        self.policy_head = _conv(width, actions)
        self.value_body = nn.Sequential(*_layer(width, width, 3), *_layer(width, width, 2))
        self.value_head = _conv(width, 1)

    @property
    def reach(self) -> int:
        """How far, in pixels, an answer depends on: 16, or 18 through a ConvGRU's reset gate.

        Example:
            >>> [PolicyValueNet(1, 9, width=8, memory=memory).reach for memory in (True, False)]
            [18, 16]
        """
        return 16 if self.memory is None else 18

    def value(self, observation: Tensor, memory: Tensor | None = None) -> Tensor:
        """Expect a return from an observation ``(B,K,H,W)`` alone, ``(B,1,H,W)``.

        Example:
            >>> net, image = PolicyValueNet(1, 9, width=8), torch.rand(2, 1, 16, 16)
            >>> net.value(image).shape, torch.equal(net.value(image), net(image).value)
            (torch.Size([2, 1, 16, 16]), True)
        """
        features = self.trunk(lay_out(observation))
        value: Tensor = self.value_head(self.value_body(features))
        return value.to(observation.dtype)

    def forward(
        self, observation: Tensor, memory: Tensor | None = None, *, with_value: bool = True
    ) -> PolicyOutput:
        """Compute the policy, and the value if it is asked for.

        Args:
            observation: ``(B,K,H,W)``.
            memory: ``(B,D,H,W)`` from the last answer; None at the first step.
            with_value: whether to run the value branch.

        Returns:
            The answer; logits and value in the observation's dtype also under autocast.

        Example:
            >>> net, image = PolicyValueNet(1, 9, width=8), torch.rand(2, 1, 16, 16)
            >>> first = net(image)
            >>> second = net(image, first.memory, with_value=False)
            >>> second.logits.shape, second.value is None, torch.equal(first.logits, second.logits)
            (torch.Size([2, 9, 16, 16]), True, False)
        """
        dtype = observation.dtype
        features = self.trunk(lay_out(observation))
        hidden = self.policy_body(features)
        if self.memory is not None:
            hidden = memory = self.memory(hidden, memory)
        logits = self.policy_head(hidden).to(dtype)
        value = self.value_head(self.value_body(features)).to(dtype) if with_value else None
        return PolicyOutput(logits, value, memory)


def lay_out(maps: Tensor) -> Tensor:
    """Lay maps ``(B,K,H,W)`` out for convolutions: channels last, but not to learn on a CPU.

    There, learning takes a quarter longer in that layout (weights' gradients; oneDNN, AVX2).

    Example:
        >>> maps = torch.zeros(2, 3, 4, 5)
        >>> with torch.no_grad():
        ...     lay_out(maps).stride(), lay_out(maps.requires_grad_()).shape
        ((60, 1, 15, 3), torch.Size([2, 3, 4, 5]))
    """
    if torch.is_grad_enabled() and maps.device.type == "cpu":
        return maps.contiguous()
    batch, channels, height, width = maps.shape
    if channels == 1:
        # One channel lies in memory alike in both layouts, and convolutions that find the strides
        # of the other answer in that one, which the next has to turn.
        return maps.reshape(batch, height, width, 1).permute(0, 3, 1, 2)
    return maps.contiguous(memory_format=torch.channels_last)


def _conv(inputs: int, outputs: int, dilation: int = 1, *, bias: bool = True) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation, bias=bias)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


def _layer(inputs: int, outputs: int, dilation: int) -> tuple[nn.Module, nn.Module]:
    return _conv(inputs, outputs, dilation), nn.ReLU(inplace=True)
