"""Any saliency network, from a file that ``torch.export.save`` has written."""

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import torch
from torch import Tensor
from torch.export.passes import move_to_device_pass

from pixelrl.errors import PluginError
from pixelrl.saliency import Kind
from pixelrl.saliency_files import IMAGENET, Frame, Network, Output, existing


class Exported:
    """Ask an exported network at the size it was exported for.

    Args:
        path: the file.
        size: height and width that the network wants, in pixels.
        mean: what is taken off each channel.
        std: what each channel is divided by then.
        output: ``map``, ``log_density`` or ``logit``.
        kind: what it predicts.

    Raises:
        ConfigError: there is no such file, or a setting cannot be.
        PluginError: the file is none of torch.export's.
    """

    def __init__(
        self,
        path: str,
        *,
        size: Sequence[int] = (288, 384),
        mean: Sequence[float] = IMAGENET[0],
        std: Sequence[float] = IMAGENET[1],
        output: Output = "map",
        kind: Kind = "fixation",
    ) -> None:
        self.frame = Frame(size, mean, std, output)
        self.kind, self.name = kind, Path(path).stem
        file = existing(path)
        try:
            self.program = torch.export.load(file)
        except (RuntimeError, ValueError, OSError, BadZipFile) as error:
            raise PluginError(
                f"{path}: no file of torch.export; write it with torch.export.save."
            ) from error
        self.networks: dict[torch.device, Network] = {}

    def __call__(self, image: Tensor) -> Tensor:
        """Compute saliency, ``(B,3,H,W)`` to ``(B,H,W)``."""
        if image.device not in self.networks:
            program = move_to_device_pass(self.program, str(image.device))
            self.networks[image.device] = program.module()
        return self.frame.ask(self.networks[image.device], image)
