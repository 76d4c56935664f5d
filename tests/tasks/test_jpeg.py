"""JPEG as damage: what it leaves, where its blocks lie, and who learns from it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pixelrl.cli.main import main
from pixelrl_tasks.inpainting import Inpainting
from pixelrl_tasks.jpeg import compress

EDGES = torch.rand(1, 40, 40, generator=torch.Generator().manual_seed(1)).round()


@given(st.integers(1, 100), st.integers(0, 7), st.integers(0, 7), st.sampled_from([1, 3]))
def test_any_quality_and_offset_give_a_picture_of_8_bits(
    quality: int, above: int, left: int, channels: int
) -> None:
    image = EDGES.expand(channels, -1, -1)
    levels = 255 * compress(image, quality, (above, left))
    assert levels.shape == image.shape
    assert torch.equal(levels, levels.round().clamp(0, 255))


def test_blocks_begin_where_they_are_told() -> None:
    """A flat block is kept as it is: only blocks that the edge crosses have ringing."""
    image = torch.zeros(1, 32, 32)
    image[..., 11:] = 1
    for left, touched in ((0, range(8, 16)), (5, range(11 - 8, 11)), (3, range(5, 13))):
        off = (compress(image, 30, (0, left)) - image).abs().amax((0, 1)) > 1 / 255
        assert off.any() == (left != 5), left  # five aside, the edge is a block's border
        assert set(off.nonzero().flatten().tolist()) <= set(touched)


def test_agents_that_take_off_text_may_learn_from_jpegs() -> None:
    clean = {"image": torch.full((1, 64, 64), 0.5)}

    def drawn(task: Inpainting, seed: int) -> torch.Tensor:
        return task.problem(clean, torch.Generator().manual_seed(seed))["image"]

    plain, saved = Inpainting(), Inpainting(quality=(40, 60))
    same = [torch.equal(drawn(plain, seed), drawn(saved, seed)) for seed in range(60)]
    assert 5 <= sum(same) <= 40  # a third is left as it was drawn, or had no text on it
    assert torch.equal(drawn(saved, 3), drawn(saved, 3))


@pytest.mark.parametrize("given", ["[0,50]", "[60,50]", "[50,101]"])
def test_qualities_that_cannot_be_are_told(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--task", "inpainting", f"task.quality={given}", "--dry-run"]) == 2
    assert "task.quality: expected" in capsys.readouterr().err
