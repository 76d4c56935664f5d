"""An episode is a loop: observe, decide, choose, edit.

Nothing here waits for the device: no value of a tensor is ever looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Protocol

import torch
from torch import Generator, Tensor

from pixelrl.errors import MapError
from pixelrl.maps import Scene, exact
from pixelrl.rl.network import PolicyOutput

Policy = Callable[[Tensor, Tensor | None], PolicyOutput]
"""From an observation ``(B,K,H,W)`` and a memory to a output."""

Choose = Callable[[Tensor], Tensor]
"""From logits ``(B,A,H,W)`` to a choice ``(B,H,W)`` int64."""

Intervention = Callable[[Tensor, int], Tensor]
"""From logits ``(B,A,H,W)`` and a step's number to the logits a person would rather have."""


class Environment(Protocol):
    """Name the part of a task that an episode is played in."""

    @property
    def length(self) -> int:
        """Steps of an episode."""

    def observe(self, image: Tensor, scene: Scene) -> Tensor:
        """Tell what the network sees."""

    def step(self, image: Tensor, choice: Tensor, scene: Scene) -> Tensor:
        """Let each pixel take its choice."""


class EnvironmentModel(Environment, Protocol):
    """Name a world that also tells what every edit would do."""

    def candidates(self, image: Tensor, scene: Scene) -> Tensor:
        """Compute what every edit would make of the image."""


@dataclass(frozen=True)
class Transition:
    """Hold one step of an episode.

    Attributes:
        before: ``(B,C,H,W)``.
        output: what the network answered.
        choice: ``(B,H,W)`` int64.
        after: ``(B,C,H,W)``.
    """

    before: Tensor
    output: PolicyOutput
    choice: Tensor
    after: Tensor


def choose_greedy(logits: Tensor) -> Tensor:
    """Choose the likeliest edit, ``(B,A,H,W)`` to ``(B,H,W)``."""
    return logits.argmax(1)


def choose_under(intervention: Intervention) -> Choose:
    """Choose the likeliest edit of one episode's logits as a person bends them, step by step."""
    numbers = count()
    return lambda logits: choose_greedy(intervention(logits, next(numbers)))


def sample(logits: Tensor, rng: Generator | None = None, share: tuple[int, int] = (0, 1)) -> Tensor:
    """Draw edits with the policy's probabilities.

    Args:
        logits: ``(B,A,H,W)``.
        rng: where randomness comes from, on the logits' device.
        share: (rank, ranks): this batch is that part of a larger one, and draws what it would have
            drawn as such; so the number of devices does not change what is learned.

    Returns:
        ``(B,H,W)`` int64.
    """
    batch, actions, height, width = logits.shape
    rank, ranks = share
    drawn = torch.rand((ranks * batch, 1, height, width), generator=rng, device=logits.device)
    drawn = drawn[rank * batch : (rank + 1) * batch]
    below = logits.softmax(1).cumsum(1) <= drawn
    return below.sum(1).clamp(max=actions - 1)


def rollout(
    world: Environment,
    policy: Policy,
    scene: Scene,
    choose: Choose = sample,
    *,
    through: int = 1,
) -> Iterator[Transition]:
    """Play an episode, one step each time a step is asked for.

    The image passes on without gradient, and so does the memory, as in the official code: steps are
    independent graphs. With ``through``, the memory's gradient flows through so many steps.

    Args:
        world: the task.
        policy: the network.
        scene: maps ``(B,K,H,W)``, ``image`` among them.
        choose: how to choose from logits.
        through: after every so many steps the memory is cut from its graph.

    Yields:
        ``world.length`` steps.
    """
    image, memory = scene["image"], None
    for number in range(1, world.length + 1):
        with exact(image.device):
            observation = world.observe(image, scene)
        output = policy(observation, memory)
        choice = choose(output.logits.detach())
        with torch.no_grad(), exact(image.device):
            after = world.step(image, choice, scene)
        yield Transition(image, output, choice, after)
        image = after
        memory = output.memory
        if memory is not None and number % through == 0:
            memory = memory.detach()


def straight_through(
    world: EnvironmentModel, steps: Sequence[Transition], scene: Scene
) -> list[Transition]:
    """Play a window's choices once more, so that its images carry gradient to what chose them.

    Every image stays as it is. Its gradient reaches the logits as if each pixel had been the
    mixture of its candidates by probability (the straight-through estimator of Bengio et al. 2013),
    at that step and, through the edits, at all steps before it in the window.

    Args:
        world: a task.
        steps: the window.
        scene: maps ``(B,K,H,W)``.

    Returns:
        The same steps, with images that carry gradient.
    """
    image, found = steps[0].before, []
    for step in steps:
        with exact(image.device):
            candidates = world.candidates(image, scene)
            shares = step.output.logits.softmax(1)
            zero = torch.einsum("bahw,bachw->bchw", shares - shares.detach(), candidates.detach())
            after = world.step(image, step.choice, scene) + zero
        found.append(Transition(image, step.output, step.choice, after))
        image = after
    return found


def split_windows(steps: Iterator[Transition], size: int) -> Iterator[list[Transition]]:
    """Gather steps in lists of at most ``size``, each played only when asked for."""
    while window := list(islice(steps, size)):
        yield window


def replay(world: Environment, choices: Tensor, scene: Scene) -> Iterator[Tensor]:
    """Play recorded or altered choices again.

    Args:
        world: the task.
        choices: ``(T,B,H,W)`` int64.
        scene: maps ``(B,K,H,W)``, ``image`` among them.

    Yields:
        The image after each step, ``(B,C,H,W)``; the last is the result.

    Raises:
        MapError: the choices do not fit the image.
    """
    image = scene["image"]
    wanted = (image.shape[0], *image.shape[-2:])
    if choices.ndim != 4 or choices.shape[1:] != wanted:
        raise MapError(
            f"choices: expected (T, {', '.join(map(str, wanted))}) for this image,"
            f" got {tuple(choices.shape)}."
        )
    for choice in choices:
        with torch.no_grad(), exact(image.device):
            image = world.step(image, choice, scene)
        yield image
