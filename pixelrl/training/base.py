"""What all kinds of learning share: optimization by hand, its schedule, what validation logs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import lightning.pytorch as pl
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from pixelrl.rl.optimizers import make_optimizer
from pixelrl.settings import Learning
from pixelrl.training.divergence import check_gradient


class Optimization(NamedTuple):
    """Hold how a phase of learning is optimized.

    Attributes:
        optimizer: of the phase's weights.
        falls: from the number of a batch in the phase to the share of the first rate.
    """

    optimizer: Optimizer
    falls: Callable[[int], float]


class BaseModule(pl.LightningModule):
    """Step optimizers by hand, as often per batch as the learning rule wants.

    A run has one or two phases, each with an optimizer of its own; `phase` counts into them.

    Args:
        learning: the learning rule; tells optimizer, rate and how it falls.
        accumulate: parts that a batch is learned from, one after the other.
    """

    def __init__(self, learning: Learning, accumulate: int = 1) -> None:
        super().__init__()
        self.accumulate = accumulate
        self.automatic_optimization = False
        self.learning = learning
        self.phase = 0

    def update(self, losses: Iterable[Tensor]) -> None:
        """Take one optimizer step down the mean of the losses of a batch's parts, scalars.

        Each is asked for when the graph of the one before is gone, which is what saves memory.

        Raises:
            TypeError: an optimizer is none of those that `configure_optimizers` makes.
        """
        known = self.optimizers()
        chosen = (known if isinstance(known, list) else [known])[self.phase]
        if not isinstance(chosen, LightningOptimizer):
            raise TypeError("expected the optimizers that configure_optimizers makes.")
        chosen.zero_grad()
        for loss in losses:
            self.manual_backward(loss / self.accumulate)
        chosen.step()

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Check and clip gradients; float16's are in their own unit only from here on."""
        if self.device.type == "cpu":  # elsewhere looking would wait; `check_finite` looks there
            check_gradient(self)
        if self.learning.clip:
            self.clip_gradients(optimizer, gradient_clip_val=self.learning.clip)

    def end_batch(self) -> float:
        """Let the rate fall; returns the one the batch was learned with.

        Raises:
            TypeError: a schedule is none of those that `configure_optimizers` makes.
        """
        known = self.lr_schedulers()
        schedule = (known if isinstance(known, list) else [known])[self.phase]
        if not isinstance(schedule, LRScheduler):
            raise TypeError("expected the schedules that configure_optimizers makes.")
        rate = float(schedule.get_last_lr()[0])
        schedule.step()
        return rate

    def phases(self) -> Sequence[Optimization]:
        """List how the phases are optimized, in order."""
        return [self.published([self])]

    def published(self, parts: Sequence[nn.Module]) -> Optimization:
        """Optimize parts of the module as published, with polynomial decay per batch."""
        rule = self.learning
        chosen = make_optimizer(parts, rule.optimizer, rule.rate)
        return Optimization(chosen, lambda batch: max(0.0, 1 - batch / rule.episodes) ** rule.power)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - one of Lightning's many shapes
        """Make each phase's optimizer and schedule."""
        phases = self.phases()
        schedules = [LambdaLR(phase.optimizer, phase.falls) for phase in phases]
        return [phase.optimizer for phase in phases], schedules

    def log_validation(self, scores: Mapping[str, Tensor]) -> None:
        """Log the means of what one batch of validation reached, ``(B,)`` per name."""
        means = {f"val/{name}": score.mean() for name, score in scores.items()}
        batch = max((len(score) for score in scores.values()), default=1)
        self.log_dict(means, batch_size=batch, sync_dist=True)
