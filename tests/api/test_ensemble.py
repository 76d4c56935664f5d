"""Agents in the box that aim at the mean goal of a picture in turns, or of its shifts."""

import numpy as np
import torch
from PIL import Image

import pixelrl
from pixelrl.images.folders import list_bundled
from pixelrl_tasks.inpainting import Inpainting


def test_the_mean_over_all_turns_is_nearer_to_the_truth() -> None:
    photo = Image.open(list_bundled("test")[1]).convert("L").crop((80, 60, 208, 170))
    clean = np.asarray(photo, np.float32) / 255
    noise = np.random.default_rng(0).standard_normal(clean.shape, np.float32)
    noisy = clean + 25 / 255 * noise

    def error(overrides: list[str]) -> tuple[float, float]:
        result = pixelrl.load("denoising-25", overrides=overrides, device="cpu")(noisy)
        goal, image = (np.squeeze(each) - clean for each in (result.goal, result.image))
        return float(np.square(goal).mean()), float(np.square(image).mean())

    alone, together = error([]), error(["network.ensemble=true"])
    assert together[0] < 0.995 * alone[0]
    assert together[1] < alone[1]


def test_the_mean_over_shifts_is_nearer_to_what_lies_below_text() -> None:
    photo = Image.open(list_bundled("test")[1]).convert("L").crop((80, 60, 272, 220))
    clean = torch.from_numpy(np.asarray(photo, np.float32) / 255)[None]
    task = Inpainting(fonts="bundled", quality=(75, 75))
    damaged = task.problem({"image": clean}, torch.Generator().manual_seed(0))["image"]

    def error(spins: int) -> float:
        overrides = [f"network.spins={spins}"]
        result = pixelrl.load("inpainting-gray", overrides=overrides, device="cpu")(damaged)
        return float((result.image - clean).square().mean())

    assert error(2) < 0.98 * error(1)
