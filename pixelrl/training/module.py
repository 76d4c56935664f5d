"""The LightningModule: play an episode, learn from it window by window."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from numpy.random import SeedSequence
from torch import Generator, Tensor

from pixelrl.maps import Scene, check_scene, exact
from pixelrl.oracle import prices
from pixelrl.rl.estimators import Losses, expected_losses, losses, pathwise_losses, priced_losses
from pixelrl.rl.network import PolicyValueNet
from pixelrl.rl.returns import RewardMapConv, return_maps
from pixelrl.rl.rollout import (
    Choose,
    Guide,
    Policy,
    Step,
    World,
    best,
    guided,
    play,
    sample,
    tied,
    windows,
)
from pixelrl.rl.tiling import tiled_policy, world_for
from pixelrl.rl.trace import Layers, seen, stacked
from pixelrl.settings import Learning
from pixelrl.task import Task, reward_map
from pixelrl.training.base import Learner


class Edited(NamedTuple):
    """Hold a finished image and how it came about.

    Attributes:
        image: ``(B,C,H,W)``.
        choices: ``(T,B,H,W)`` int64.
        reward: ``(B,)``, the mean over pixels of the rewards earned; NaN if not asked for.
        layers: what the episode looked like; None if not asked for.
    """

    image: Tensor
    choices: Tensor
    reward: Tensor
    layers: Layers | None = None


class PixelA3C(Learner):
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
        self.guide: Guide | None = None  # what predict_step obeys
        self.spread = RewardMapConv(learning.spread) if learning.spread else None

    # Learning

    def training_step(self, scene: Scene, episode: int) -> None:
        """Play one episode on a batch ``(B,K,H,W)`` and learn from each window as it ends."""
        check_scene(scene, self.task.channels)
        choose: Choose = partial(sample, rng=self._rng(episode), share=self._share())
        if self.learning.estimator == "priced":
            choose = best  # all edits are priced: nothing is learned from trying worse ones
        seen = 0
        sums: dict[str, Tensor] = {}
        for steps in windows(play(self.task, self.policy, scene, choose), self.learning.window):
            seen += len(steps)
            parts = self.learn(steps, scene, last=seen == self.task.length)
            sums = {name: sums.get(name, 0) + part for name, part in parts.items()}
        logged = {f"train/{name}": part for name, part in sums.items()}
        self.log_dict({**logged, "train/rate": self.end_batch()}, sync_dist=True, prog_bar=False)

    def learn(self, steps: Sequence[Step], scene: Scene, *, last: bool) -> dict[str, Tensor]:
        """Update the weights from a window of steps.

        Args:
            steps: the window.
            scene: the episode's maps.
            last: whether the episode ends with the window; if not, the value stands for its rest.

        Returns:
            The parts of the loss and the mean reward, detached scalars.
        """
        parts, reward = self.parts(steps, scene, last=last)
        self.update(self.total(parts))
        named = {**parts._asdict(), "reward": reward}
        return {name: part.detach() for name, part in named.items()}

    def parts(self, steps: Sequence[Step], scene: Scene, *, last: bool) -> tuple[Losses, Tensor]:
        """Compute the losses of a window of steps, and its mean reward, all scalars."""
        rule = self.learning
        myopic = last or rule.gamma == 0  # what is beyond counts for nothing
        beyond = None if myopic else self.value_of(steps[-1], scene)
        with exact(self.device):
            if rule.estimator == "pathwise":
                steps = tied(self.task, steps, scene)
            rewards = torch.stack([self._earned(step, scene) for step in steps])
            returns = return_maps(rewards.detach(), rule.gamma, self.spread, beyond)
            reward = rewards.sum(0).mean()
            if rule.estimator == "pathwise":
                return pathwise_losses(steps, returns, rewards, rule.gamma), reward
            if rule.estimator == "sampled":
                return losses(steps, returns), reward
            worth = torch.stack([prices(self.task, step.before, scene) for step in steps])
            if rule.estimator == "priced":
                return priced_losses(steps, returns, worth, rule.temperature), reward
            return expected_losses(steps, returns, rewards, worth), reward

    def total(self, parts: Losses) -> Tensor:
        """Weigh the parts of the loss into the one scalar that is minimized."""
        rule = self.learning
        return parts.policy + rule.value * parts.value - rule.entropy * parts.entropy

    def value_of(self, step: Step, scene: Scene) -> Tensor:
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
        with_layers: bool = False,
        guide: Guide | None = None,
    ) -> Edited:
        """Edit images with the likeliest edits; no target is looked at.

        Args:
            scene: maps ``(B,K,H,W)``, ``image`` among them.
            with_reward: whether to sum up the rewards, for which the scene needs its target.
            with_layers: whether to keep the image and the maps of every step.
            guide: a person's say in what the agents choose.

        Returns:
            The finished images, the choices, and the rewards and layers if asked for.
        """
        world, policy = self._at_size(scene["image"], with_value=with_layers)
        choices: list[Tensor] = []
        kept: list[Layers] = []
        image = scene["image"]
        reward = image.new_full((image.shape[0],), 0.0 if with_reward else torch.nan)
        choose = best if guide is None else guided(guide)
        for step in play(world, policy, scene, choose):
            choices.append(step.choice)
            earned = self._earned(step, scene) if with_reward else None
            if earned is not None:
                reward = reward + earned.mean((1, 2, 3))
            if with_layers:
                kept.append(seen(step, earned))
            image = step.after
        layers = stacked(scene["image"], kept) if with_layers else None
        return Edited(image, torch.stack(choices), reward, layers)

    def validation_step(self, scene: Scene, index: int) -> dict[str, Any]:
        """Score the edits of one batch; hand them to the callbacks."""
        edited = self.edit(scene, with_reward=True)
        scores = {**self.task.scores(edited.image, scene), "reward": edited.reward}
        self.log_validation(scores)
        return {"edited": edited}

    def test_step(self, scene: Scene, index: int) -> dict[str, Any]:
        """Edit and score one batch, before and after, ``(B,)`` per name."""
        edited = self.edit(scene, with_reward=True, with_layers=True)
        before = self.task.scores(scene["image"], scene)
        scores = {f"input_{name}": score for name, score in before.items()}
        scores.update(self.task.scores(edited.image, scene))
        return {"edited": edited, "scores": {**scores, "reward": edited.reward}}

    def predict_step(self, scene: Scene, index: int) -> Edited:
        """Edit one batch."""
        return self.edit(scene, with_layers=True, guide=self.guide)

    # Parts of the above

    def _earned(self, step: Step, scene: Scene) -> Tensor:
        return reward_map(self.task, step.before, step.after, scene)

    def _rng(self, episode: int) -> Generator:
        seed = SeedSequence((self.seed, episode)).generate_state(1, "uint64").item()
        return Generator(self.device).manual_seed(seed >> 1)

    def _share(self) -> tuple[int, int]:
        return self.trainer.global_rank, self.trainer.world_size

    def _at_size(self, image: Tensor, *, with_value: bool) -> tuple[World, Policy]:
        """Choose how to play on images of this size: whole, or in tiles if they are larger."""
        policy = partial(self.policy, with_value=with_value)
        world = world_for(self.task, image, self.tile)
        if world is self.task:
            return world, policy
        return world, tiled_policy(policy, reach=self.policy.reach, tile=self.tile)
