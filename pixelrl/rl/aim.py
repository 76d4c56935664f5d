"""Agents that aim: every edit is priced by the task's own reward, with the goal as the target.

The goal network runs once per picture. At each step an edit's logit is the reward that it would
earn if the goal were the target, in units of a temperature, plus a learned correction that is zero
at the start: learning by reinforcement begins at the agent that is greedy on its goal
(docs/adr/0022-agents-that-aim.md).
"""

from collections.abc import Sequence
from typing import Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pixelrl.actions.core import SEEN
from pixelrl.errors import ConfigError
from pixelrl.maps import exact
from pixelrl.oracle import can_aim, price_candidates
from pixelrl.rl.goal import LYING, GoalNet, Views
from pixelrl.rl.goal_environment import Packed, known_maps, unpack
from pixelrl.rl.network import PolicyOutput
from pixelrl.task import Task

WIDTH = 24
"""Channels of the correction's hidden layers."""


class GoalPolicy(nn.Module):
    """Choose the edit that leads nearest to the goal, as far as nothing better was learned.

    The memory ``(B,C+2,H,W)`` holds the goal, its doubt, and the share of the episode that is over.

    Args:
        task: whose edits are priced by `Task.aim_reward`: local, measured against ``target``.
        widths: of the goal network, see `GoalNet`.
        blocks: of the goal network.
        views: of the goal network.
        temperature: of the policy, in units of `reward_spread`.
    """

    reward_spread: Tensor
    """``()``, what rewards of different edits typically differ by; zero if not measured yet."""
    corrects: bool
    """Whether the correction is computed where no value is wanted; `train` decides."""

    def __init__(
        self,
        task: Task,
        *,
        widths: Sequence[int] = (48, 64, 96, 128),
        blocks: int = 1,
        views: Views = LYING,
        temperature: float = 0.5,
    ) -> None:
        super().__init__()
        self.task, self.temperature = task, temperature
        self.goal = GoalNet(
            task.observation_channels,
            task.channels,
            widths=widths,
            blocks=blocks,
            views=views,
        )
        edits = len(task.actions)
        self.correction = make_correction(task.channels * (2 + edits) + 2, edits + 1)
        self.register_buffer("reward_spread", torch.zeros(()))
        self.corrects = True
        self.register_load_state_dict_post_hook(_look_again)  # type: ignore[no-untyped-call]

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - as its parent has it
        """Learn from here on, or edit; to edit, a correction that is zero is not computed."""
        super().train(mode)
        self.corrects = mode or not _is_zero(cast("nn.Conv2d", self.correction[-1]))
        return self

    @property
    def reach(self) -> int:
        """How far, in pixels, an answer looks aside after the first step."""
        return 3 + (self.task.reach or 0)

    @property
    def first_reach(self) -> int:
        """The same at the first step, at which the goal is set."""
        return self.goal.reach + self.reach

    @property
    def stride(self) -> int:
        """Tiles must begin at multiples of this many pixels."""
        return self.goal.stride

    def hidden_kernels(self) -> list[Tensor]:
        """List the kernels ``(D,D,k,k)`` between hidden layers, for `optimizers.Muon`."""
        return self.goal.hidden_kernels()

    def aim(self, observation: Tensor, image: Tensor) -> Tensor:
        """Set the goal; it is all that the first step does more than others.

        Args:
            observation: the task's own, ``(B,K,H,W)``.
            image: ``(B,C,H,W)``.

        Returns:
            The memory ``(B,C+2,H,W)`` that the first step begins with.
        """
        goal = self.goal(observation, image)
        return torch.cat([goal.image, goal.doubt, torch.zeros_like(goal.doubt)], 1)

    def value(self, observation: Tensor, memory: Tensor | None = None) -> Tensor:
        """Expect the return from here on, ``(B,1,H,W)``.

        Raises:
            TypeError: the policy gave no value.
        """
        value: Tensor | None = self(observation, memory).value
        if value is None:
            raise TypeError("the policy was asked for its value and gave none.")
        return value

    def forward(
        self, observation: Tensor, memory: Tensor | None = None, *, with_value: bool = True
    ) -> PolicyOutput:
        """Decide.

        Args:
            observation: as `GoalEnvironment` tells it.
            memory: ``(B,C+2,H,W)`` from the last answer; None at the first step.
            with_value: whether to answer a value.

        Returns:
            The answer.
        """
        packed = unpack(self.task, observation)
        if memory is None:
            memory = self.aim(packed.seen, packed.image)
        goal, doubt, over = torch.split(memory, [self.task.channels, 1, 1], 1)
        with exact(observation.device):
            rewards = price_candidates(
                self.task.aim_reward,
                packed.image,
                packed.candidates,
                {**packed.maps, "target": goal},
            )
        logits, value = rewards / (self.temperature * unit(self.reward_spread)), None
        if with_value or self.corrects:
            corrected, value = self._correct(_view(packed, goal, doubt, over), with_value)
            logits = logits + corrected.to(logits.dtype)
        following = torch.cat([goal, doubt, over + 1 / self.task.length], 1)
        return PolicyOutput(logits, value, following, doubt)

    def _correct(self, view: Tensor, with_value: bool) -> tuple[Tensor, Tensor | None]:  # noqa: FBT001
        """Answer the corrections of logits ``(B,A,H,W)``, and the value ``(B,1,H,W)`` if wanted.

        The value reads what the correction has found and never changes it: rewards may be large,
        and squares of them would drown what the policy learns.
        """
        found = self.correction[:-1](view)
        last = cast("nn.Conv2d", self.correction[-1])
        weight, bias = last.weight, cast("Tensor", last.bias)
        corrected = F.conv2d(found, weight[:-1], bias[:-1], padding=1)
        if not with_value:
            return corrected, None
        return corrected, F.conv2d(found.detach(), weight[-1:], bias[-1:], padding=1).to(view.dtype)


def make_correction(inputs: int, outputs: int) -> nn.Sequential:
    """Make the network that corrects logits and answers a value, zero at the start.

    It looks three pixels aside.
    """
    layers = []
    for before, after in ((inputs, WIDTH), (WIDTH, WIDTH)):
        conv = nn.Conv2d(before, after, 3, padding=1)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        layers += [conv, nn.ReLU(inplace=True)]
    last = nn.Conv2d(WIDTH, outputs, 3, padding=1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)  # type: ignore[arg-type]
    return nn.Sequential(*layers, last)


def _look_again(policy: nn.Module, _: object) -> None:
    """Have a policy look at weights that were loaded into it."""
    policy.train(policy.training)


def _is_zero(last: nn.Conv2d) -> bool:
    """Tell whether a layer answers zero whatever it sees; of a device without numbers, nothing."""
    weights = (last.weight, cast("Tensor", last.bias))
    return not any(weight.is_meta or bool(weight.any()) for weight in weights)


def unit(spread: Tensor) -> Tensor:
    """Take the reward's own unit where a spread ``()`` is not measured yet."""
    return torch.where(spread > 0, spread, torch.ones_like(spread))


def check_goal_task(task: Task) -> None:
    """Check that agents can aim at what a task rewards.

    Raises:
        ConfigError: it knows no reward that is local and measured against ``target``.
    """
    if not (can_aim(task) and _needs_target(task)):
        raise ConfigError(
            f"network.kind=goal needs a local reward (or aim_reward) measured against `target`,"
            f" computed from what works_on names; {type(task).__name__} has none. Use"
            " network.kind=published."
        )


def _needs_target(task: Task) -> bool:
    """Tell whether a reward can be computed with any target, and depends on it."""
    side = 24
    rng = torch.Generator().manual_seed(0)
    maps = {
        name: torch.rand((1, channels, side, side), generator=rng)
        for name, channels in known_maps(task).items()
    }
    target = torch.rand(maps["image"].shape, generator=rng)
    after = torch.rand(maps["image"].shape, generator=rng)
    try:
        one, other = (
            task.aim_reward(maps["image"], after, {**maps, "target": aim})
            for aim in (target, 1 - target)
        )
    except KeyError:
        return False
    return not torch.equal(one, other)


def _view(packed: Packed, goal: Tensor, doubt: Tensor, over: Tensor) -> Tensor:
    """Show the correction where the picture stands, where it should go, and what edits would do."""
    image = packed.image
    moved = SEEN * (packed.candidates - image.unsqueeze(1)).flatten(1, 2)
    # Goal and doubt stay what they are, whatever is made of them here.
    certain, away = doubt.detach().log() / 10, goal.detach() - image
    return torch.cat([image, away, certain, moved, over], 1)
