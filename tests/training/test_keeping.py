"""Which states of a run are kept, and which of them is called the best."""

import json
from pathlib import Path

import pytest
import torch

from photos import tiny
from pixelrl.config.compose import compose
from pixelrl.experiments.fit import fit


@pytest.mark.parametrize("validate_every", [2, 3, 5, 100])
def test_the_last_state_is_validated_whatever_the_length(
    tmp_path: Path, validate_every: int
) -> None:
    options = tiny(tmp_path, "learning.episodes=5", f"run.validate_every={validate_every}")
    run = fit(compose("denoising", overrides=options)).directory
    rows = map(json.loads, (run / "logs" / "metrics.jsonl").read_text().splitlines())
    rewards = {row["step"] + 1: row["val/reward"] for row in rows if "val/reward" in row}
    assert sorted(rewards) == sorted({*range(validate_every, 6, validate_every), 5})
    best, last = (
        torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=True)
        for name in ("best", "last")
    )
    assert rewards[best["loops"]["fit_loop"]["epoch_loop.batch_progress"]["total"]["ready"]] == max(
        rewards.values()
    )
    kept = next(state for name, state in last["callbacks"].items() if "KeepCheckpoints" in name)
    assert kept["reward"] == max(rewards.values())
