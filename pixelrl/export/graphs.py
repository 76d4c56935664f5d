"""What is exported: an episode, its beginning, and one of its steps, each as a module of tensors.

Where a step begins is told by a state ``(B,S,H,W)``: what the agents remember, and behind it the
image before the first step. Whoever plays step by step hands it on and need not look into it.
"""

from functools import partial

import torch
from torch import Tensor, nn

from pixelrl.maps import Scene
from pixelrl.rl.aim import GoalPolicy
from pixelrl.rl.playing import Network, make_environment
from pixelrl.rl.rollout import choose_greedy, rollout
from pixelrl.task import Task


class Beginning(nn.Module):
    """Make the state before the first step: for agents that aim, set their goal."""

    def __init__(self, task: Task, network: Network) -> None:
        super().__init__()
        self.task, self.network = task, network

    def forward(self, image: Tensor) -> Tensor:
        """Begin with an image ``(B,C,H,W)``; returns the state ``(B,S,H,W)``."""
        if isinstance(self.network, GoalPolicy):
            seen = self.task.observe(image, {"image": image})
            memory = self.network.aim(seen, image)
        else:  # a ConvGRU starts from zeros
            memory = torch.zeros_like(image[:, :1]).expand(
                -1, memory_channels(self.network), -1, -1
            )
        return torch.cat([memory, image], 1)


class Step(nn.Module):
    """Take one step."""

    def __init__(self, task: Task, network: Network) -> None:
        super().__init__()
        self.task, self.network = task, network

    def forward(self, image: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Take the likeliest edits.

        Args:
            image: ``(B,C,H,W)``, as it stands.
            state: ``(B,S,H,W)``, from the beginning or the last step.

        Returns:
            The image after the step, the choice ``(B,H,W)`` uint8, and the next state.
        """
        kept = memory_channels(self.network)
        memory, start = torch.split(state, [kept, self.task.channels], 1)
        scene: Scene = {"image": start}
        environment = make_environment(self.task, self.network)
        output = self.network(
            environment.observe(image, scene), memory if kept else None, with_value=False
        )
        choice = choose_greedy(output.logits)
        after = environment.step(image, choice, scene)
        following = [start] if output.memory is None else [output.memory, start]
        return after, choice.to(torch.uint8), torch.cat(following, 1)


class Episode(nn.Module):
    """Take all steps."""

    def __init__(self, task: Task, network: Network) -> None:
        super().__init__()
        self.task, self.network = task, network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Edit an image ``(B,C,H,W)``; returns the result and the choices ``(T,B,H,W)`` uint8."""
        environment = make_environment(self.task, self.network)
        policy, choices = partial(self.network, with_value=False), []
        for step in rollout(environment, policy, {"image": image}, choose_greedy):
            choices.append(step.choice.to(torch.uint8))
            image = step.after
        return image, torch.stack(choices)


def memory_channels(network: Network) -> int:
    """Count the channels of what agents remember from step to step."""
    if isinstance(network, GoalPolicy):
        return network.task.channels + 2
    return 0 if network.memory is None else network.memory.over_reset.in_channels


def state_channels(task: Task, network: Network) -> int:
    """Count the channels S of a state."""
    return memory_channels(network) + task.channels
