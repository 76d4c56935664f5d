"""The first phase of agents that have a teacher: they choose as it would where they are."""

from collections.abc import Iterator, Sequence
from itertools import chain

import torch
from torch import Tensor
from torch.nn import functional as F

from pixelrl.errors import MapError
from pixelrl.maps import Scene, exact
from pixelrl.rl.rollout import Transition, choose_greedy
from pixelrl.task import Task
from pixelrl.training.parts import Part

DOUBTED = 0.1
"""The share of probability that agents leave to other edits (label smoothing, Szegedy et al. 2016):
reinforcement has nothing to begin at where every other edit is ruled out."""


def imitate_parts(
    task: Task, parts: Sequence[Part], found: list[dict[str, Tensor]]
) -> Iterator[Tensor]:
    """Compute the loss of each part of a batch, a scalar, when it is asked for.

    Episodes are the agents' own, and the teacher tells at every step what it would have done there
    (DAgger, Ross et al. 2011): so agents also learn what to do where their own mistakes lead.

    Args:
        task: knows the teacher.
        parts: of the batch.
        found: takes each part's loss and how often agents agree, detached scalars by name.
    """
    for scene, _, windows in parts:
        loss, agreement = imitation_loss(task, list(chain.from_iterable(windows)), scene)
        found.append({"imitation": loss.detach(), "agreement": agreement})
        yield loss


def imitation_loss(task: Task, steps: Sequence[Transition], scene: Scene) -> tuple[Tensor, Tensor]:
    """Compare what agents choose with what the teacher would have chosen.

    Args:
        task: knows the teacher.
        steps: T transitions of one episode.
        scene: maps ``(B,K,H,W)``.

    Returns:
        The cross-entropy of the policy, and the share of pixels whose likeliest edit is the
        teacher's; the mean over steps and pixels, scalars.

    Raises:
        MapError: the teacher answers no choices.
    """
    losses, agreements = [], []
    for step in steps:
        wanted = ask_teacher(task, step.before, scene)
        logits = step.output.logits
        losses.append(F.cross_entropy(logits, wanted, label_smoothing=DOUBTED))
        agreements.append((choose_greedy(logits.detach()) == wanted).float().mean())
    return torch.stack(losses).mean(), torch.stack(agreements).mean()


@torch.no_grad()
def ask_teacher(task: Task, image: Tensor, scene: Scene) -> Tensor:
    """Ask a task what its teacher would choose now, ``(B,H,W)`` int64.

    Raises:
        MapError: it answers something else.
    """
    with exact(image.device):
        wanted = task.demonstrate(image, scene)
    batch, _, height, width = image.shape
    if wanted.dtype != torch.int64 or wanted.shape != (batch, height, width):
        raise MapError(
            f"demonstrate: expected choices ({batch},{height},{width}) of int64, got"
            f" {tuple(wanted.shape)} of {wanted.dtype}."
        )
    return wanted
