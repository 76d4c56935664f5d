"""One learning episode, ours and as a plain port of the official code goes through it."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import Optimizer

from benchmarks.edits import OPENCV
from pixelrl.maps import Scene
from pixelrl.rl.estimators import window_losses
from pixelrl.rl.playing import Network, make_environment
from pixelrl.rl.returns import RewardMapConv
from pixelrl.rl.rollout import rollout, sample
from pixelrl.settings import Learning
from pixelrl.task import Task
from plain_port import PlainNet

RULE = Learning()


def our_episode(
    task: Task, net: Network, conv: RewardMapConv, optimizer: Optimizer, scene: Scene
) -> Callable[[], object]:
    """Prepare an episode with its update, as `PixelA3C` has it without Lightning."""

    def work() -> None:
        optimizer.zero_grad()
        steps = list(rollout(make_environment(task, net), net, scene, sample))
        parts, _ = window_losses(task, steps, scene, RULE, reward_map_conv=conv)
        loss = parts.policy + RULE.value * parts.value - RULE.entropy * parts.entropy
        loss.backward()
        optimizer.step()

    return work


def plain_episode(
    net: PlainNet, conv: torch.nn.Conv2d, optimizer: Optimizer, scene: Scene, length: int = 5
) -> Callable[[], object]:
    """Prepare the same episode as the official `State` and `pixelwise_a3c.py` go through it.

    Choices, image and memory go through the host, where OpenCV filters one image after the other.
    """
    target, device = scene["target"], scene["image"].device

    def work() -> None:
        optimizer.zero_grad()
        image, memory = scene["image"], None
        log_pis, values, entropies, rewards = [], [], [], []
        for _ in range(length):
            if memory is None:
                memory = image.new_zeros(len(image), 64, *image.shape[2:])
            logits, value, memory = net(torch.cat([image, memory], 1))
            memory = torch.from_numpy(memory.detach().cpu().numpy().copy()).to(device)
            log_pi = logits.log_softmax(1)
            choice = torch.distributions.Categorical(logits=logits.movedim(1, -1)).sample()
            log_pis.append(log_pi.gather(1, choice.unsqueeze(1)))
            entropies.append(-(log_pi.exp() * log_pi).sum(1, keepdim=True))
            values.append(value)
            after = filter_on_the_host(image, choice)
            rewards.append(255 * ((image - target).square() - (after - target).square()))
            image = after
        future, loss = rewards[-1], image.new_zeros(())
        for step in reversed(range(length)):
            if step < length - 1:
                future = rewards[step] + RULE.gamma * conv(future)
            advantage = (future - values[step]).detach()
            loss = loss - (log_pis[step] * advantage).mean() - RULE.entropy * entropies[step].mean()
            loss = loss + RULE.value * 0.5 * (values[step] - future).square().mean()
        loss.backward()
        optimizer.step()

    return work


def filter_on_the_host(image: Tensor, choice: Tensor) -> Tensor:
    """Let each pixel take its edit, image by image, by OpenCV."""
    planes, chosen = image[:, 0].cpu().numpy(), choice.cpu().numpy()
    after = planes.copy()
    edits = list(OPENCV.values())
    edits.insert(1, lambda plane: plane)
    for number, plane in enumerate(planes):
        for edit, work in enumerate(edits):
            np.copyto(after[number], work(plane), where=chosen[number] == edit)
    return torch.from_numpy(after)[:, None].to(image.device)


def make_plain_conv(device: str) -> torch.nn.Conv2d:
    """Make the reward-map convolution of 33x33 as one convolution."""
    conv = torch.nn.Conv2d(1, 1, 33, padding=16, bias=False).to(device)
    with torch.no_grad():
        conv.weight.zero_()[0, 0, 16, 16] = 1
    return conv


def make_scene(batch: int, side: int, device: str) -> dict[str, Tensor]:
    """Make up a batch of noisy crops, ``(B,1,side,side)``."""
    rng = torch.Generator().manual_seed(0)
    target = F.interpolate(torch.rand(batch, 1, 8, 8, generator=rng), (side, side), mode="bilinear")
    image = target + 0.1 * torch.randn(target.shape, generator=rng)
    return {"image": image.to(device), "target": target.to(device)}
