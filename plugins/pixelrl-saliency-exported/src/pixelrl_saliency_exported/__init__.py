"""Any saliency network, from a file that ``torch.export.save`` has written."""

from zipfile import BadZipFile

import torch
from torch.export.passes import move_to_device_pass

from pixelrl.errors import PluginError
from pixelrl.saliency import NetworkFile, existing
from pixelrl.saliency.frame import Network


class Exported(NetworkFile):
    """Ask an exported network at the size it was exported for."""

    def open(self, path: str) -> None:
        """Load the program; networks are made of it when a device asks for one.

        Raises:
            ConfigError: there is no such file.
            PluginError: it is no file of torch.export.
        """
        file = existing(path)
        try:
            self.program = torch.export.load(file)
        except (RuntimeError, ValueError, OSError, BadZipFile) as error:
            raise PluginError(
                f"{path}: no file of torch.export; write it with torch.export.save."
            ) from error
        self.networks: dict[torch.device, Network] = {}

    def network(self, device: torch.device) -> Network:
        """Hand out the network of a device, made once."""
        if device not in self.networks:
            program = move_to_device_pass(self.program, str(device))
            self.networks[device] = program.module()
        return self.networks[device]
