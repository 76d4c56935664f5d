"""The LightningModule: roll out an episode, learn from it window by window."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pixelrl.maps import Scene, check_scene, exact
from pixelrl.oracle import measure_reward_spread
from pixelrl.rl.aim import GoalPolicy, unit
from pixelrl.rl.editing import edit_scene
from pixelrl.rl.estimators import ESTIMATORS, window_losses
from pixelrl.rl.losses import Losses
from pixelrl.rl.playing import Network, make_environment
from pixelrl.rl.returns import RewardMapConv
from pixelrl.rl.rollout import (
    Choose,
    Environment,
    Intervention,
    Transition,
    choose_greedy,
    rollout,
    sample,
    split_windows,
)
from pixelrl.rl.trace import Edited
from pixelrl.settings import Learning
from pixelrl.task import Task
from pixelrl.training.base import BaseModule, Optimization
from pixelrl.training.compiling import Compiled
from pixelrl.training.divergence import check_loss
from pixelrl.training.goal_phase import anchor_loss, average_weights, learn_parts, optimize_first
from pixelrl.training.imitation import imitate_parts
from pixelrl.training.parts import Part, mean_parts, rng_of, split_scene


class PixelA3C(BaseModule):
    """Train one agent per pixel by A3C with reward-map convolution.

    An epoch is the whole run and a batch is an episode, so the batch's number is the episode's. All
    that is random about it is drawn from a generator seeded with that number: a run does the same
    however often it is stopped and resumed, on however many devices.

    Args:
        task: what to learn.
        policy: the network.
        learning: the learning rule.
        seed: the run's seed.
        tile: side of the tiles that larger images are edited in, in pixels; 0 for never.
        accumulate: parts that a batch is learned from, one after the other.
    """

    def __init__(
        self,
        task: Task,
        policy: Network,
        learning: Learning,
        *,
        seed: int = 0,
        tile: int = 0,
        accumulate: int = 1,
    ) -> None:
        super().__init__(learning, accumulate)
        self.task = task
        self.policy = policy
        self.seed = seed
        self.tile = tile
        self.compiled = Compiled()
        # Under its setting's name, by which checkpoints know it.
        self.spread = RewardMapConv(learning.spread) if learning.spread else None
        self.learner = deepcopy(policy.goal) if isinstance(policy, GoalPolicy) else None
        if self.learner is None and ESTIMATORS[learning.estimator].scaled:
            self.register_buffer("reward_spread", torch.zeros(()))

    @property
    def reward_map_conv(self) -> RewardMapConv | None:
        """The learned convolution that spreads returns to neighbors; None if there is none."""
        return self.spread

    # Learning

    def phases(self) -> Sequence[Optimization]:
        """List how the phases are optimized: goal or imitation, if any, and reinforcement."""
        rule, found = self.learning, []
        if rule.first_batches:
            found.append(optimize_first(self.learner or self.policy, rule))
        if rule.episodes:
            learned = [part for part in (self.policy, self.spread) if part is not None]
            found.append(self.published(learned))
        return found

    def training_step(self, scene: Scene, batch: int) -> None:
        """Learn from a batch ``(B,K,H,W)``, as the phase it is in wants.

        Raises:
            ConfigError: the task does not have what the estimator asks for.
            MapError: its maps are not aligned.
        """
        check_scene(scene, self.task.channels)
        if batch == 0:
            self._measure(scene)
        first = self.learn_imitation if self.learner is None else self.learn_goal
        begins = batch < self.learning.first_batches
        self.phase = 0 if begins else -1
        logged = (first if begins else self.learn_episode)(scene, batch)
        named = {f"train/{name}": part for name, part in logged.items()}
        self.log_dict({**named, "train/rate": self.end_batch()}, sync_dist=True, prog_bar=False)

    def learn_goal(self, scene: Scene, batch: int) -> dict[str, Tensor]:
        """Update the goal from a batch ``(B,K,H,W)``; returns the parts of the loss, scalars.

        Raises:
            TypeError: the network has no goal.
        """
        policy, learner = self.policy, self.learner
        if learner is None or not isinstance(policy, GoalPolicy):
            raise TypeError("a network without a goal cannot learn one.")
        found: list[dict[str, Tensor]] = []
        net, scenes = self.compiled.goal or learner, split_scene(scene, self.accumulate)
        spread, ssim = policy.reward_spread, self.learning.goal_ssim
        self.update(learn_parts(self.task, net, scenes, spread, ssim, found))
        average_weights(policy.goal, learner, batch)
        return mean_parts(found)

    def learn_imitation(self, scene: Scene, episode: int) -> dict[str, Tensor]:
        """Imitate the teacher in an episode on ``(B,K,H,W)``; returns the loss's parts, scalars."""
        found: list[dict[str, Tensor]] = []
        self.update(imitate_parts(self.task, self._begin(scene, episode), found))
        return mean_parts(found)

    def learn_episode(self, scene: Scene, episode: int) -> dict[str, Tensor]:
        """Roll out an episode on ``(B,K,H,W)``; returns the sums of window losses, scalars."""
        parts = self._begin(scene, episode)
        length, window = self.task.length, self.learning.window
        sums: dict[str, Tensor] = {}
        for done in range(window, length + window, window):
            found: list[dict[str, Tensor]] = []
            self.update(self._losses(parts, found, last=done >= length, episode=episode))
            sums = {name: sums.get(name, 0) + part for name, part in mean_parts(found).items()}
        return sums

    def _begin(self, scene: Scene, episode: int) -> list[Part]:
        """Begin the episode of each part of a batch ``(B,K,H,W)``."""
        shares = self.trainer.world_size * self.accumulate
        first = self.trainer.global_rank * self.accumulate
        through = self.learning.window if self.learner is not None else 1
        policy, made, found = self.compiled.policy or self.policy, self.compiled.candidates, []
        for number, part in enumerate(split_scene(scene, self.accumulate), first):
            rng = rng_of(self.seed, episode, self.device)
            choose: Choose = partial(sample, rng=rng, share=(number, shares))
            if ESTIMATORS[self.learning.estimator].greedy:
                choose = choose_greedy
            environment = make_environment(self.task, self.policy, candidates=made)
            steps = rollout(environment, policy, part, choose, through=through)
            found.append(Part(part, environment, split_windows(steps, self.learning.window)))
        return found

    def _losses(
        self, parts: Sequence[Part], found: list[dict[str, Tensor]], *, last: bool, episode: int
    ) -> Iterator[Tensor]:
        """Compute the loss of the next window of each part, and note what it is made of.

        Args:
            parts: of the batch.
            found: takes the parts of each loss and the mean reward, detached scalars.
            last: whether the episode ends with the window; if not, the value stands for its rest.
            episode: its number, from zero.
        """
        for scene, environment, windows in parts:
            steps = next(windows)
            losses, reward = self.parts(steps, scene, last=last, environment=environment)
            spread, ssim = self._spread(), self.learning.goal_ssim
            loss = self.total(losses) + anchor_loss(self.task, steps[0], scene, spread, ssim)
            if self.device.type == "cpu":  # elsewhere looking would make the device wait
                check_loss(loss, self.task, steps, scene, episode)
            named = {**losses._asdict(), "reward": reward}
            found.append({name: value.detach() for name, value in named.items()})
            yield loss

    def parts(
        self,
        steps: Sequence[Transition],
        scene: Scene,
        *,
        last: bool,
        environment: Environment | None = None,
    ) -> tuple[Losses, Tensor]:
        """Compute the losses of a window of steps, and its mean reward, all scalars.

        Raises:
            ConfigError: the task does not have what the estimator asks for.
        """
        rule = self.learning
        myopic = last or rule.gamma == 0  # nothing after the window counts
        bootstrap = None if myopic else self.value_of(steps[-1], scene, environment)
        return window_losses(
            self.task,
            steps,
            scene,
            rule,
            reward_map_conv=self.reward_map_conv,
            bootstrap=bootstrap,
            unit=self._unit(),
        )

    def total(self, parts: Losses) -> Tensor:
        """Weigh the parts of the loss into the one scalar that is minimized.

        Of agents that aim, the policy's part counts in units of the reward, as the goal's does.
        """
        rule = self.learning
        aims = isinstance(self.policy, GoalPolicy) and not ESTIMATORS[rule.estimator].scaled
        policy = parts.policy / self._unit() if aims else parts.policy
        return policy + rule.value * parts.value - rule.entropy * parts.entropy

    def value_of(
        self, step: Transition, scene: Scene, environment: Environment | None = None
    ) -> Tensor:
        """Expect the return after a step, ``(B,1,H,W)``, without gradient."""
        with torch.no_grad():
            with exact(self.device):
                environment = environment or make_environment(self.task, self.policy)
                observation = environment.observe(step.after, scene)
            return self.policy.value(observation, step.output.memory)

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
            MapError: as `edit_scene` does.
        """
        return edit_scene(
            self.task,
            self.policy,
            scene,
            tile=self.tile,
            with_reward=with_reward,
            with_trace=with_trace,
            intervention=intervention,
        )

    def validation_step(self, scene: Scene, index: int) -> dict[str, Any]:
        """Score the edits of one batch; hand them to the callbacks."""
        edited = self.edit(scene, with_reward=True)
        scores = {**self.task.scores(edited.image, scene), "reward": edited.reward}
        before = self.task.scores(scene["image"], scene)
        self.log_validation({**scores, **{f"input_{name}": each for name, each in before.items()}})
        return {"edited": edited}

    def test_step(self, scene: Scene, index: int) -> dict[str, Any]:
        """Edit and score one batch, before and after, ``(B,)`` per name."""
        edited = self.edit(scene, with_reward=True, with_trace=True)
        before = self.task.scores(scene["image"], scene)
        scores = {f"input_{name}": score for name, score in before.items()}
        scores |= {**self.task.scores(edited.image, scene), "reward": edited.reward}
        return {"edited": edited, "scores": scores}

    def predict_step(self, scene: Scene, index: int) -> Edited:
        """Edit one batch."""
        return self.edit(scene, with_trace=True)

    def _measure(self, scene: Scene) -> None:
        """Measure the unit of rewards where it is needed and not known."""
        spread = self._spread()
        if spread is not None and not spread:
            with exact(self.device):
                spread.copy_(measure_reward_spread(self.task, scene, self.all_gather))

    def _unit(self) -> Tensor | float:
        return 1.0 if (spread := self._spread()) is None else unit(spread)

    def _spread(self) -> Tensor | None:
        """Find the buffer that holds the unit of rewards; None if nothing is told in it."""
        owner = self.policy if isinstance(self.policy, GoalPolicy) else self
        found: Tensor | None = getattr(owner, "reward_spread", None)
        return found
