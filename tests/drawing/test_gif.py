from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pixelrl.drawing.gif import EM, GAP, LAST, PAUSE, draw_animation, write_animation
from pixelrl.drawing.palette import color_edits

NAMES = ["-1", "keep", "+1", "gaussian 0.5", "median"]


def episode(channels: int, height: int, width: int, length: int = 3) -> tuple[torch.Tensor, ...]:
    rng = torch.Generator().manual_seed(0)
    frames = torch.rand((length + 1, channels, height, width), generator=rng)
    choices = torch.randint(len(NAMES), (length, height, width), generator=rng)
    return frames, choices


@pytest.mark.parametrize("channels", [1, 3])
def test_every_step_is_shown_and_the_edits_keep_their_colors(tmp_path: Path, channels: int) -> None:
    frames, choices = episode(channels, 200, 170)
    path = tmp_path / "deep" / "a.gif"
    write_animation(path, draw_animation(frames, choices, NAMES))
    with Image.open(path) as opened:
        assert opened.n_frames == 4
        assert opened.info["loop"] == 0
        pauses = []
        table = (color_edits(NAMES) * 255).round().to(torch.uint8).numpy()
        for step in range(4):
            opened.seek(step)
            pauses.append(opened.info["duration"])
            shown = np.asarray(opened.convert("RGB"))
            image = shown[2 * EM : 2 * EM + 200, GAP : GAP + 170].astype(float)
            wanted = frames[step].movedim(0, -1).numpy() * 255
            # Gray levels are nearly exact, colors those nearest in the palette.
            assert np.abs(image - wanted).mean() < (2 if channels == 1 else 20)
            if step:
                left = 170 + 2 * GAP
                chosen = shown[2 * EM : 2 * EM + 200, left : left + 170]
                wanted = table[choices[step - 1].numpy()].astype(int)
                assert np.abs(chosen - wanted).max() <= 1
    assert pauses == [PAUSE, PAUSE, PAUSE, LAST]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (50, 900), (1200, 30)])
def test_any_size_can_be_shown(tmp_path: Path, height: int, width: int) -> None:
    frames, choices = episode(1, height, width, 2)
    pictures = draw_animation(frames, choices, ["a very long name of an edit", *NAMES[1:]])
    assert len({picture.size for picture in pictures}) == 1
    assert max(pictures[0].size) < 1200
    write_animation(tmp_path / "a.gif", pictures)
