"""A rollout is a loop: observe, ask the policy, choose, edit.

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
"""From an observation ``(B,K,H,W)`` and a memory to an output."""

Choose = Callable[[Tensor], Tensor]
"""From logits ``(B,A,H,W)`` to a choice ``(B,H,W)`` int64."""

Intervention = Callable[[Tensor, int], Tensor]
"""From logits ``(B,A,H,W)`` and a step's number to the logits a person would rather have."""


class Environment(Protocol):
    """Name the part of a task that a rollout needs."""

    @property
    def length(self) -> int:
        """Steps of an episode."""

    def observe(self, image: Tensor, scene: Scene) -> Tensor:
        """Tell what the network sees, ``(B,K,H,W)``, of an image ``(B,C,H,W)``."""

    def step(self, image: Tensor, choice: Tensor, scene: Scene) -> Tensor:
        """Let each pixel take its choice ``(B,H,W)``; returns the next image ``(B,C,H,W)``."""


class EnvironmentModel(Environment, Protocol):
    """Name an environment that also tells what every edit would do."""

    def candidates(self, image: Tensor, scene: Scene) -> Tensor:
        """Compute what every edit would make of the image, ``(B,A,C,H,W)``."""


@dataclass(frozen=True)
class Transition:
    """Hold one step of an episode.

    Attributes:
        before: ``(B,C,H,W)``.
        output: what the network answered.
        choice: ``(B,H,W)`` int64.
        after: ``(B,C,H,W)``.

    Example:
        >>> from pixelrl.rl.network import PolicyValueNet
        >>> from pixelrl_tasks.denoising import Denoising
        >>> net, scene = PolicyValueNet(1, 9, width=8), {"image": torch.zeros(2, 1, 16, 16)}
        >>> step = next(rollout(Denoising(), net, scene))
        >>> step.output.logits.shape, step.choice.shape, float((255 * step.after).abs().max())
        (torch.Size([2, 9, 16, 16]), torch.Size([2, 16, 16]), 1.0)
    """

    before: Tensor
    output: PolicyOutput
    choice: Tensor
    after: Tensor


def choose_greedy(logits: Tensor) -> Tensor:
    """Choose the likeliest edit, ``(B,A,H,W)`` to ``(B,H,W)``.

    Example:
        >>> choose_greedy(torch.tensor([0.1, 2.0, -1.0])[None, :, None, None])
        tensor([[[1]]])
    """
    return logits.max(1).indices  # what `argmax` answers, in a sixth of its time on CPUs


def choose_under(intervention: Intervention) -> Choose:
    """Choose the likeliest edit of one episode's logits as a person bends them, step by step.

    Example:
        >>> def forbid_first(logits, step):
        ...     return logits.index_fill(1, torch.tensor([0]), -torch.inf) if step else logits
        >>> choose = choose_under(forbid_first)  # from the second step on
        >>> logits = torch.tensor([2.0, 1.0])[None, :, None, None]
        >>> [int(choose(logits)) for _ in range(3)]
        [0, 1, 1]
    """
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

    Example:
        >>> logits = torch.tensor([0.3, 0.7]).log()[None, :, None, None].expand(1, 2, 100, 100)
        >>> choice = sample(logits, Generator().manual_seed(0))
        >>> choice.shape, round(float(choice.float().mean()), 1)  # the share of the second edit
        (torch.Size([1, 100, 100]), 0.7)
    """
    batch, actions, height, width = logits.shape
    rank, ranks = share
    drawn = torch.rand((ranks * batch, 1, height, width), generator=rng, device=logits.device)
    drawn = drawn[rank * batch : (rank + 1) * batch]
    below = logits.softmax(1).cumsum(1) <= drawn
    return below.sum(1).clamp(max=actions - 1)


def rollout(
    environment: Environment,
    policy: Policy,
    scene: Scene,
    choose: Choose = sample,
    *,
    through: int = 1,
) -> Iterator[Transition]:
    """Roll out an episode, one transition each time one is asked for.

    The image passes on without gradient, and so does the memory, as in the official code: steps are
    independent graphs. With ``through``, the memory's gradient flows through so many steps.

    Args:
        environment: the task.
        policy: the network.
        scene: maps ``(B,K,H,W)``, ``image`` among them.
        choose: how to choose from logits.
        through: after every so many steps the memory is cut from its graph.

    Yields:
        ``environment.length`` transitions.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> logits = torch.eye(9)[2][None, :, None, None].expand(1, 9, 8, 8)  # prefers "+1"
        >>> policy = lambda observation, memory: PolicyOutput(logits, None, None)
        >>> scene = {"image": torch.zeros(1, 1, 8, 8)}
        >>> steps = list(rollout(Denoising(), policy, scene, choose_greedy))
        >>> len(steps), 255 * steps[-1].after[0, 0, 0, 0]
        (5, tensor(5.))
    """
    image, memory = scene["image"], None
    for number in range(1, environment.length + 1):
        step = take_step(environment, policy, image, memory, scene, choose)
        yield step
        image, memory = step.after, step.output.memory
        if memory is not None and number % through == 0:
            memory = memory.detach()


def take_step(
    environment: Environment,
    policy: Policy,
    image: Tensor,
    memory: Tensor | None,
    scene: Scene,
    choose: Choose,
) -> Transition:
    """Take one step of an episode.

    Args:
        environment: the task.
        policy: the network.
        image: ``(B,C,H,W)``, as it stands.
        memory: the policy's last; None at the first step.
        scene: maps ``(B,K,H,W)``, ``image`` among them.
        choose: how to choose from logits.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> policy = lambda observation, memory: PolicyOutput(torch.zeros(1, 9, 8, 8), None, None)
        >>> image = torch.zeros(1, 1, 8, 8)
        >>> step = take_step(Denoising(), policy, image, None, {"image": image}, choose_greedy)
        >>> 255 * step.after[0, 0, 0, 0]  # all are equally likely; the first is "-1"
        tensor(-1.)
    """
    with exact(image.device):
        observation = environment.observe(image, scene)
    output = policy(observation, memory)
    choice = choose(output.logits.detach())
    with torch.no_grad(), exact(image.device):
        after = environment.step(image, choice, scene)
    return Transition(image, output, choice, after)


def straight_through(
    environment: EnvironmentModel, steps: Sequence[Transition], scene: Scene
) -> list[Transition]:
    """Roll a window's choices out once more, so that its images carry gradient to what chose them.

    Every image stays as it is. Its gradient reaches the logits as if each pixel had been the
    mixture of its candidates by probability (the straight-through estimator of Bengio et al. 2013),
    at that step and, through the edits, at all steps before it in the window.

    Args:
        environment: a task.
        steps: the window.
        scene: maps ``(B,K,H,W)``.

    Returns:
        The same steps, with images that carry gradient.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> task, scene = Denoising(length=1), {"image": torch.zeros(1, 1, 8, 8)}
        >>> logits = torch.zeros(1, 9, 8, 8, requires_grad=True)
        >>> steps = list(rollout(task, lambda *_: PolicyOutput(logits, None, None), scene))
        >>> straight_through(task, steps, scene)[0].after.sum().backward()
        >>> logits.grad[0, [0, 2], 4, 4] > 0  # a brighter image wants less of "-1", more of "+1"
        tensor([False,  True])
    """
    image, found = steps[0].before, []
    for step in steps:
        with exact(image.device):
            with torch.no_grad():
                candidates = environment.candidates(image, scene)
            shares = step.output.logits.softmax(1)
            zero = torch.einsum("bahw,bachw->bchw", shares - shares.detach(), candidates)
            after = environment.step(image, step.choice, scene) + zero
        found.append(Transition(image, step.output, step.choice, after))
        image = after
    return found


def split_windows(steps: Iterator[Transition], size: int) -> Iterator[list[Transition]]:
    """Gather transitions in lists of at most ``size``, each rolled out only when asked for.

    Example:
        >>> [len(window) for window in split_windows(iter(range(15)), 6)]  # any iterator will do
        [6, 6, 3]
    """
    while window := list(islice(steps, size)):
        yield window


def replay(environment: Environment, choices: Tensor, scene: Scene) -> Iterator[Tensor]:
    """Replay recorded or altered choices.

    Args:
        environment: the task.
        choices: ``(T,B,H,W)`` int64.
        scene: maps ``(B,K,H,W)``, ``image`` among them.

    Yields:
        The image after each step, ``(B,C,H,W)``; the last is the result.

    Raises:
        MapError: the choices do not fit the image.

    Example:
        >>> from pixelrl_tasks.denoising import Denoising
        >>> choices = torch.full((3, 1, 8, 8), 2)  # "+1" everywhere, three times
        >>> images = list(replay(Denoising(), choices, {"image": torch.zeros(1, 1, 8, 8)}))
        >>> [round(255 * float(image.mean())) for image in images]
        [1, 2, 3]
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
            image = environment.step(image, choice, scene)
        yield image
