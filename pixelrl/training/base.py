"""What both kinds of learning share: optimization by hand, its schedule, what validation logs."""

from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from pixelrl.rl.optimizers import make_optimizer
from pixelrl.settings import Learning
from pixelrl.training.divergence import check_gradient


class BaseModule(pl.LightningModule):
    """Step one optimizer by hand, as often per batch as the learning rule wants.

    Args:
        learning: the learning rule; tells optimizer, rate and how it falls.
    """

    def __init__(self, learning: Learning) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.learning = learning

    def update(self, loss: Tensor) -> None:
        """Take one optimizer step down a loss, a scalar.

        Raises:
            TypeError: there is not the one optimizer that `configure_optimizers` makes.
        """
        chosen = self.optimizers()
        if isinstance(chosen, list):
            raise TypeError("expected the one optimizer that configure_optimizers makes.")
        chosen.zero_grad()
        self.manual_backward(loss)
        if self.device.type == "cpu":  # elsewhere looking would wait; `check_finite` looks there
            check_gradient(self)
        chosen.step()

    def end_batch(self) -> float:
        """Let the rate fall; returns the one the batch was learned with.

        Raises:
            TypeError: there is not the one schedule that `configure_optimizers` makes.
        """
        schedule = self.lr_schedulers()
        if not isinstance(schedule, LRScheduler):
            raise TypeError("expected the one schedule that configure_optimizers makes.")
        rate = float(schedule.get_last_lr()[0])
        schedule.step()
        return rate

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - one of Lightning's many shapes
        """Make the optimizer, with the published polynomial decay per batch."""
        rule = self.learning
        chosen = make_optimizer(self, rule.optimizer, rule.rate)
        schedule = LambdaLR(chosen, lambda batch: max(0.0, 1 - batch / rule.episodes) ** rule.power)
        return [chosen], [schedule]

    def log_validation(self, scores: Mapping[str, Tensor]) -> None:
        """Log the means of what one batch of validation reached, ``(B,)`` per name."""
        means = {f"val/{name}": score.mean() for name, score in scores.items()}
        batch = max((len(score) for score in scores.values()), default=1)
        self.log_dict(means, batch_size=batch, sync_dist=True)
