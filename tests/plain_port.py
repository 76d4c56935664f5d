"""A plain port of the official path, as an independent reference for values and for speed.

Six separate GRU convolutions in NCHW layout, the memory concatenated to the image and carried
through the host between steps, the value branch always on: what the official code does, and what a
first port to PyTorch looks like. Takes its weights from a `PolicyValueNet`.
"""

import torch
from torch import Tensor, nn

from pixelrl.rl.network import PolicyValueNet


def _conv(source: nn.Conv2d, weight: Tensor | None = None) -> nn.Conv2d:
    kernel = source.weight if weight is None else weight
    conv = nn.Conv2d(
        kernel.shape[1],
        kernel.shape[0],
        3,
        padding=source.padding,
        dilation=source.dilation,
        bias=source.bias is not None,
    )
    with torch.no_grad():
        conv.weight.copy_(kernel)
        if source.bias is not None:
            conv.bias.copy_(source.bias)
    return conv


class PlainNet(nn.Module):
    """Answer policy, value and next memory from image and memory in one tensor."""

    def __init__(self, net: PolicyValueNet, channels: int) -> None:
        super().__init__()
        self.channels = channels
        layers = [*net.trunk, *net.policy_body, *net.value_body]
        convs = [_conv(layer) for layer in layers if isinstance(layer, nn.Conv2d)]
        self.trunk = nn.ModuleList(convs[:4])
        self.policy_body = nn.ModuleList(convs[4:6])
        self.value_body = nn.ModuleList(convs[6:8])
        self.policy_head, self.value_head = _conv(net.policy_head), _conv(net.value_head)
        gru = net.memory
        self.w_z, self.w_r, self.w = (
            _conv(gru.over_input, part) for part in gru.over_input.weight.chunk(3)
        )
        self.u_z, self.u_r = (
            _conv(gru.over_memory, part) for part in gru.over_memory.weight.chunk(2)
        )
        self.u = _conv(gru.over_reset)

    def forward(self, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        image, memory = state[:, : self.channels], state[:, self.channels :]
        seen = image
        for conv in self.trunk:
            seen = torch.relu(conv(seen))
        thought, worth = seen, seen
        for conv in self.policy_body:
            thought = torch.relu(conv(thought))
        for conv in self.value_body:
            worth = torch.relu(conv(worth))
        update = torch.sigmoid(self.w_z(thought) + self.u_z(memory))
        reset = torch.sigmoid(self.w_r(thought) + self.u_r(memory))
        candidate = torch.tanh(self.w(thought) + self.u(reset * memory))
        memory = (1 - update) * memory + update * candidate
        return self.policy_head(memory), self.value_head(worth), memory


def through_the_host(image: Tensor, memory: Tensor) -> Tensor:
    """Carry the memory to the next step as the official ``State`` does."""
    return torch.cat([image, torch.from_numpy(memory.detach().numpy().copy())], 1)
