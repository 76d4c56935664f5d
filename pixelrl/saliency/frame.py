"""Between images and a network that wants its own size, its own numbers, and answers in its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch.nn.functional as F
from torch import Tensor

from pixelrl.errors import ConfigError, MapError

Network = Callable[[Tensor], Tensor]
"""From ``(B,3,h,w)`` to ``(B,1,h',w')`` or ``(B,h',w')``."""

Output = Literal["map", "log_density", "logit"]
"""What a network answers: numbers from 0 on, their logarithm, or the input of a sigmoid."""

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""The mean and deviation that most networks expect to be taken off."""


@dataclass(frozen=True)
class Frame:
    """Fit images to a network, and its answer to the images.

    Attributes:
        size: height and width that the network wants, in pixels.
        mean: what is taken off each channel.
        std: what each channel is divided by then.
        output: what the network answers.

    Raises:
        ConfigError: one of them cannot be.

    Example:
        >>> Frame(output="probability")
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: output: expected map, log_density, logit, got 'probability'.
    """

    size: Sequence[int] = (288, 384)
    mean: Sequence[float] = IMAGENET[0]
    std: Sequence[float] = IMAGENET[1]
    output: Output = "map"

    def __post_init__(self) -> None:
        if len(self.size) != 2 or min(self.size) < 1:
            raise ConfigError(
                f"size: expected height and width in pixels, such as [288,384], got {self.size}."
            )
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ConfigError(
                f"mean, std: expected three numbers each, std above 0, got {self.mean}, {self.std}."
            )
        if self.output not in get_args(Output):
            raise ConfigError(
                f"output: expected {', '.join(get_args(Output))}, got {self.output!r}."
            )

    def ask(self, network: Network, image: Tensor) -> Tensor:
        """Ask the network about images at its own size.

        Args:
            network: answers ``(B,3,*size)``.
            image: ``(B,3,H,W)`` in [0, 1].

        Returns:
            ``(B,H,W)`` float32, 0 or more.

        Raises:
            MapError: the answer is no map per image.

        Example:
            >>> import torch
            >>> frame = Frame(size=(8, 12), mean=(0, 0, 0), std=(1, 1, 1), output="logit")
            >>> answer = frame.ask(lambda small: 0 * small[:, :1], torch.rand(2, 3, 64, 96))
            >>> answer.shape, answer[0, 0, 0]  # the sigmoid of zero
            (torch.Size([2, 64, 96]), tensor(0.5000))
        """
        small = F.interpolate(image, tuple(self.size), mode="bilinear", antialias=True)
        mean, std = (small.new_tensor(each)[:, None, None] for each in (self.mean, self.std))
        answer = network((small - mean) / std).float()
        if answer.ndim == 3:
            answer = answer.unsqueeze(1)
        if answer.ndim != 4 or answer.shape[:2] != (image.shape[0], 1):
            raise MapError(
                f"saliency network: expected ({image.shape[0]}, 1, h, w) or"
                f" ({image.shape[0]}, h, w), got {tuple(answer.shape)}; export it so."
            )
        if self.output == "log_density":
            answer = (answer - answer.amax((-2, -1), keepdim=True)).exp()
        elif self.output == "logit":
            answer = answer.sigmoid()
        whole = F.interpolate(answer, image.shape[-2:], mode="bilinear").clamp(min=0)
        return whole.squeeze(1)
