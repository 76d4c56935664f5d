"""Compare the network's speed with the plain port's, in one run on one machine.

    python tests/benchmark_network.py [--threads 2]

Prints the ratio plain / ours for editing (five steps on a 481x321 image) and for learning (three
steps forward and backward on crops), in float32 and bfloat16; both sides alternate.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor

from pixelrl.rl.network import PolicyValueNet
from plain_port import PlainNet, through_the_host


def edit_ours(net: PolicyValueNet, image: Tensor) -> None:
    memory = None
    with torch.inference_mode():
        for _ in range(5):
            memory = net(image, memory, with_value=False).memory


def edit_plain(net: PlainNet, image: Tensor) -> None:
    state = torch.cat([image, image.new_zeros(image.shape[0], 64, *image.shape[2:])], 1)
    with torch.no_grad():
        for _ in range(5):
            _, _, memory = net(state)
            state = through_the_host(image, memory.float())


def learn_ours(net: PolicyValueNet, image: Tensor) -> None:
    memory, total = None, image.new_zeros(())
    for _ in range(3):
        output = net(image, memory)
        memory = output.memory.detach()
        total = total + output.logits.square().mean() + output.value.square().mean()
    total.backward()
    net.zero_grad()


def learn_plain(net: PlainNet, image: Tensor) -> None:
    state = torch.cat([image, image.new_zeros(image.shape[0], 64, *image.shape[2:])], 1)
    total = image.new_zeros(())
    for _ in range(3):
        logits, value, memory = net(state)
        state = through_the_host(image, memory.float())
        total = total + logits.float().square().mean() + value.float().square().mean()
    total.backward()
    net.zero_grad()


def ratio(plain: Callable[[], None], ours: Callable[[], None], *, bf16: bool, runs: int) -> float:
    """Time both in turn; ours in bfloat16 if asked for, the plain port always in float32."""
    ratios = []
    for run in range(runs + 1):
        began = time.perf_counter()
        plain()
        middle = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            ours()
        end = time.perf_counter()
        if run:  # the first warms up
            ratios.append((middle - began) / (end - middle))
    return median(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    ours = PolicyValueNet(1, 9)
    plain = PlainNet(ours, 1)
    photo, crops = torch.rand(1, 1, 321, 481), torch.rand(8, 1, 70, 70)
    for name, bf16 in (("float32", False), ("bfloat16", True)):
        edit = ratio(
            lambda: edit_plain(plain, photo),
            lambda: edit_ours(ours, photo),
            bf16=bf16,
            runs=arguments.runs,
        )
        learn = ratio(
            lambda: learn_plain(plain, crops),
            lambda: learn_ours(ours, crops),
            bf16=bf16,
            runs=arguments.runs,
        )
        print(f"plain float32 / ours {name}: editing {edit:.2f}, learning {learn:.2f}")


if __name__ == "__main__":
    main()
