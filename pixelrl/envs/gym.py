"""A task as a Gymnasium environment: one picture, all of whose pixels act at once.

``import pixelrl.envs.gym`` registers ``pixelrl/Task-v0``, so that ``gymnasium.make`` finds it.
"""

from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, MultiDiscrete
from numpy.typing import NDArray
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
from pixelrl.errors import MapError
from pixelrl.images.files import as_bytes
from pixelrl.maps import NEAR
from pixelrl.task import Task

ID = "pixelrl/Task-v0"
Observation = NDArray[np.float32]
Choice = NDArray[np.int64]


class TaskEnv(gymnasium.Env[Observation, Choice]):
    """Let any algorithm edit a picture by the rules of a task.

    Observations are ``(K,H,W)`` float32, nominally in [0, 1]; episodes may leave that range, and
    what is further away than 16 is shown as 16. An action is ``(H,W)``, an edit's number for every
    pixel. The reward is the mean of the reward map, which ``info["reward_map"]`` holds, ``(H,W)``.
    An episode ends after the task's ``length`` steps; ``info["scores"]`` then tells the scores.

    Args:
        task: the task, or its name, ``denoising`` or ``module:Class``.
        pictures: None for the bundled images, a folder, an array ``(H,W)`` or ``(H,W,C)``, arrays
            by map name, or `pixelrl.settings.Data`.
        size: side of the square that episodes are cut to, in pixels, from 16 on.
        observe: ``agents`` for what the task's agents see, ``image`` for the picture alone.
        overrides: the task's settings, such as ``["task.sigma=50"]``, where it is named.
        render_mode: ``rgb_array`` or None.

    Raises:
        ConfigError: a setting cannot be.
        DataError: a picture is missing, unreadable or too small.
        PluginError: there is no such task.

    Example:
        >>> env = TaskEnv("denoising", size=32)
        >>> observation, _ = env.reset(seed=7)
        >>> _, reward, terminated, _, info = env.step(env.action_space.sample())
        >>> observation.shape, terminated, info["reward_map"].shape
        ((1, 32, 32), False, (32, 32))
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 4}  # noqa: RUF012 - theirs

    def __init__(
        self,
        task: Task | str,
        *,
        pictures: Pictures = None,
        size: int = 64,
        observe: Observe = "agents",
        overrides: tuple[str, ...] = (),
        render_mode: str | None = None,
    ) -> None:
        self.task = compose(task, overrides=overrides).task if isinstance(task, str) else task
        self.scenes = find_scenes(self.task, pictures, size)
        self.observe, self.render_mode = observe, render_mode
        seen = count_seen(self.task, observe)
        self.observation_space = Box(-NEAR, NEAR, (seen, size, size), np.float32)
        self.action_space = MultiDiscrete(np.full((size, size), len(self.task.actions)))
        self.scene: dict[str, Tensor] = {}
        self.image = torch.zeros(1, self.task.channels, size, size)
        self.steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Cut a picture and pose its problem.

        Args:
            seed: decides all episodes from here on.
            options: none are known.

        Returns:
            The observation and an empty ``info``.
        """
        super().reset(seed=seed)
        index = int(self.np_random.integers(len(self.scenes)))
        scene = self.scenes[int(self.np_random.integers(SEEDS)), index]
        self.scene = {name: value.unsqueeze(0) for name, value in scene.items()}
        self.image, self.steps = self.scene["image"], 0
        return self._observe(), {}

    @torch.no_grad()
    def step(self, action: Choice) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Let every pixel take its edit.

        Args:
            action: ``(H,W)``, counting into ``task.actions``.

        Returns:
            Observation, reward, whether the episode is over, False, and ``info``.

        Raises:
            MapError: the action is none, or no episode has begun.
        """
        if not self.scene:
            raise MapError("step: no episode has begun; call reset first.")
        chosen = np.asarray(action).astype(np.int64)
        if not self.action_space.contains(chosen):
            raise MapError(
                f"action: expected {self.action_space.shape} whole numbers from 0 to"
                f" {len(self.task.actions) - 1}, got {chosen.shape} from {chosen.min()} to"
                f" {chosen.max()}."
            )
        choice = torch.from_numpy(chosen)[None]
        self.image, paid = step_and_pay(self.task, self.image, choice, self.scene)
        self.steps += 1
        over = self.steps >= self.task.length
        info: dict[str, Any] = {"reward_map": paid[0, 0].numpy().copy()}
        if over:
            found = self.task.scores(self.image, self.scene)
            info["scores"] = {name: float(value[0]) for name, value in found.items()}
        return self._observe(), float(paid.mean()), over, False, info

    def render(self) -> Any:  # noqa: ANN401 - Gymnasium's own type is a variable of the class
        """Show the picture as it stands, ``(H,W,3)`` uint8; None without a render mode."""
        if self.render_mode is None:
            return None
        shown = as_bytes(self.image[0])
        return shown if shown.shape[-1] == 3 else np.repeat(shown[..., :1], 3, axis=-1)

    @torch.no_grad()
    def _observe(self) -> Observation:
        seen = see(self.task, self.image, self.scene, self.observe)
        shown: Observation = seen[0].clamp(-NEAR, NEAR).numpy().copy()
        return shown


if ID not in gymnasium.registry:
    gymnasium.register(ID, "pixelrl.envs.gym:TaskEnv")
