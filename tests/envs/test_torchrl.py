"""A task as a TorchRL environment: their own checker passes, and rows are the task's episodes."""

import numpy as np
import pytest
import torch

from pixelrl_tasks.denoising import Denoising
from skips import need

need("torchrl", "pip install -c constraints.txt -e '.[torchrl]'")
PHOTO = np.tile(np.arange(48, dtype=np.uint8) * 5, (40, 1))
pytestmark = pytest.mark.filterwarnings("ignore")  # what TorchRL's own code warns of


def test_their_own_checker_passes() -> None:
    from torchrl.envs.utils import check_env_specs

    from pixelrl.envs.torchrl import TaskBatchEnv

    check_env_specs(TaskBatchEnv("denoising", pictures=PHOTO, size=16, batch=2), seed=0)


def test_rows_are_the_tasks_episodes() -> None:
    from pixelrl.envs.torchrl import TaskBatchEnv

    task = Denoising(length=3)
    env = TaskBatchEnv(task, pictures=PHOTO, size=16, batch=2)
    env.set_seed(1)
    played = env.rollout(10)
    assert played.shape == (2, 3)
    assert played["next", "done"].flatten(1).tolist() == [[False, False, True]] * 2
    image, scene = played["observation"][:, 0], env.scene
    for number in range(3):
        after = task.step(image, played["action"][:, number], scene)
        paid = task.reward(image, after, scene)
        assert torch.equal(played["next", "observation"][:, number], after)
        assert torch.equal(played["next", "reward_map"][:, number], paid)
        torch.testing.assert_close(played["next", "reward"][:, number], paid.mean((2, 3)))
        image = after


def test_a_row_can_begin_anew_alone() -> None:
    from pixelrl.envs.torchrl import TaskBatchEnv

    env = TaskBatchEnv("denoising", pictures=PHOTO, size=16, batch=2)
    env.set_seed(1)
    first = env.reset()
    step = env.rand_step(first)["next"]
    before = step["observation"].clone()
    step["_reset"] = torch.tensor([[False], [True]])
    again = env.reset(step)
    assert torch.equal(again["observation"][0], before[0])
    assert not torch.equal(again["observation"][1], before[1])
    assert env.steps.flatten().tolist() == [1, 0]
