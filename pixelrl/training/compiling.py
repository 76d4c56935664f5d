"""What `torch.compile` makes faster of learning, where all crops have one size."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import torch

from pixelrl.errors import ConfigError
from pixelrl.rl.goal import GoalNet
from pixelrl.rl.goal_environment import Candidates
from pixelrl.rl.playing import Network
from pixelrl.rl.rollout import Policy
from pixelrl.settings import Run
from pixelrl.task import Task


class Compiled(NamedTuple):
    """Hold what is called in place of the parts of an episode; None for those parts themselves.

    Attributes:
        policy: the network.
        goal: the network that learns the goal.
        candidates: what every edit would do.
    """

    policy: Policy | None = None
    goal: Callable[..., Any] | None = None
    candidates: Candidates | None = None


class Learner(Protocol):
    """Name the parts of a module that can be compiled."""

    task: Task
    policy: Network
    learner: GoalNet | None


def compile_parts(run: Run, module: Learner) -> Compiled:
    """Compile what the settings name; that happens when it is called for the first time.

    Weights are shared with what is compiled, and checkpoints know nothing of it.

    Raises:
        ConfigError: nothing can be compiled on this machine.
    """
    if run.compile == "off":
        return Compiled()
    check_compiler(run.compile)
    found = Compiled()
    if run.compile in {"policy", "step"}:
        goal = _compile(module.learner.forward) if module.learner is not None else None
        found = found._replace(policy=_compile(module.policy.forward), goal=goal)
    if run.compile in {"edits", "step"}:
        found = found._replace(candidates=_compile(module.task.candidates))
    return found


def check_compiler(kind: str) -> None:
    """Compile a sum, to see whether that works here.

    Raises:
        ConfigError: it does not.
    """
    try:
        torch.compile(torch.add)(torch.zeros(2), 1.0)
    except Exception as error:  # whichever of the many parts that a compiler has is missing
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ConfigError(
            f"run.compile={kind}: torch.compile does not work here ({reason}); install a C++"
            " compiler, or set run.compile=off."
        ) from error


def _compile(call: Callable[..., Any]) -> Callable[..., Any]:
    compiled: Callable[..., Any] = torch.compile(call, dynamic=False)

    def call_compiled(*words: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever is compiled
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # how the compiler traces tells a person nothing
            return compiled(*words, **named)

    return call_compiled
