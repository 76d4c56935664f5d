"""An episode never looks at a number on the device, so that the host need not wait for it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pixelrl.rl.aim import GoalPolicy
from pixelrl.rl.estimators import window_losses
from pixelrl.rl.network import PolicyValueNet
from pixelrl.rl.playing import Network, make_environment
from pixelrl.rl.rollout import rollout, sample
from pixelrl.settings import Learning
from pixelrl.task import Task
from pixelrl_tasks.color_enhancement import ColorEnhancement
from pixelrl_tasks.denoising import Denoising
from pixelrl_tasks.inpainting import Inpainting
from skips import NO_GPU

TASKS = [Denoising(), Denoising(channels=3), Inpainting(), ColorEnhancement(length=3)]


def published(task: Task) -> Network:
    return PolicyValueNet(task.observation_channels, len(task.actions), width=8)


def aiming(task: Task) -> Network:
    return GoalPolicy(task, widths=(8, 8))


def play(task: Task, net: Network, device: str) -> Tensor:
    """Play an episode on a device and learn from it; returns the loss, a scalar."""
    names = {"image", *task.learns_from, "target"}
    scene = {
        name: torch.rand(2, 1 if name == "mask" else task.channels, 24, 24, device=device)
        for name in names
    }
    environment = make_environment(task, net)
    steps = list(rollout(environment, net, scene, sample))
    losses, reward = window_losses(task, steps, scene, Learning(estimator="expected"))
    loss = losses.policy + losses.value + losses.entropy + reward
    loss.backward()
    return loss


@pytest.mark.parametrize("make", [published, aiming])
@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{type(task).__name__}{task.channels}")
def test_no_number_is_looked_at(task: Task, make: Callable[[Task], Network]) -> None:
    """Tensors on `meta` have none: to look at one raises."""
    loss = play(task, make(task).to("meta"), "meta")
    assert loss.is_meta
    with pytest.raises(RuntimeError, match="meta"):
        loss.item()


@pytest.mark.gpu
@NO_GPU
@pytest.mark.parametrize("make", [published, aiming])
@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{type(task).__name__}{task.channels}")
def test_the_host_never_waits(task: Task, make: Callable[[Task], Network]) -> None:
    net = make(task).cuda()
    play(task, net, "cuda")  # libraries look around at their first call
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        loss = play(task, net, "cuda")
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert bool(loss.isfinite())
