"""What `run.precision` means: which numbers the network is computed in, and which it keeps."""

from typing import Literal

import torch
from lightning.pytorch.accelerators import CUDAAccelerator, MPSAccelerator, XLAAccelerator
from lightning.pytorch.plugins.precision import MixedPrecision
from torch import nn

from pixelrl.errors import ConfigError
from pixelrl.rl.aim import GoalPolicy
from pixelrl.settings import Run
from pixelrl.training.module import PixelA3C

Mixed = Literal["32-true", "bf16-mixed", "16-mixed"]


class BFloat16Weights(MixedPrecision):
    """Keep the weights that are learned in bfloat16, and compute the network in it.

    Lightning's own ``bf16-true`` would also take maps, edits and rewards to bfloat16. The average
    of a goal's weights stays float32: it moves by less than bfloat16 can tell.

    Args:
        device: the kind of device.
    """

    def __init__(self, device: str) -> None:
        super().__init__("bf16-mixed", device)

    def convert_module(self, module: nn.Module) -> nn.Module:
        """Take the networks of a module, if it learns, to bfloat16."""
        if isinstance(module, PixelA3C):
            policy = module.policy
            goals = policy.correction if isinstance(policy, GoalPolicy) else policy
            goals.to(torch.bfloat16)
            if module.learner is not None:
                module.learner.to(torch.bfloat16)
        return module


def choose_precision(run: Run, *, learns: bool) -> Mixed:
    """Choose what a network is computed in.

    Args:
        run: tells what is wanted, and on what.
        learns: whether weights are learned; if not, float16 agents run on a CPU in float32, and
            what ``bf16-true`` keeps in bfloat16 is computed in it only.

    Raises:
        ConfigError: float16 is to be learned in on a CPU.

    Example:
        >>> choose_precision(Run(precision="16-mixed", accelerator="cpu"), learns=False)
        '32-true'
    """
    if run.precision == "16-mixed" and find_device(run) == "cpu":
        if learns:
            raise ConfigError(
                "run.precision=16-mixed: a CPU does not learn in float16; use bf16-mixed, or an"
                " accelerator."
            )
        return "32-true"
    return "bf16-mixed" if run.precision == "bf16-true" else run.precision


def find_device(run: Run) -> str:
    """Tell the kind of device that a run's accelerator is, as `torch.autocast` calls it."""
    if run.accelerator == "auto":
        there = {"cuda": CUDAAccelerator, "mps": MPSAccelerator, "xla": XLAAccelerator}
        return next((name for name, kind in there.items() if kind.is_available()), "cpu")
    if run.accelerator == "gpu":
        return "mps" if MPSAccelerator.is_available() else "cuda"
    return "xla" if run.accelerator == "tpu" else run.accelerator


def learn_in(run: Run) -> tuple[Mixed | None, list[MixedPrecision]]:
    """Choose what a trainer that learns is told: a precision, or the plugin that stands for one.

    Raises:
        ConfigError: float16 is to be learned in on a CPU.
    """
    if run.precision == "bf16-true":
        return None, [BFloat16Weights(find_device(run))]
    return choose_precision(run, learns=True), []
