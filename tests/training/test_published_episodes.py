"""Left alone for a whole episode, the published weights reach the published numbers."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from pixelrl.rl.rollout import choose_greedy, rollout
from pixelrl.rl.tiling import TiledEnvironment, tile_policy
from pixelrl.scores import psnr
from pixelrl.training.official_weights import load_official_weights
from toys import Published, golden, toy_net

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("tile", [0, 40])
@pytest.mark.parametrize(
    "name", ["rmc_s15_i0", "rmc_s15_i20", "rmc_s25_i0", "rmc_s25_i20", "rmc_s25_i45"]
)
def test_free_running_on_golden_crops(
    name: str, tile: int, golden_files: Path, weights: Path
) -> None:
    wanted = golden(golden_files / f"{name}.npz")
    meta = json.loads(str(wanted["meta"]))
    task, net = Published(), toy_net(Published(), width=64)
    load_official_weights(net, None, weights / f"rmc_gaussian{meta['sigma']}.npz")
    clean = torch.from_numpy(wanted["clean"].astype(np.float32) / 255)[None, None]
    scene = {"image": clean + torch.from_numpy(wanted["noise"]), "target": clean}
    environment, policy = task, partial(net, with_value=False)
    if tile:
        environment, policy = (
            TiledEnvironment(task, tile),
            tile_policy(policy, reach=net.reach, tile=tile),
        )
    with torch.inference_mode():
        steps = list(rollout(environment, policy, scene, choose_greedy))
    for step, decibel, reward in zip(steps, meta["psnr"], meta["reward_mean"], strict=True):
        assert psnr(step.after, clean).item() == pytest.approx(decibel, abs=0.002)
        found = task.reward(step.before, step.after, scene).mean().item()
        assert found == pytest.approx(reward, abs=2e-4)
    choices = torch.stack([step.choice[0] for step in steps]).numpy()
    assert (choices != wanted["actions"]).mean() < 2e-3  # near ties, and what follows from them


@pytest.mark.parametrize(
    ("name", "sigma", "decibel"),
    [
        ("fcn_gaussian25", 25, 28.636),
        ("gru_gaussian15", 15, 31.202),
        ("gru_gaussian25", 25, 28.709),
        ("rmc_gaussian15", 15, 31.344),
        ("rmc_gaussian25", 25, 28.727),
    ],
)
def test_free_running_on_the_first_photographs(
    name: str, sigma: int, decibel: float, shared: Path, weights: Path
) -> None:
    import cv2

    task = Published()
    net = toy_net(task, width=64, memory=not name.startswith("fcn"))
    load_official_weights(net, None, weights / f"{name}.npz")
    rng = np.random.RandomState(0)
    scores = []
    files = (shared / "reference" / "bsd68_order.txt").read_text("utf-8").split()
    for file in files[:16]:
        grays = cv2.imread(str(shared / "data" / "bsd68" / Path(file).name), cv2.IMREAD_GRAYSCALE)
        clean = torch.from_numpy(grays.astype(np.float32) / 255)[None, None]
        noise = (rng.normal(0, sigma, grays.shape) / 255).astype(np.float32)
        scene = {"image": clean + torch.from_numpy(noise)}
        with torch.inference_mode():
            *_, last = rollout(task, partial(net, with_value=False), scene, choose_greedy)
        scores.append(psnr(last.after, clean).item())
    assert np.mean(scores) == pytest.approx(decibel, abs=0.002)
