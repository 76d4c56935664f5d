"""Trained agents by name, ready to edit pictures of any kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike, fspath

import torch

from pixelrl.api.channels import look
from pixelrl.api.kinds import Kind, take_map, take_picture
from pixelrl.api.playing import play_agents
from pixelrl.api.result import Result
from pixelrl.errors import ConfigError, DataError
from pixelrl.intervention.rules import Rule
from pixelrl.maps import check_scene
from pixelrl.runs.directory import find_policy
from pixelrl.task import Task
from pixelrl.training.checkpoint import Restored, restore


def load(
    name: str | PathLike[str], *, overrides: str | Sequence[str] = (), device: str = "auto"
) -> "Agent":
    """Load trained agents.

    Args:
        name: of agents that are installed (``pixelrl weights`` lists them), a run's directory, or
            the path of a checkpoint or weight file.
        overrides: settings to change, such as ``["task.length=10"]``.
        device: where they work, such as ``cpu`` or ``cuda:1``; ``auto`` takes a GPU if there is
            one.

    Returns:
        The agents; call them with a picture.

    Raises:
        CheckpointError: there are no such agents, or their file is damaged.
        ConfigError: a setting does not exist or cannot be had, or the device is not there.
        PluginError: their task is not installed.

    Example:
        >>> load("no such agents")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        pixelrl.errors.CheckpointError: no weights 'no such agents': neither a file nor agents ...
    """
    chosen = choose_device(device)
    changes = [overrides] if isinstance(overrides, str) else list(overrides)
    policy = restore(find_policy(fspath(name)), changes)
    policy.module.eval().requires_grad_(requires_grad=False).to(chosen)
    return Agent(policy)


@dataclass(frozen=True, eq=False, repr=False)
class Agent:
    """Edit pictures, as many as wanted, with what was learned: always the likeliest edits.

    Attributes:
        policy: the experiment, and the module with its weights.
    """

    policy: Restored

    def __call__(self, picture: Kind, *, rules: Sequence[Rule] = (), **maps: Kind) -> Result:
        """Edit a picture.

        Args:
            picture: a path, an image of Pillow's, an array ``(H,W)`` or ``(H,W,C)``, or a tensor
                ``(C,H,W)`` or ``(B,C,H,W)``; numbers are uint8, uint16, or floats with white at 1.
            rules: what a person asks of the agents; the result's `Result.forbid` is shorter.
            maps: what else the task works on, by name, such as ``mask``, as the picture.

        Returns:
            The finished picture, of the kind that came in, and how it came about.

        Raises:
            ConfigError: a rule cannot be had.
            DataError: a file is missing or unreadable, a map is missing, or a region is not of the
                picture's size.
            MapError: the picture is of no known kind, shape, type or range, or too small.
        """
        channels, profile = self.task.channels, self.policy.experiment.data.profile
        self._check_names(maps)
        own = take_picture(picture, channels, profile)
        image = look(own, channels)
        scene = {"image": image}
        for name, value in maps.items():
            taken = take_map(name, value, channels, profile)
            one = taken.shape[0] == 1
            scene[name] = taken.expand(len(image), -1, -1, -1).contiguous() if one else taken
        check_scene(scene, channels)
        scene = {name: value.to(self.device) for name, value in scene.items()}
        played = play_agents(self.policy, scene, rules)
        return Result(self.policy, own, scene, played, tuple(rules))

    @property
    def task(self) -> Task:
        """What they learned."""
        return self.policy.module.task

    @property
    def edits(self) -> tuple[str, ...]:
        """What each pixel chooses from, by name."""
        return self.task.actions.names

    @property
    def device(self) -> torch.device:
        """Where they work."""
        return self.policy.module.device

    def __repr__(self) -> str:
        sees = {1: "gray", 3: "color"}.get(self.task.channels, f"{self.task.channels} channels")
        return (
            f"Agent({self.policy.experiment.name}: {len(self.edits)} edits, {self.task.length}"
            f" steps, sees {sees}, on {self.device})"
        )

    def _check_names(self, maps: dict[str, Kind]) -> None:
        """Check that what the task works on is there, and nothing that it never looks at."""
        wanted = [name for name in self.task.works_on if name != "image"]
        kind = type(self.task).__name__
        for name in wanted:
            if name not in maps:
                raise DataError(f"{kind} works on {name}; pass agent(picture, {name}=...).")
        for name in maps:
            if name not in wanted:
                told = ", ".join(self.task.works_on)
                raise DataError(f"{name}: {kind} works on {told} alone; leave it out.")


def choose_device(name: str) -> torch.device:
    """Choose where to work: a GPU if there is one, unless a device is named.

    Raises:
        ConfigError: it is not there.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ConfigError(f"device '{name}': not there ({reason}); use auto or cpu.") from error
    return chosen
