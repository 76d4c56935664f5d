"""The LightningModule: roll out an episode, learn from it window by window."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from numpy.random import SeedSequence
from torch import Generator, Tensor

from pixelrl.maps import Scene, check_scene, exact
from pixelrl.rl.estimators import ESTIMATORS, window_losses
from pixelrl.rl.losses import Losses
from pixelrl.rl.network import PolicyValueNet
from pixelrl.rl.returns import RewardMapConv
from pixelrl.rl.rollout import (
    Choose,
    Environment,
    Intervention,
    Policy,
    Transition,
    choose_greedy,
    choose_under,
    rollout,
    sample,
    split_windows,
)
from pixelrl.rl.tiling import tile_environment, tile_policy
from pixelrl.rl.trace import Edited, Trace, record_step, stack_steps
from pixelrl.settings import Learning
from pixelrl.task import Task, reward_map
from pixelrl.training.base import BaseModule
from pixelrl.training.divergence import check_loss


class PixelA3C(BaseModule):
    """Train one agent per pixel by A3C with reward-map convolution.

    An epoch is the whole run and a batch is an episode, so the batch's number is the episode's.
    Everything random about an episode is drawn from a generator seeded with that number: a run does
    the same however often it is stopped and resumed, on however many devices.

    Args:
        task: what to learn.
        policy: the network.
        learning: the learning rule.
        seed: the run's seed.
        tile: side of the tiles that larger images are edited in, in pixels; 0 for never.
    """

    def __init__(
        self,
        task: Task,
        policy: PolicyValueNet,
        learning: Learning,
        *,
        seed: int = 0,
        tile: int = 0,
    ) -> None:
        super().__init__(learning)
        self.task = task
        self.policy = policy
        self.seed = seed
        self.tile = tile
        # Under its setting's name, by which checkpoints know it.
        self.spread = RewardMapConv(learning.spread) if learning.spread else None

    @property
    def reward_map_conv(self) -> RewardMapConv | None:
        """The learned convolution that spreads returns to neighbors; None if there is none."""
        return self.spread

    # Learning

    def training_step(self, scene: Scene, episode: int) -> None:
        """Roll out one episode on a batch ``(B,K,H,W)`` and learn from each window as it ends.

        Raises:
            ConfigError: the task does not have what the estimator asks for.
            MapError: the scene's maps are not aligned.
        """
        check_scene(scene, self.task.channels)
        choose: Choose = partial(sample, rng=self._rng(episode), share=self._share())
        if ESTIMATORS[self.learning.estimator].greedy:
            choose = choose_greedy
        done = 0
        sums: dict[str, Tensor] = {}
        for steps in split_windows(
            rollout(self.task, self.policy, scene, choose), self.learning.window
        ):
            done += len(steps)
            parts = self.learn(steps, scene, last=done == self.task.length, episode=episode)
            sums = {name: sums.get(name, 0) + part for name, part in parts.items()}
        logged = {f"train/{name}": part for name, part in sums.items()}
        self.log_dict({**logged, "train/rate": self.end_batch()}, sync_dist=True, prog_bar=False)

    def learn(
        self, steps: Sequence[Transition], scene: Scene, *, last: bool, episode: int = 0
    ) -> dict[str, Tensor]:
        """Update the weights from a window of steps.

        Args:
            steps: the window.
            scene: the episode's maps.
            last: whether the episode ends with the window; if not, the value stands for its rest.
            episode: its number, from zero.

        Returns:
            The parts of the loss and the mean reward, detached scalars.

        Raises:
            ConfigError: the task does not have what the estimator asks for.
        """
        parts, reward = self.parts(steps, scene, last=last)
        loss = self.total(parts)
        if self.device.type == "cpu":  # elsewhere looking would make the device wait
            check_loss(loss, self.task, steps, scene, episode)
        self.update(loss)
        named = {**parts._asdict(), "reward": reward}
        return {name: part.detach() for name, part in named.items()}

    def parts(
        self, steps: Sequence[Transition], scene: Scene, *, last: bool
    ) -> tuple[Losses, Tensor]:
        """Compute the losses of a window of steps, and its mean reward, all scalars.

        Raises:
            ConfigError: the task does not have what the estimator asks for.
        """
        rule = self.learning
        myopic = last or rule.gamma == 0  # nothing after the window counts
        bootstrap = None if myopic else self.value_of(steps[-1], scene)
        return window_losses(
            self.task,
            steps,
            scene,
            rule,
            reward_map_conv=self.reward_map_conv,
            bootstrap=bootstrap,
        )

    def total(self, parts: Losses) -> Tensor:
        """Weigh the parts of the loss into the one scalar that is minimized."""
        rule = self.learning
        return parts.policy + rule.value * parts.value - rule.entropy * parts.entropy

    def value_of(self, step: Transition, scene: Scene) -> Tensor:
        """Expect the return after a step, ``(B,1,H,W)``, without gradient."""
        with torch.no_grad():
            with exact(self.device):
                observation = self.task.observe(step.after, scene)
            return self.policy.value(observation)

    # Editing

    @torch.inference_mode()
    def edit(
        self,
        scene: Scene,
        *,
        with_reward: bool = False,
        with_trace: bool = False,
        intervention: Intervention | None = None,
    ) -> Edited:
        """Edit images with the likeliest edits; no target is looked at.

        Args:
            scene: maps ``(B,K,H,W)``, ``image`` among them.
            with_reward: whether to sum up the rewards, for which the scene needs its target.
            with_trace: whether to keep the image and the maps of every step.
            intervention: a person's say in what the agents choose.

        Returns:
            The finished images, the choices, and the rewards and trace if asked for.

        Raises:
            MapError: the task's reward is no reward map, or the image is too small for its edits.
        """
        environment, policy = self._at_size(scene["image"], with_value=with_trace)
        choices: list[Tensor] = []
        kept: list[Trace] = []
        image = scene["image"]
        reward = image.new_full((image.shape[0],), 0.0 if with_reward else torch.nan)
        choose = choose_greedy if intervention is None else choose_under(intervention)
        for step in rollout(environment, policy, scene, choose):
            choices.append(step.choice)
            rewards = reward_map(self.task, step.before, step.after, scene) if with_reward else None
            if rewards is not None:
                reward = reward + rewards.mean((1, 2, 3))
            if with_trace:
                kept.append(record_step(step, rewards))
            image = step.after
        trace = stack_steps(scene["image"], kept) if with_trace else None
        return Edited(image, torch.stack(choices), reward, trace)

    def validation_step(self, scene: Scene, index: int) -> dict[str, Any]:
        """Score the edits of one batch; hand them to the callbacks."""
        edited = self.edit(scene, with_reward=True)
        scores = {**self.task.scores(edited.image, scene), "reward": edited.reward}
        self.log_validation(scores)
        return {"edited": edited}

    def test_step(self, scene: Scene, index: int) -> dict[str, Any]:
        """Edit and score one batch, before and after, ``(B,)`` per name."""
        edited = self.edit(scene, with_reward=True, with_trace=True)
        before = self.task.scores(scene["image"], scene)
        scores = {f"input_{name}": score for name, score in before.items()}
        scores.update(self.task.scores(edited.image, scene))
        return {"edited": edited, "scores": {**scores, "reward": edited.reward}}

    def predict_step(self, scene: Scene, index: int) -> Edited:
        """Edit one batch."""
        return self.edit(scene, with_trace=True)

    # Parts of the above

    def _rng(self, episode: int) -> Generator:
        seed = SeedSequence((self.seed, episode)).generate_state(1, "uint64").item()
        return Generator(self.device).manual_seed(seed >> 1)

    def _share(self) -> tuple[int, int]:
        return self.trainer.global_rank, self.trainer.world_size

    def _at_size(self, image: Tensor, *, with_value: bool) -> tuple[Environment, Policy]:
        """Choose environment and policy for images of this size: in tiles if they are larger."""
        policy = partial(self.policy, with_value=with_value)
        environment = tile_environment(self.task, image, self.tile)
        if environment is self.task:
            return environment, policy
        return environment, tile_policy(policy, reach=self.policy.reach, tile=self.tile)
