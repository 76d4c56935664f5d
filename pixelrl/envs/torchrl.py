"""A task as a TorchRL environment: a batch of pictures, all of whose pixels act at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pixelrl.config.compose import compose
from pixelrl.envs.pictures import (
    SEEDS,
    Observe,
    Pictures,
    count_seen,
    find_scenes,
    see,
    step_and_pay,
)
from pixelrl.errors import PluginError
from pixelrl.task import Task

try:
    from tensordict import TensorDict, TensorDictBase
    from torchrl.data import Binary, Categorical, Composite, Unbounded
    from torchrl.envs import EnvBase
except ImportError:  # told when an environment is made, so that the module can be looked at
    EnvBase, TensorDictBase = object, Any


class TaskBatchEnv(EnvBase):  # type: ignore[misc]  # TorchRL brings no types
    """Let any algorithm edit a batch of pictures by the rules of a task.

    Keys: ``observation`` ``(B,K,H,W)``, nominally in [0, 1]; ``action`` ``(B,H,W)`` int64, an
    edit's number for every pixel; ``reward`` ``(B,1)``, the mean of ``reward_map`` ``(B,1,H,W)``,
    which is zero after a reset; ``done`` and ``terminated`` ``(B,1)``, true after the task's
    ``length`` steps.

    Args:
        task: the task, or its name, ``denoising`` or ``module:Class``.
        pictures: see `pixelrl.envs.pictures.find_scenes`.
        size: side of the squares that episodes are cut to, in pixels, from 16 on.
        batch: pictures B.
        observe: ``agents`` for what the task's agents see, ``image`` for the pictures alone.
        overrides: the task's settings, such as ``["task.sigma=50"]``, where it is named.
        device: where edits are computed.

    Raises:
        ConfigError: a setting cannot be.
        DataError: a picture is missing, unreadable or too small.
        PluginError: there is no such task, or TorchRL is not installed.
    """

    def __init__(  # noqa: PLR0913 - settings of one thing, by name
        self,
        task: Task | str,
        *,
        pictures: Pictures = None,
        size: int = 64,
        batch: int = 8,
        observe: Observe = "agents",
        overrides: Sequence[str] = (),
        device: str = "cpu",
    ) -> None:
        if EnvBase is object:
            raise PluginError("TorchRL is not installed; pip install 'pixelrl[torchrl]'.")
        super().__init__(device=device, batch_size=[batch])
        self.task = compose(task, overrides=overrides).task if isinstance(task, str) else task
        self.scenes = find_scenes(self.task, pictures, size)
        self.observe = observe
        seen = count_seen(self.task, observe)
        self.observation_spec = Composite(
            observation=Unbounded((batch, seen, size, size)),
            reward_map=Unbounded((batch, 1, size, size)),
            shape=(batch,),
            device=device,
        )
        edits = len(self.task.actions)
        self.action_spec = Categorical(edits, (batch, size, size), device, torch.int64)
        self.reward_spec = Unbounded((batch, 1), device=device)
        self.done_spec = Composite(
            {name: Binary(1, (batch, 1), device, torch.bool) for name in ("done", "terminated")},
            shape=(batch,),
            device=device,
        )
        self.rng = np.random.default_rng()
        self.scene: dict[str, Tensor] = {}
        self.image = torch.zeros(batch, self.task.channels, size, size, device=device)
        self.steps = torch.zeros(batch, 1, dtype=torch.int64, device=device)

    def _reset(self, tensordict: TensorDictBase | None = None, **_: object) -> TensorDictBase:
        """Cut pictures and pose their problems, of those rows that ``_reset`` names, or of all."""
        count = len(self.steps)
        asked = None if tensordict is None else tensordict.get("_reset", None)
        anew = torch.ones(count, dtype=torch.bool) if asked is None else asked.reshape(count).cpu()
        if not self.scene:
            anew = torch.ones_like(anew)
        for row in anew.nonzero().flatten().tolist():
            self._begin(row)
        return self._answer(torch.zeros_like(self.image[:, :1]))

    def _begin(self, row: int) -> None:
        """Put a new scene into a row."""
        index = int(self.rng.integers(len(self.scenes)))
        for name, value in self.scenes[int(self.rng.integers(SEEDS)), index].items():
            if name not in self.scene:
                shape = (len(self.steps), *value.shape)
                self.scene[name] = torch.zeros(shape, device=self.device)
            self.scene[name] = _replaced(self.scene[name], row, value)
        self.image = _replaced(self.image, row, self.scene["image"][row])
        self.steps[row] = 0

    @torch.no_grad()
    def _step(self, tensordict: TensorDictBase) -> TensorDictBase:
        """Let every pixel take its edit."""
        choice = tensordict["action"]
        self.image, paid = step_and_pay(self.task, self.image, choice, self.scene)
        self.steps = self.steps + 1
        answer = self._answer(paid)
        return answer.set("reward", paid.mean((2, 3)))

    def _set_seed(self, seed: int | None) -> None:
        self.rng = np.random.default_rng(seed)

    @torch.no_grad()
    def _answer(self, paid: Tensor) -> TensorDictBase:
        seen = see(self.task, self.image, self.scene, self.observe)
        over = self.steps >= self.task.length
        return TensorDict(
            {
                "observation": seen.clone(),
                "reward_map": paid,
                "done": over,
                "terminated": over.clone(),
            },
            batch_size=self.batch_size,
            device=self.device,
        )


def _replaced(rows: Tensor, row: int, value: Tensor) -> Tensor:
    """Put a value into a row of a copy, since what was handed out may not change."""
    made = rows.clone()
    made[row] = value.to(rows)
    return made
